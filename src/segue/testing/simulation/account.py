"""The account that the simulation keeps by itself: what must be in the store, told from what it was asked to do.

It hears of every commit, in order: accepted starts, settled transitions, changes of versions. From these alone it knows
where each message must be, what each instance has come to and which events must be stored. It is simple on purpose:
dicts in memory, nothing shared with an adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from segue.model.events import EventKind
from segue.model.message import (
    Child,
    Consumed,
    Kept,
    Message,
    Outcome,
    Place,
    Returned,
    SetAside,
    Staged,
    Transition,
)
from segue.model.start import Accepted, Headers, Start
from segue.model.versions import InstanceState, VersionState
from segue.testing.simulation.breach import Breaches
from segue.testing.simulation.drawing import Drawing
from segue.testing.simulation.meetings import Meetings

END_KINDS = {
    InstanceState.FINISHED: EventKind.INSTANCE_FINISHED,
    InstanceState.FAILED: EventKind.INSTANCE_FAILED,
    InstanceState.CANCELLED: EventKind.INSTANCE_CANCELLED,
}


@dataclass(slots=True)
class Known:
    """One live message. `place` is QUEUED also while it is delayed.

    `taken` says whether somebody has it in hand; who has does not know at once when others end it or set it aside.
    `failed_at` is when it came to trash. `former` is what it held in this place before people edited it: who looked
    then may still decide on that.
    """

    id: str
    instance: str
    version: int
    node: str
    body: bytes
    headers: Headers
    arrival: int
    entered: int
    parent: str | None = None
    place: Place = Place.QUEUED
    due: int = 0
    repeats: int = 0
    outages: int = 0
    reason_code: str | None = None
    taken: bool = False
    former: tuple[tuple[bytes, Headers], ...] = ()
    scope: str = ""
    born: int = 0
    failed_at: int = 0


@dataclass(slots=True)
class Gone:
    """One message that has left: how, when it had arrived, and the children it left."""

    known: Known
    outcome: Outcome
    children: tuple[str, ...]


@dataclass(slots=True)
class Run:
    """One instance. `highest` is the version that took new messages by name when it was accepted, None without any."""

    id: str
    process: str
    number: int
    version: int
    highest: int | None
    start: Start
    live: dict[str, Known] = field(default_factory=dict)
    ok: int = 0
    failed: int = 0
    discarded: int = 0
    last: Outcome | None = None
    said: tuple[bytes, Headers] = (b"", {})
    ended: InstanceState | None = None
    ended_at: int = 0

    @property
    def in_trash(self) -> int:
        """How many of its live messages are in trash."""
        return sum(known.place is Place.TRASH for known in self.live.values())

    @property
    def state(self) -> InstanceState:
        """What people must see."""
        if self.ended is not None:
            return self.ended
        return InstanceState.FAILED if self.in_trash == len(self.live) else InstanceState.RUNNING


@dataclass(slots=True)
class KnownVersion:
    """One version: the store's number `id`, the public `number`, and what it means."""

    id: int
    process: str
    number: int
    state: VersionState
    drawing: Drawing
    entries: dict[str, str]


@dataclass(slots=True)
class Sums:
    """The ledger line of a version."""

    accepted: int = 0
    produced: int = 0
    consumed: int = 0


Told = tuple[EventKind, str | None, str | None]


