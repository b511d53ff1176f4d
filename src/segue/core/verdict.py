"""Verdicts: what the rules say about one message, before it becomes a transition."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from segue.core import scopes
from segue.core.children import Content, Offspring, Origin, offspring
from segue.core.headers import ERROR_CODE, ERROR_MESSAGE, ERROR_NODE, clean_headers
from segue.core.routing import Routes
from segue.model.graph import Node
from segue.model.message import Consumed, Effect, LogLine, Message, Outcome, Place, Result, SetAside

_TRASH = Place.TRASH  # bound once: before Python 3.12, every look at an enumeration's member costs a call


class Case(Struct, frozen=True, gc=False):
    """One message to be decided: where it is, the instant `now`, and the chance that spreads delays.

    `node_outages` is how many calls in a row brought no answer at the node, for messages of any instance.
    """

    routes: Routes
    node: Node
    message: Message
    now: int
    chance: float = 0.5
    node_outages: int = 0


class Verdict(Struct, frozen=True, gc=False):
    """An effect, and what to tell people about it."""

    effect: Effect
    logs: tuple[LogLine, ...] = ()


def line(case: Case, level: str, text: str) -> LogLine:
    """Return a line about the case."""
    return LogLine(level=level, text=text, at=case.now)


def failed(case: Case, reason: str, code: str) -> Verdict:
    """The message fails: a boundary event takes it from where it was, else it goes to trash as before the call."""
    catcher = case.routes.shape.catcher(case.node.id, code)
    if catcher is not None:
        return _caught(case, catcher, reason, code)
    return Verdict(SetAside(reason=reason, reason_code=code), (line(case, "error", reason),))


def _caught(case: Case, catcher: Node, reason: str, code: str) -> Verdict:
    """The message leaves its activity over an error boundary event, as it was before the call, and says why.

    If the activity is a sub-process around it, all that is in there ends.
    """
    message, attached = case.message, catcher.attached_to
    leaving = scopes.leaving(message.scope)
    origin = Origin(catcher.id, leaving.base, leaving.clears)
    if attached is not None and attached in case.routes.shape.parts:
        ended = scopes.opened_by(message.scope, scopes.PART, case.routes.shape.index[attached])
        if ended is not None:
            origin = Origin(catcher.id, scopes.around(ended), ended)
    said = {ERROR_CODE: code, ERROR_MESSAGE: reason, ERROR_NODE: case.node.id}
    headers = clean_headers(message.headers) | said
    content = Content(message.body, headers, case.routes.route(catcher.id, message.body, headers))
    born = offspring(case.routes, message, [content], case.now, items=False, origin=origin)
    text = f"{reason}; the event {catcher.label!r} takes the message on"
    return consumed(case, born, Outcome.FAILED, (line(case, "warning", text),))


def consumed(case: Case, born: Offspring, outcome: Outcome = Outcome.OK, logs: tuple[LogLine, ...] = ()) -> Verdict:
    """The message leaves and its children take its place; when it is stuck at its own node it goes to trash instead."""
    if born.stuck is not None:
        verdict = failed(case, born.stuck.reason, born.stuck.code)
        return Verdict(verdict.effect, logs + verdict.logs)
    message = case.message
    result = None
    if message.scope.startswith(scopes.CALL) and not born.children:
        result = born.result or Result(message.body, clean_headers(message.headers))
    effect = Consumed(
        outcome=outcome,
        children=born.children,
        terminate=born.terminate,
        clears=born.clears or ("" if born.children else scopes.dropping(message.scope)),
        result=result,
    )
    return Verdict(effect, logs + _lines_of_trash(case, born))


def _lines_of_trash(case: Case, born: Offspring) -> tuple[LogLine, ...]:
    """A line for each reason for which children are in trash, however many items of a batch share it."""
    reasons = [child.reason for child in born.children if child.place is _TRASH and child.reason]
    return trash_lines(case, Counter(reasons)) if reasons else ()


def trash_lines(case: Case, reasons: Counter[str]) -> tuple[LogLine, ...]:
    """Return a line for each reason, with how many messages it is about."""
    return tuple(
        line(case, "error", reason if count == 1 else f"{reason} ({count} messages)")
        for reason, count in reasons.items()
    )
