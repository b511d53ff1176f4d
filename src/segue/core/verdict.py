"""Verdicts: what the rules say about one message, before it becomes a transition."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from segue.core.children import Offspring
from segue.core.routing import Routes
from segue.model.graph import Node
from segue.model.message import Consumed, Effect, LogLine, Message, Outcome, Place, SetAside


class Case(Struct, frozen=True):
    """One message to be decided: where it is, the instant `now`, and the chance that spreads delays.

    `node_outages` is how many calls in a row brought no answer at the node, for messages of any instance.
    """

    routes: Routes
    node: Node
    message: Message
    now: int
    chance: float = 0.5
    node_outages: int = 0


class Verdict(Struct, frozen=True):
    """An effect, and what to tell people about it."""

    effect: Effect
    logs: tuple[LogLine, ...] = ()


def line(case: Case, level: str, text: str) -> LogLine:
    """Return a line about the case."""
    return LogLine(level=level, text=text, at=case.now)


def failed(case: Case, reason: str, code: str) -> Verdict:
    """The message goes to trash as it was before the call."""
    return Verdict(SetAside(reason=reason, reason_code=code), (line(case, "error", reason),))


def consumed(case: Case, born: Offspring, outcome: Outcome = Outcome.OK, logs: tuple[LogLine, ...] = ()) -> Verdict:
    """The message leaves and its children take its place; when it is stuck at its own node it goes to trash instead."""
    if born.stuck is not None:
        verdict = failed(case, born.stuck.reason, born.stuck.code)
        return Verdict(verdict.effect, logs + verdict.logs)
    effect = Consumed(outcome=outcome, children=born.children, terminate=born.terminate)
    return Verdict(effect, logs + _lines_of_trash(case, born))


def _lines_of_trash(case: Case, born: Offspring) -> tuple[LogLine, ...]:
    """A line for each reason for which children are in trash, however many items of a batch share it."""
    trashed = [child.reason for child in born.children if child.place is Place.TRASH and child.reason]
    if not trashed:
        return ()
    reasons = Counter(trashed)
    return tuple(
        line(case, "error", reason if count == 1 else f"{reason} ({count} messages)")
        for reason, count in reasons.items()
    )
