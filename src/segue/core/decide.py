"""Decide: the whole effect of handling one message. The place to start reading.

`decide` gets the graph's routes, the message as it was taken, and the worker's reply, and says what becomes of the
message: consumed (its children take its place), kept (it is called again later), or set aside (trash, or waiting for
a person). It is a pure function: the same arguments give an equal transition, so a crash between the call and the
settle does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from segue.core import calls, scopes
from segue.core.answers import Answer, Code, Outage, Refusal, read_reply, shortened
from segue.core.batch import decide_batch, spread_batch
from segue.core.children import Content, Offspring, due_at, offspring, reminder
from segue.core.envelope import Envelope
from segue.core.headers import FORCED_TARGETS, by_hand, call_headers, clean_headers
from segue.core.iso8601 import TimeError
from segue.core.listening import ListeningError, subscription
from segue.core.outage import LONGEST_ASKED_MS, outage_delay_ms
from segue.core.repeat import decide_limited, decide_repeat, pause_asked_ms
from segue.core.routing import Routes, Way
from segue.core.tasks import decide_task
from segue.core.timers import repetitions
from segue.core.trash import decide_discard, decide_edit, decide_move, decide_resend
from segue.core.verdict import Case, Verdict, consumed, failed, line
from segue.model.errors import SegueError
from segue.model.graph import ActionKind, NodeKind, TimerKind
from segue.model.message import Child, Consumed, Kept, LogLine, Message, Outcome, Place, Record, SetAside, Transition
from segue.model.start import Headers
from segue.model.workers import WorkerReply

__all__ = [
    "call_headers",
    "clean_headers",
    "decide",
    "decide_discard",
    "decide_edit",
    "decide_move",
    "decide_not_callable",
    "decide_resend",
    "decide_task",
    "large_batch",
]

_WITHOUT_ITEMS = frozenset({Code.REPEAT, Code.STOP, Code.LIMIT, Code.FAIL, Code.CURSOR_ONLY})


def decide(  # noqa: PLR0917 - what a decision rests on, in the order of the story
    routes: Routes,
    message: Message,
    reply: WorkerReply | None,
    now: int,
    taken: int,
    chance: float,
    node_outages: int = 0,
) -> Transition:
    """Return the effect of handling `message`, which was taken at `taken` and is being decided `now` (instants in ms).

    `reply` is the answer of the node's action, None at a node without one. `chance` in [0, 1) spreads delays.
    `node_outages` is how many calls in a row brought no answer at this node, for messages of any instance.
    Raises NodeNotFound for a node of another graph, and ValueError when a reply is missing or one too many.
    """
    node = routes.node(message.node)
    case = Case(routes, node, message, now, chance, node_outages)
    if reply is None:
        verdict = _without_action(case)
        record = Record(taken=taken)
    else:
        verdict, record = _with_reply(case, reply, taken)
    return Transition(message=message, effect=verdict.effect, record=record, at=now, logs=verdict.logs)


class LargeBatch:
    """An answer with many items, decided some children at a time.

    `pieces` yields children; once it is through, `transition` is the effect of handling the message. Its children are
    those that were yielded if `whole`, else none of them.
    """

    def __init__(self, case: Case, answer: Answer, reply: WorkerReply, taken: int) -> None:
        self._case = case
        self._answer = answer
        self._record = _record(reply, answer.envelope, taken)
        self.transition: Transition | None = None
        self.whole = False

    def pieces(self, size: int) -> Iterator[tuple[Child, ...]]:
        """Yield children, about `size` at a time."""
        verdict = yield from spread_batch(
            self._case, self._answer, _unknown_code(self._case, self._answer, batch=True), size
        )
        effect = verdict.effect
        self.whole = isinstance(effect, Consumed) and effect.outcome is Outcome.OK and not effect.terminate
        case, told = self._case, _told(self._case, verdict, self._answer.envelope)
        self.transition = Transition(
            message=case.message, effect=effect, record=self._record, at=case.now, logs=told.logs
        )


def large_batch(routes: Routes, message: Message, reply: WorkerReply, now: int, taken: int) -> LargeBatch | None:
    """Return the answer of a batch that is to be decided some children at a time; None for one without items, and for
    one whose message belongs to others, or whose items meet others at once: these see all or nothing of them."""
    node = routes.node(message.node)
    if node.action is None or node.action.kind is not ActionKind.BATCH:
        return None
    if message.scope or any(routes.shape.meets(id_) for id_, _ in routes.followers(node.id)):
        return None
    read = read_reply(reply, node.action.worker)
    if not isinstance(read, Answer) or read.code in _WITHOUT_ITEMS:
        return None
    return LargeBatch(Case(routes, node, message, now), read, reply, taken)


def _without_action(case: Case) -> Verdict:
    """A message at a node that calls nobody: it passes, waits, or ends."""
    kind = case.node.kind
    if kind is NodeKind.ACTION:
        raise ValueError(f"The node {case.node.id!r} has an action; its messages are decided with a reply")
    if kind is NodeKind.USER_TASK and not (case.node.passes and not by_hand(case.message.headers)):
        reason = f"Waits for a person at {case.node.label!r}"
        return Verdict(SetAside(reason=reason, reason_code="user-task", place=Place.WAITING))
    if kind is NodeKind.TIMER:
        return _at_timer(case)
    if kind is NodeKind.CALL:
        return _at_call(case)
    if kind is NodeKind.MESSAGE:
        return _at_message(case)
    if kind is NodeKind.UNSUPPORTED:
        return failed(case, f"A {case.node.element} is not executable", "not-executable")
    if kind is NodeKind.TERMINATE:
        return consumed(case, Offspring(terminate=True))
    return _forward(case, case.message.body, clean_headers(case.message.headers))


def _at_timer(case: Case) -> Verdict:
    """A message at a timer goes on once it is due; one that came without a due instant gets it now."""
    message = case.message
    try:
        due = message.due or due_at(case.node, message.entered)
    except TimeError as error:
        return failed(case, str(error), "bad-timer")
    if due <= case.now:
        return _reminded(case) or _forward(case, message.body, clean_headers(message.headers))
    reason = f"Waits at the timer {case.node.label!r}"
    kept = Kept(
        outcome=Outcome.WAITING, due=due, repeats=message.repeats, outages=0, reason=reason, reason_code="timer"
    )
    return Verdict(kept)


def _reminded(case: Case) -> Verdict | None:
    """A boundary timer that only reminds goes on, and if it is a cycle it also stays for the next time."""
    message, timer = case.message, case.node.timer
    if scopes.last_kind(message.scope) != scopes.REMIND or timer is None:
        return None
    times = scopes.number_of(scopes.segments(message.scope)[-1]) + 1
    if timer.kind not in {TimerKind.CYCLE, TimerKind.CRON} or times >= (repetitions(timer) or times + 1):
        return None
    headers = clean_headers(message.headers)
    content = Content(message.body, headers, case.routes.route(case.node.id, message.body, headers))
    born = offspring(case.routes, message, [content], case.now, items=False)
    if born.stuck or born.terminate:
        return None
    again = reminder(case.node, message, times, case.now, len(born.children))
    return consumed(case, replace(born, children=(*born.children, again)))


def _at_call(case: Case) -> Verdict:
    """A message at a call activity calls; once the called instance has ended it goes on, or fails with it."""
    message = case.message
    code = message.reason_code
    if code == calls.FINISHED:
        return _forward(case, message.body, clean_headers(message.headers))
    if code in {calls.FAILED, calls.CANCELLED, calls.BAD_RESULT}:
        return failed(case, message.reason or "The called instance did not finish", code)
    if scopes.call_depth(message.scope) >= scopes.DEEPEST_CALL:
        text = f"More than {scopes.DEEPEST_CALL} calls are nested here; a process that calls itself never ends"
        return failed(case, text, calls.NOT_CALLABLE)
    effect = calls.calling(case.node, message, case.now)
    return Verdict(effect, (line(case, "info", effect.reason),))


def decide_not_callable(routes: Routes, seen: Transition, error: SegueError) -> Transition:
    """Return the effect of a call that could not be made: nothing of `seen` has happened, and the message fails."""
    message = seen.message
    case = Case(routes, routes.node(message.node), message, seen.at)
    verdict = failed(case, f"The process {case.node.calls!r} cannot be called: {error}", calls.NOT_CALLABLE)
    return Transition(message=message, effect=verdict.effect, record=seen.record, at=seen.at, logs=verdict.logs)


def _at_message(case: Case) -> Verdict:
    """A message that comes to a message event by itself waits there for one from outside."""
    try:
        reason = subscription(case.node, case.message.body, case.message.headers)
    except ListeningError as error:
        return failed(case, str(error), error.code)
    return Verdict(SetAside(reason=reason, reason_code="message", place=Place.LISTENING))


def _with_reply(case: Case, reply: WorkerReply, taken: int) -> tuple[Verdict, Record]:
    """A message whose action was called."""
    action = case.node.action
    if case.node.kind is not NodeKind.ACTION or action is None:
        raise ValueError(f"The node {case.node.id!r} has no action; its messages are decided without a reply")
    read = read_reply(reply, action.worker)
    if isinstance(read, Answer):
        verdict = _answered(case, action.kind, read)
    elif isinstance(read, Refusal):
        verdict = failed(case, read.reason, read.code)
    else:
        verdict = _outage(case, read)
    return _told(case, verdict, read.envelope), _record(reply, read.envelope, taken)


def _record(reply: WorkerReply, envelope: Envelope | None, taken: int) -> Record:
    if envelope is None:
        return Record(taken=taken, worker_us=reply.elapsed_us, status=reply.status or None)
    return Record(
        taken=taken,
        worker_us=reply.elapsed_us,
        remote_us=envelope.remote_us,
        cpu_us=envelope.cpu_us,
        status=reply.status,
        remote=envelope.remote,
    )


def _told(case: Case, verdict: Verdict, envelope: Envelope | None) -> Verdict:
    """The verdict with the worker's own lines before ours."""
    if envelope is None or not envelope.logs:
        return verdict
    own = tuple(entry if entry.at else line(case, entry.level, entry.text) for entry in envelope.logs)
    return Verdict(verdict.effect, own + verdict.logs)