class Account:
    """Everything that must be so. Methods are called at the commit they tell of, before anything else runs."""

    def __init__(self, breaches: Breaches) -> None:
        self._breaches = breaches
        self.versions: dict[int, KnownVersion] = {}
        self._lacked: dict[str, int] = {}
        self.runs: dict[str, Run] = {}
        self.live: dict[str, Known] = {}
        self.gone: dict[str, Gone] = {}
        self.queues: dict[tuple[int, str], dict[str, Known]] = {}
        self.keys: dict[tuple[str, str], str] = {}
        self.ticks: dict[tuple[str, str], int] = {}
        self.sums: dict[int, Sums] = {}
        self.pruned: set[str] = set()
        self.told: list[Told] = []
        self.touched: dict[str, None] = {}
        self.staged: dict[int, list[Child]] = {}
        self._staged_before = self.staged  # in the life before: a settle of it may turn out to have been stored
        self._arrivals = 0
        self._births = 0

    # -- versions -----------------------------------------------------------------------------------------------------

    def highest(self, process: str) -> KnownVersion | None:
        """Return the version that takes new messages by name now."""
        enabled = [v for v in self.versions.values() if v.process == process and v.state is VersionState.ENABLED]
        return max(enabled, key=lambda version: version.number, default=None)

    def lacked(self, process: str, since: int) -> bool:
        """Return whether at some instant since then no version took new messages by name."""
        return self.highest(process) is None or self._lacked.get(process, -1) >= since

    def numbered(self, process: str, number: int) -> KnownVersion | None:
        """Return a version by its public number."""
        return next((v for v in self.versions.values() if v.process == process and v.number == number), None)

    def put(self, version: KnownVersion) -> None:
        """A draft was stored."""
        self.versions[version.id] = version

    def change_state(self, process: str, number: int, state: VersionState, at: int) -> None:
        """A version's state was set."""
        version = self.numbered(process, number)
        if version is None:
            self._breaches.note("C1", f"{process} has a version {number} that nobody put")
            return
        if version.state is state:
            return
        if version.state is VersionState.DRAFT:
            kind = EventKind.VERSION_PUBLISHED
        else:
            kind = EventKind(f"version-{state.value}")
        if self.highest(process) is None:
            self._lacked[process] = at
        version.state = state
        self.told.append((kind, None, None))
        if state is VersionState.RETIRED:
            self._discard(version, at)

    def _discard(self, version: KnownVersion, at: int) -> None:
        """Move what lives in a retired version to trash (C5)."""
        for known in list(self.live.values()):
            if known.version == version.id and known.place is not Place.TRASH:
                self._leave_queue(known)
                known.place, known.due = Place.TRASH, 0
                known.reason_code, known.failed_at = "version-retired", at
                self.touched[known.instance] = None

    # -- accepting ----------------------------------------------------------------------------------------------------

    def accept(self, start: Start, accepted: Accepted) -> None:
        """A start was accepted, or was answered as a repeated one."""
        if accepted.repeated:
            self._accept_again(start, accepted)
            return
        version = self.numbered(accepted.process, accepted.version)
        if version is None:
            self._breaches.note("P4", f"accepted by version {accepted.version}, which nobody published")
            return
        self._check_choice(start, version)
        if start.key is not None:
            self.keys[start.process, start.key] = start.instance
        if start.tick is not None:
            self.ticks[start.process, start.node or ""] = start.tick
        highest = self.highest(start.process)
        number = None if highest is None else highest.number
        run = Run(start.instance, version.process, version.number, version.id, number, start)
        self._breaches.unless(start.instance not in self.runs, "P2", "an instance was accepted twice", start.instance)
        self.runs[run.id] = run
        self._sum(version.id).accepted += 1
        self._arrive(self._first(start, version), run)

    def _first(self, start: Start, version: KnownVersion) -> Known:
        node = start.entry or version.entries[start.node or ""]
        return Known(
            id=start.message,
            instance=start.instance,
            version=version.id,
            node=node,
            body=start.body,
            headers=dict(start.headers),
            arrival=0,
            entered=start.at,
            scope=start.scope,
        )

    def _accept_again(self, start: Start, accepted: Accepted) -> None:
        if start.key is not None:
            first = self.keys.get((start.process, start.key))
            text = f"key {start.key} answered instance {accepted.instance}, but its first one is {first}"
            self._breaches.unless(first == accepted.instance, "M2", text, accepted.instance)
        elif start.tick is not None:
            last = self.ticks.get((start.process, start.node or ""), 0)
            self._breaches.unless(start.tick <= last, "P1", f"a tick was refused though the last one was {last}")
        else:
            self._breaches.note("M2", "a start without key or tick was answered as repeated", accepted.instance)

    def _check_choice(self, start: Start, version: KnownVersion) -> None:
        if start.key is not None and (start.process, start.key) in self.keys:
            self._breaches.note("M2", f"key {start.key} was accepted twice", start.instance)
        if start.tick is not None and start.tick <= self.ticks.get((start.process, start.node or ""), 0):
            self._breaches.note("P2", f"the tick {start.tick} fired twice", start.instance)
        highest = self.highest(start.process)
        if start.version is not None:
            right = version.number == start.version
        else:
            right = highest is not None and highest.id == version.id
        text = f"version {version.number} took a message, but the highest enabled one is {highest and highest.number}"
        self._breaches.unless(right, "P4", text, start.instance)

    def skip(self, process: str, node: str, tick: int) -> None:
        """A tick was recorded as decided."""
        key = (process, node)
        self.ticks[key] = max(tick, self.ticks.get(key, 0))

    def forget(self, run: Run) -> None:
        """An instance that had ended was pruned; its key may be used again."""
        del self.runs[run.id]
        self.pruned.add(run.id)
        gone = self.gone.items()  # what is in hand may still be sent to a worker
        self.gone = {id_: left for id_, left in gone if left.known.instance != run.id or left.known.taken}
        self.keys = {key: instance for key, instance in self.keys.items() if instance != run.id}

    # -- what is staged -----------------------------------------------------------------------------------------------

    def stage(self, now: Staged, children: Sequence[Child]) -> None:
        """Children were put beside, for a transition that may come."""
        held = self.staged.setdefault(now.spread, [])
        held += children
        text = f"{now.count} children are said to be staged, but {len(held)} are"
        self._breaches.unless(now.count == len(held), "M14", text)

    def whole(self, transition: Transition) -> Transition:
        """The transition with the children that were staged for it in the place of their number."""
        effect = transition.effect
        if not isinstance(effect, Consumed) or effect.staged is None:
            return transition
        staged = {**self._staged_before, **self.staged}.get(effect.staged.spread, ())
        children = (*effect.children, *staged)
        return replace(transition, effect=replace(effect, children=children, staged=None))

    # -- settling -----------------------------------------------------------------------------------------------------

    def is_fresh(self, message: Message) -> bool:
        """Whether a message is where a transition saw it (M5)."""
        known = self.live.get(message.id)
        place = message.place if message.place >= Place.WAITING else Place.QUEUED
        return known is not None and (
            (known.place, known.due, known.repeats, known.outages, known.entered)
            == (place, message.due, message.repeats, message.outages, message.entered)
        )

    def _comes_too_late(self, transition: Transition) -> bool:
        """Whether it would return a message to a queue of a retired version (M5)."""
        version = self.versions.get(transition.message.version)
        retired = version is not None and version.state is VersionState.RETIRED
        return retired and isinstance(transition.effect, Returned)

    def settle(self, transitions: Sequence[Transition], results: Sequence[bool]) -> None:
        """A list was settled, with these answers."""
        for transition, done in zip(transitions, results, strict=True):
            message = transition.message
            fresh = self.is_fresh(message) and not self._comes_too_late(transition)
            if fresh != done:
                what = "was refused as stale, but is where it was seen" if fresh else "was settled, though it had left"
                self._breaches.note("M5", f"message {message.id} at {message.node} {what}", message.instance)
            if done and fresh:
                self._apply(transition, self.live[message.id])
        for transition, done in zip(transitions, results, strict=True):
            if done:
                Meetings(self).look(transition.at)
                return

    def _apply(self, transition: Transition, known: Known) -> None:
        effect = transition.effect
        self.touched[known.instance] = None
        if transition.by is None:
            known.taken = False
        if isinstance(effect, Consumed):
            self._consume(transition, effect, known)
        elif isinstance(effect, Kept):
            known.due, known.repeats, known.outages = effect.due, effect.repeats, effect.outages
            known.reason_code = effect.reason_code
            if effect.headers is not None:
                known.headers = dict(effect.headers)
        elif isinstance(effect, SetAside):
            self._leave_queue(known)
            known.place, known.due, known.reason_code = effect.place, 0, effect.reason_code
            known.failed_at = transition.at
            if effect.place is Place.TRASH:
                self.told.append((EventKind.MESSAGE_IN_TRASH, known.instance, known.id))
            self._call(effect.starts)
        elif isinstance(effect, Returned):
            known.place, known.due, known.repeats, known.outages = Place.QUEUED, 0, 0, 0
            known.reason_code, known.entered = None, transition.at
            known.body, known.headers, known.former = effect.body, dict(effect.headers), ()
            self.enter_queue(known)
        else:
            known.former = (*known.former, (known.body, known.headers))
            known.body, known.headers = effect.body, dict(effect.headers)

    def _consume(self, transition: Transition, effect: Consumed, known: Known) -> None:
        run = self.runs[known.instance]
        children = tuple(child.id for child in effect.children)
        self.go(known, effect.outcome, children)
        others = list(run.live.values())
        for child in effect.children:
            self.be_born(child, known, transition.at)
        for start in effect.starts:
            self._move(start, run)
        for other in others:
            if effect.terminate or (effect.clears and other.scope.startswith(effect.clears)):
                self.cancel(other)
        if known.place is Place.CALLING:
            self._cancel_called(known)
        run.last = effect.outcome
        said = effect.result
        run.said = (known.body, known.headers) if said is None else (said.body, said.headers)

    def cancel(self, known: Known) -> None:
        """A message ends with others, and with it all that it called."""
        if known.id not in self.live:
            return
        self.go(known, Outcome.CANCELLED, ())
        self.runs[known.instance].last = Outcome.CANCELLED
        self.touched[known.instance] = None
        if known.place is Place.CALLING:
            self._cancel_called(known)

    def _cancel_called(self, caller: Known) -> None:
        for other in list(self.live.values()):
            if other.scope.startswith("c") and other.scope.split("/")[0].endswith(f".{caller.id}"):
                self.cancel(other)

    def _call(self, starts: Sequence[Start]) -> None:
        for start in starts:
            highest = self.highest(start.process)
            if highest is None:
                self._breaches.note("P4", f"{start.process} was called, though no version of it is enabled")
                return
            accepted = Accepted(
                instance=start.instance, process=start.process, version=highest.number, message=start.message
            )
            self.accept(start, accepted)

    def _move(self, start: Start, run: Run) -> None:
        version = self.numbered(start.process, start.version or 0)
        if version is None:
            self._breaches.note("P4", f"moved to version {start.version}, which is not there", run.id)
            return
        accepted = Accepted(
            instance=start.instance, process=start.process, version=version.number, message=start.message
        )
        self.accept(start, accepted)

    def be_born(self, child: Child, parent: Known, at: int) -> Known:
        """A message came of another one."""
        run = self.runs[parent.instance]
        self._sum(parent.version).produced += 1
        known = Known(
            id=child.id,
            instance=run.id,
            version=run.version,
            node=child.node,
            body=child.body,
            headers=dict(child.headers),
            arrival=0,
            entered=at,
            parent=parent.id,
            place=Place.QUEUED if child.place is Place.DELAYED else child.place,
            due=child.due,
            reason_code=child.reason_code,
            scope=child.scope,
            failed_at=at,
        )
        if child.id in self.live or child.id in self.gone:
            self._breaches.note("P2", f"the child {child.id} at {child.node} was produced twice", run.id)
        whose = child.headers.get("source") == parent.headers.get("source")
        self._breaches.unless(whose, "P1", f"{child.id} does not know any more who began its run", run.id)
        if child.place is Place.TRASH:
            self.told.append((EventKind.MESSAGE_IN_TRASH, run.id, child.id))
        self._arrive(known, run)
        return known

    def go(self, known: Known, outcome: Outcome, children: tuple[str, ...]) -> None:
        """A message left for good."""
        run = self.runs[known.instance]
        self._leave_queue(known)
        del self.live[known.id]
        del run.live[known.id]
        self.gone[known.id] = Gone(known, outcome, children)
        self._sum(known.version).consumed += 1
        if outcome in {Outcome.FAILED, Outcome.DISCARDED}:
            run.failed += 1
            run.discarded += outcome is Outcome.DISCARDED
        elif outcome is not Outcome.CANCELLED:
            run.ok += 1

    def end(self, run: Run, at: int) -> None:
        """The last message of an instance has left."""
        run.ended_at = at
        if run.last is Outcome.CANCELLED:
            run.ended = InstanceState.CANCELLED
        else:
            run.ended = InstanceState.FAILED if run.discarded else InstanceState.FINISHED
        self.told.append((END_KINDS[run.ended], run.id, None))

    # -- queues -------------------------------------------------------------------------------------------------------

    def _arrive(self, known: Known, run: Run) -> None:
        self.touched[run.id] = None
        self._births += 1
        known.born = self._births
        self.live[known.id] = known
        run.live[known.id] = known
        if run.ended is not None:
            self._breaches.note("P2", "a message came to an instance that had ended", run.id)
        if known.place is Place.QUEUED:
            self.enter_queue(known)

    def enter_queue(self, known: Known) -> None:
        """A message is put at the end of a queue."""
        self._arrivals += 1
        known.arrival = self._arrivals
        self.queues.setdefault((known.version, known.node), {})[known.id] = known

    def _leave_queue(self, known: Known) -> None:
        queue = self.queues.get((known.version, known.node))
        if queue is not None:
            queue.pop(known.id, None)

    def waiting_to_run(self) -> Iterator[Known]:
        """Yield the messages that the engine has still to handle, due or not."""
        for queue in self.queues.values():
            yield from queue.values()

    def crash(self) -> None:
        """The server died: nobody has a message in hand any more, and what was staged is dropped."""
        self._staged_before, self.staged = self.staged, {}
        for known in (*self.live.values(), *(gone.known for gone in self.gone.values())):
            known.taken = False

    def _sum(self, version: int) -> Sums:
        return self.sums.setdefault(version, Sums())
