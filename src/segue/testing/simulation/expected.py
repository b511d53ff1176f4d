"""What an answer of a worker must lead to, said a second time, for the answers that simulated workers give.

`expected` says the whole effect; `problem` compares it with the effect that the engine decided on. The rules are those
of docs/results.md; nothing of `segue.core` is used.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from segue.model.graph import ActionKind, LimitRule, Node, NodeKind, Timer, TimerKind
from segue.model.message import Child, Consumed, Effect, Kept, Outcome, Place, SetAside
from segue.model.start import Headers
from segue.model.workers import WorkerReply
from segue.testing.simulation import wire
from segue.testing.simulation.account import Known
from segue.testing.simulation.belonging import Leave, Scopes, before, dropped, leave, level, pieces, wanted
from segue.testing.simulation.drawing import Drawing, Way, read_facts

_OUTAGE_FIRST_MS, _OUTAGE_LONGEST_MS, _OUTAGE_SPREAD = 500, 60_000, 0.2
_LIMIT_PAUSE_MS = 60_000
DATES = {"2030-03-17T17:47:30Z": 1_900_000_050_000, "2030-03-17T17:46:00Z": 1_899_999_960_000}


@dataclass(frozen=True, slots=True)
class Copy:
    """A child that must be: where, and with what. `cursor` is the header of that name, `scope` the segments it is in,
    opened by the content of this `number`, and `flow` the one over which it came to where messages meet."""

    place: Place
    node: str
    body: bytes
    headers: Headers
    due: int = 0
    cursor: str | None = None
    scope: tuple[str, ...] = ()
    number: int = 0
    flow: str | None = None


@dataclass(frozen=True, slots=True)
class Leaves:
    """The message must be consumed and leave these children. `clears` is the scope that ends with it, `result` the body
    and headers of who leaves for good in a called instance."""

    outcome: Outcome
    copies: tuple[Copy, ...] = ()
    terminate: bool = False
    clears: str | None = None
    result: tuple[bytes, Headers] | None = None


@dataclass(frozen=True, slots=True)
class Stays:
    """The message must stay, due within these instants. `headers` are those of people and actions."""

    outcome: Outcome
    due: tuple[int, int]
    repeats: int
    outages: int
    headers: Headers


@dataclass(frozen=True, slots=True)
class Aside:
    """The message must go to this place, as it was."""

    place: Place


Expected = Leaves | Stays | Aside
TRASH = Aside(Place.TRASH)


def expected(drawing: Drawing, known: Known, reply: WorkerReply | None, now: int) -> Expected:
    """Return what must become of a message at its node, decided `now`; with the reply if the node calls an action."""
    found = _at_node(drawing, known, reply, now)
    return caught(drawing, known, found, now)


def caught(drawing: Drawing, known: Known, found: Expected, now: int) -> Expected:
    """Return what is expected instead of trash where an error event is."""
    return _caught(drawing, known, now) if found is TRASH else found


def _at_node(drawing: Drawing, known: Known, reply: WorkerReply | None, now: int) -> Expected:
    node = drawing.nodes[known.node]
    if node.kind is NodeKind.ACTION:
        if reply is None:
            raise ValueError(f"no reply for {known.id} at {known.node}")
        return _answered(drawing, node, known, reply, now)
    if node.kind is NodeKind.USER_TASK and not _passes(node, known.headers):
        return Aside(Place.WAITING)
    if node.kind is NodeKind.MESSAGE:
        return TRASH if key_of(known.body) is None else Aside(Place.LISTENING)
    if node.kind is NodeKind.CALL and known.reason_code != "called-finished":
        return TRASH if (known.reason_code or "").startswith("called-") else Aside(Place.CALLING)
    if node.kind is NodeKind.TIMER:
        due = known.due or due_at(node.timer, known.entered)
        if due > now:
            return Stays(Outcome.WAITING, (due, due), known.repeats, 0, wire.own(known.headers))
    return forwarded(drawing, known, known.body, known.headers, now)


def due_at(timer: Timer | None, entered: int) -> int:
    """Return when a message that reached a timer at `entered` may go on."""
    if timer is None:
        raise ValueError("a timer node without a timer")
    if timer.kind is TimerKind.DATE:
        return DATES[timer.value]
    return entered + round(float(timer.value[2:-1]) * 1000)


def forwarded(
    drawing: Drawing, known: Known, body: bytes, headers: Headers, now: int, *, outcome: Outcome = Outcome.OK
) -> Expected:
    """Return what must become of a message that goes where the flows lead, with this body and these headers."""
    ways = drawing.ways(known.node, body, headers)
    return _sent(drawing, known, [(body, headers, ways)], now, outcome)


Content = tuple[bytes, Headers, list[Way]]


def _sent(  # noqa: PLR0917 - all that follows from a message that leaves
    drawing: Drawing,
    known: Known,
    contents: Sequence[Content],
    now: int,
    outcome: Outcome = Outcome.OK,
    leaving: Leave | None = None,
) -> Expected:
    result = (contents[-1][0], wire.own(contents[-1][1])) if contents else None
    for way in [way for _, _, content_ways in contents for way in content_ways]:
        if way.kind == "stuck" and way.node == known.node:
            return TRASH
        if way.kind == "terminate":
            return Leaves(outcome, terminate=True, result=result)
    leaving = leaving or leave(known.scope)
    copies: list[Copy] = []
    clears = leaving.clears
    over: tuple[str, ...] = ()
    for number, (body, headers, content_ways) in enumerate(contents):
        for way in content_ways:
            scope, clears, left = wanted(Leave(leaving.base, clears), way.opened)
            over = left if way.ends else over
            copies.append(
                _copy(drawing, way, (number, scope), body, headers, now, passing=not wire.by_hand(known.headers))
            )
    if over:
        copies = [copy for copy in copies if copy.scope[: len(over)] != over]
    return Leaves(outcome, tuple(copies), clears=clears, result=result)


def _passes(node: Node, headers: Headers) -> bool:
    """Whether a message with these headers goes on at a user task without a person."""
    return node.passes and not wire.by_hand(headers)


def _copy(  # noqa: PLR0917 - all that makes a copy
    drawing: Drawing,
    way: Way,
    where: tuple[int, tuple[str, ...]],
    body: bytes,
    headers: Headers,
    now: int,
    *,
    passing: bool,
) -> Copy:
    node = drawing.nodes[way.node]
    number, scope = where
    place, due = Place.QUEUED, 0
    if way.kind == "stuck":
        place = Place.TRASH
    elif node.kind is NodeKind.USER_TASK:
        place = Place.QUEUED if node.passes and passing else Place.WAITING
    elif node.kind is NodeKind.TIMER and due_at(node.timer, now) > now:
        place, due = Place.DELAYED, due_at(node.timer, now)
    elif node.kind is NodeKind.MESSAGE:
        place = Place.TRASH if key_of(body) is None else Place.LISTENING
    elif node.id in drawing.joins or node.kind is NodeKind.SUB_PROCESS:
        count = None if way.ends else level(drawing, node.id, scope)
        if count is not None:
            place, scope = Place.JOINING, scope[:count]
    flow = way.flow if place is Place.JOINING else None
    return Copy(place, node.id, body, wire.own(headers), due, headers.get(wire.CURSOR), scope, number, flow)


def key_of(body: bytes) -> str | None:
    """Return the key under which a message with this body listens; None if it has none."""
    kind = (read_facts(body) or {}).get("kind")
    return kind if isinstance(kind, str) and kind else None


def _caught(drawing: Drawing, known: Known, now: int) -> Expected:
    """What becomes of a message that fails: an error event takes it on, else it goes to trash."""
    catcher = drawing.catcher(known.node)
    if catcher is None:
        return TRASH
    leaving = leave(known.scope)
    part = catcher.attached_to or ""
    if drawing.nodes[part].kind is NodeKind.SUB_PROCESS:
        ended = before(known.scope, "s", drawing.places[part])
        if ended is not None:
            leaving = Leave("".join(pieces(ended)[:-1]), ended)
    ways = drawing.ways(catcher.id, known.body, known.headers)
    return _sent(drawing, known, [(known.body, known.headers, ways)], now, Outcome.FAILED, leaving)


# -- answers ----------------------------------------------------------------------------------------------------------


def _answered(drawing: Drawing, node: Node, known: Known, reply: WorkerReply, now: int) -> Expected:
    answer = wire.read_answer(reply)
    if reply.fault is not None or reply.status > 500 or reply.status < 200:
        return _outage(known, now)
    if reply.status >= 300:
        return TRASH
    if answer is None:
        return _outage(known, now)
    return _coded(drawing, node, known, answer, now)


def _coded(drawing: Drawing, node: Node, known: Known, answer: wire.Envelope, now: int) -> Expected:
    code = answer.headers.get(wire.CODE)
    if code is None or code == "1006":
        return TRASH
    if code == "1001":
        return _repeated(node, known, answer, now)
    if code == "1004":
        return _limited(node, known, answer, now)
    if code == "1003":
        return Leaves(Outcome.STOPPED)
    if node.action is not None and node.action.kind is ActionKind.BATCH:
        return _batch(drawing, known, answer, now)
    if code == "1002":
        return _chosen(drawing, known, answer, now)
    return forwarded(drawing, known, answer.body, answer.headers, now)


def _outage(known: Known, now: int) -> Expected:
    outages = known.outages + 1
    shortest = min(_OUTAGE_FIRST_MS << min(outages - 1, 16), _OUTAGE_LONGEST_MS)
    due = (now + int(shortest * (1 - _OUTAGE_SPREAD)), now + int(_OUTAGE_LONGEST_MS * (1 + _OUTAGE_SPREAD)))
    return Stays(Outcome.OUTAGE, due, known.repeats, outages, wire.own(known.headers))


def _repeated(node: Node, known: Known, answer: wire.Envelope, now: int) -> Expected:
    interval, at_most = answer.headers.get(wire.INTERVAL), answer.headers.get(wire.AT_MOST)
    if node.repeat is not None:
        pause_ms, most = node.repeat.interval_ms, node.repeat.at_most
    elif interval is None or at_most is None:
        return TRASH
    else:
        pause_ms, most = int(interval) * 1000, int(at_most)
    if known.repeats + 1 >= most:
        return TRASH
    headers = wire.own(known.headers) | wire.own(answer.headers)
    return Stays(Outcome.REPEAT, (now + pause_ms, now + pause_ms), known.repeats + 1, 0, headers)


def _limited(node: Node, known: Known, answer: wire.Envelope, now: int) -> Expected:
    asked = answer.headers.get(wire.PAUSE)
    pause_ms = longest(node.limits) if asked is None else max(int(asked), 1) * 1000
    return Stays(Outcome.LIMITED, (now + pause_ms, now + pause_ms), known.repeats, 0, wire.own(known.headers))


def longest(limits: Sequence[LimitRule]) -> int:
    """Return the longest window of some limits, a minute without any; in ms."""
    return max((limit.per_ms for limit in limits), default=_LIMIT_PAUSE_MS)


def _chosen(drawing: Drawing, known: Known, answer: wire.Envelope, now: int) -> Expected:
    targets = list(dict.fromkeys(answer.headers.get(wire.TARGETS, "").split(",")))
    reachable = drawing.reachable(known.node)
    if not set(targets) <= reachable.keys():
        return TRASH
    ways = [way for target in targets for way in reachable[target]]
    return _sent(drawing, known, [(answer.body, answer.headers, ways)], now)


def _batch(drawing: Drawing, known: Known, answer: wire.Envelope, now: int) -> Expected:
    code = answer.headers[wire.CODE]
    contents: list[Content] = []
    if code != "1011":
        try:
            items = json.loads(answer.body)
        except ValueError:
            return TRASH
        if not isinstance(items, list):
            return TRASH
        for item in items:
            headers = wire.own(answer.headers) | wire.own(item.get("headers") or {})
            body = wire.opened(item["body"], item.get("headers") or {})
            contents.append((body, headers, drawing.ways(known.node, body, headers)))
    sent = _sent(drawing, known, contents, now)
    if code not in {"1010", "1011"} or not isinstance(sent, Leaves) or sent.terminate:
        return sent
    cursor = answer.headers.get(wire.CURSOR)
    if cursor is None:
        return TRASH
    own = tuple(pieces(known.scope))
    again = Copy(Place.QUEUED, known.node, known.body, wire.own(answer.headers), cursor=cursor, scope=own)
    return Leaves(sent.outcome, (*sent.copies, again), clears="")


# -- comparing --------------------------------------------------------------------------------------------------------


def problem(right: Expected, effect: Effect, known: Known, scopes: Scopes) -> str | None:
    """Return how an effect on a message differs from what must be; None if it does not."""
    if isinstance(right, Aside):
        if isinstance(effect, SetAside) and effect.place is right.place:
            return None
        return f"must go to {right.place.name.lower()}, but {_said(effect)}"
    if isinstance(right, Stays):
        return _stays_problem(right, effect, known)
    if not isinstance(effect, Consumed):
        return f"must leave with {len(right.copies)} children, but {_said(effect)}"
    if (effect.outcome, effect.terminate) != (right.outcome, right.terminate):
        return f"must leave as {right.outcome}{' and end all' * right.terminate}, but {_said(effect)}"
    if len(effect.children) != len(right.copies):
        places = ", ".join(copy.node for copy in right.copies)
        return f"must leave {len(right.copies)} children ({places}), but {_said(effect)}"
    for copy, child in zip(right.copies, effect.children, strict=True):
        difference = _child_problem(copy, child) or scopes.problem(known.id, copy.number, copy.scope, child.scope)
        if difference:
            return (
                f"has a child at {child.node} that {difference}" if difference.startswith("must be in") else difference
            )
    return _ends_problem(right, effect, known)


def _ends_problem(right: Leaves, effect: Consumed, known: Known) -> str | None:
    """What else must end with the message, and what its caller must be told."""
    clears = right.clears
    if not clears and not right.copies:
        clears = dropped(known.scope)
    if effect.clears != (clears or "") and not right.terminate:
        return f"must end all in {clears or 'nothing'}, but ends {effect.clears or 'nothing'}"
    if known.scope.startswith("c") and not right.copies and right.result is not None:
        said = effect.result and (effect.result.body, wire.own(effect.result.headers))
        if said != right.result:
            return f"must leave {right.result} as its result, but leaves {said}"
    return None


def _stays_problem(wanted: Stays, effect: Effect, known: Known) -> str | None:
    if not isinstance(effect, Kept) or effect.outcome is not wanted.outcome:
        return f"must stay ({wanted.outcome}), but {_said(effect)}"
    if not wanted.due[0] <= effect.due <= wanted.due[1]:
        return f"must be due from {wanted.due[0]} to {wanted.due[1]}, but is due {effect.due}"
    if (effect.repeats, effect.outages) != (wanted.repeats, wanted.outages):
        text = f"must have {wanted.repeats} repeats and {wanted.outages} outages"
        return f"{text}, but has {effect.repeats} and {effect.outages}"
    headers = known.headers if effect.headers is None else effect.headers
    if wire.own(headers) != wanted.headers:
        return f"must keep the headers {wanted.headers}, but has {wire.own(headers)}"
    if headers.get(wire.CURSOR) != known.headers.get(wire.CURSOR):
        return f"must keep the cursor {known.headers.get(wire.CURSOR)}, but has {headers.get(wire.CURSOR)}"
    return None


def _child_problem(copy: Copy, child: Child) -> str | None:
    if (child.node, child.place) != (copy.node, copy.place):
        there = f"{copy.node} ({copy.place.name.lower()})"
        return f"must send a child to {there}, but sends it to {child.node} ({child.place.name.lower()})"
    if child.body != copy.body:
        return f"must send {copy.body!r} to {copy.node}, but sends {child.body!r}"
    if wire.own(child.headers) != copy.headers:
        return f"must send the headers {copy.headers} to {copy.node}, but sends {wire.own(child.headers)}"
    if child.headers.get(wire.CURSOR) != copy.cursor:
        return f"must send the cursor {copy.cursor} to {copy.node}, but sends {child.headers.get(wire.CURSOR)}"
    if copy.flow is not None and child.reason_code != copy.flow:
        return f"must come to {copy.node} over {copy.flow}, but says {child.reason_code}"
    if child.due != copy.due:
        return f"must send a child due {copy.due} to {copy.node}, but it is due {child.due}"
    return None


def _said(effect: Effect) -> str:
    if isinstance(effect, Consumed):
        places = ", ".join(f"{child.node} ({child.place.name.lower()})" for child in effect.children)
        return f"leaves as {effect.outcome} for {places or 'nowhere'}{' and ends all' * effect.terminate}"
    if isinstance(effect, Kept):
        return f"stays as {effect.outcome}"
    if isinstance(effect, SetAside):
        return f"goes to {effect.place.name.lower()} ({effect.reason_code}: {effect.reason})"
    return f"is {type(effect).__name__.lower()}"