def _outage(case: Case, outage: Outage) -> Verdict:
    """Nobody answered, or nothing usable: the message stays, and is tried again after a growing delay."""
    outages = case.message.outages + 1
    delay_ms = outage_delay_ms(max(outages, case.node_outages + 1), case.chance)
    asked_ms = pause_asked_ms(outage.after, case.now)
    if asked_ms is not None:
        delay_ms = max(delay_ms, min(asked_ms, LONGEST_ASKED_MS))
    reason = f"{outage.reason}; next try in {delay_ms / 1000:.1f} s"
    effect = Kept(
        outcome=Outcome.OUTAGE,
        due=case.now + delay_ms,
        repeats=case.message.repeats,
        outages=outages,
        reason=reason,
        reason_code=outage.code,
    )
    return Verdict(effect, (line(case, "warning", reason),))


def _answered(case: Case, kind: ActionKind, answer: Answer) -> Verdict:
    """The worker gave a result code."""
    code = answer.code
    if code is Code.REPEAT:
        return decide_repeat(case, answer)
    if code is Code.LIMIT:
        return decide_limited(case, answer)
    if code is Code.FAIL:
        return failed(case, answer.said or "The action failed without saying why", "failed")
    if code is Code.STOP:
        text = f"The action ended this message: {answer.said}" if answer.said else "The action ended this message"
        return consumed(case, Offspring(), Outcome.STOPPED, (line(case, "info", text),))
    is_batch = kind is ActionKind.BATCH
    logs = _unknown_code(case, answer, batch=is_batch)
    if is_batch:
        return decide_batch(case, answer, logs)
    headers = clean_headers(answer.envelope.headers)
    if code is Code.ROUTE:
        return _forced(case, answer, headers)
    return _forward(case, answer.envelope.body, headers, logs)


def _unknown_code(case: Case, answer: Answer, *, batch: bool) -> tuple[LogLine, ...]:
    """A line about a result code that means nothing here."""
    if answer.code is not None and (batch or answer.code not in {Code.CURSOR, Code.CURSOR_ONLY}):
        return ()
    text = f"The result code {shortened(answer.written)!r} means nothing here; the message goes on as with 0"
    return (line(case, "warning", text),)


def _forward(case: Case, body: bytes, headers: Headers, logs: tuple[LogLine, ...] = ()) -> Verdict:
    """The message goes where the flows lead it."""
    ways = case.routes.route(case.node.id, body, headers)
    return _sent(case, body, headers, ways, logs)


def _forced(case: Case, answer: Answer, headers: Headers) -> Verdict:
    """The message goes to the followers that the action chose by their ids, and to no other."""
    asked = answer.envelope.headers.get(FORCED_TARGETS, "")
    ids = dict.fromkeys(_plain_id(part.strip()) for part in asked.split(",") if part.strip())
    if not ids:
        return failed(case, "The action chose its followers but named none", "no-follower")
    ways: list[Way] = []
    for id_ in ids:
        found = case.routes.to_follower(case.node.id, id_)
        if not found:
            return failed(
                case,
                f"The action chose {shortened(id_)!r}, which is no follower of {case.node.label!r}",
                "unknown-follower",
            )
        ways.extend(found)
    names = ", ".join(case.routes.nodes[id_].label for id_ in ids)
    logs = (line(case, "info", f"The action chose where the message goes: {names}"),)
    return _sent(case, answer.envelope.body, headers, ways, logs)


def _sent(case: Case, body: bytes, headers: Headers, ways: Sequence[Way], logs: tuple[LogLine, ...]) -> Verdict:
    born = offspring(case.routes, case.message, [Content(body, headers, ways)], case.now, items=False)
    return consumed(case, born, logs=logs)


def _plain_id(text: str) -> str:
    """The node id in a queue name of older engines, `pipes.<version>.<node>`; any other text as it is."""
    parts = text.split(".", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "pipes" else text
