"""What the store in memory holds, and what happens to it in one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from segue.core.ledger import Tally
from segue.core.limits import Slot
from segue.core.routing import Routes
from segue.model.documents import Delivery, Document, PendingAuthorization
from segue.model.errors import Conflict, ProcessNotFound, StoreUnavailable, VersionNotFound
from segue.model.events import Event
from segue.model.graph import LimitRule
from segue.model.ledger import LedgerLine
from segue.model.limits import GivenLimit
from segue.model.message import Child, Message, Outcome, Place, Result, Staged
from segue.model.operations import Act, Operation
from segue.model.services import Member
from segue.model.start import Accepted
from segue.model.versions import InstanceState, Process, Step, Version, VersionContent
from segue.model.workers import Worker
from segue.ports.activity import Activity, Invitation
from segue.ports.catalog import Session, Token, User
from segue.ports.log_book import SinkPosition
from segue.ports.metrics import Measures
from segue.ports.views import StoredLog


class Live(Struct, kw_only=True):
    """A live message, the number of the message it comes from, and when it came to trash."""

    message: Message
    above: int | None = None
    since: int = 0


class Done(Struct, kw_only=True, frozen=True):
    """A message that left its queue: its record, and where it belonged."""

    step: Step
    version: int
    instance: str
    above: int | None
    headers: dict[str, str] | None = None
    body: bytes | None = None


class Run(Struct, kw_only=True):
    """One instance with its counts."""

    id: str
    version: int
    state: InstanceState
    started: int
    finished: int | None
    tally: Tally
    start_node: str
    origin: str | None
    last: Outcome | None = None
    scope: str = ""
    result: Result | None = None


class Held(Struct, kw_only=True):
    """One version: what people see of it, what it holds, and its start nodes."""

    version: Version
    content: VersionContent
    entries: dict[str, str]
    routes: Routes | None = None


class Tick(Struct, kw_only=True, frozen=True):
    """The tick of a schedule that was decided last, and what it started."""

    tick: int
    accepted: Accepted | None


class State:
    """Everything that is durable, and on top of it the `taken` messages, which a crash forgets."""

    def __init__(self) -> None:
        self.processes: dict[str, Process] = {}
        self.versions: dict[int, Held] = {}
        self.runs: dict[str, Run] = {}
        self.live: dict[int, Live] = {}
        self.queues: dict[tuple[int, str], dict[int, Live]] = {}
        self.done: dict[int, Done] = {}
        self.events: list[Event] = []
        self.logs: list[StoredLog] = []
        self.keys: dict[tuple[str, str], Accepted] = {}
        self.ticks: dict[tuple[str, str], Tick] = {}
        self.workers: dict[str, Worker] = {}
        self.tokens: dict[str, Token] = {}
        self.users: dict[str, User] = {}
        self.sessions: dict[str, Session] = {}
        self.invitations: dict[str, Invitation] = {}
        self.activities: list[Activity] = []
        self.acts: list[tuple[str, Act]] = []
        self.operations: dict[str, Operation] = {}
        self.slots: dict[tuple[str, str], Slot] = {}
        self.declared: set[tuple[int, LimitRule]] = set()
        self.watched: dict[str, int] = {}
        self.running_calls: set[tuple[str, str]] = set()
        self.members: dict[str, Member] = {}
        self.leases: dict[str, tuple[str, int]] = {}
        self.carried: dict[int, LedgerLine] = {}
        self.documents: dict[str, Document] = {}
        self.deliveries: dict[str, dict[str, Delivery]] = {}
        self.authorizations: dict[bytes, PendingAuthorization] = {}
        self.marks: dict[str, int] = {}
        self.sinks: dict[str, SinkPosition] = {}
        self.log_levels: dict[str, str] = {}
        self.queue_numbers: dict[tuple[int, str], int] = {}
        self.measures: dict[int, Measures] = {}
        self.given_limits: dict[str, GivenLimit] = {}
        self.spreads: dict[int, list[Child]] = {}
        self.taken: dict[int, Message] = {}
        self.trouble: str | None = None
        self._numbers = {"message": 0, "event": 0, "log": 0, "measure": 0}

    def check(self) -> None:
        """Raise StoreUnavailable while the store is said to be in trouble."""
        if self.trouble is not None:
            raise StoreUnavailable(self.trouble)

    def number(self, kind: str) -> int:
        """The next number of a kind: higher than all before."""
        self._numbers[kind] += 1
        return self._numbers[kind]

    def drop_logs(self, going: Sequence[StoredLog]) -> None:
        """Remove lines, counting those that a destination had still to be sent."""
        for name, sink in self.sinks.items():
            unsent = sum(line.seq > sink.seq and line.level in sink.levels for line in going)
            self.sinks[name] = replace(sink, dropped=sink.dropped + unsent)
        gone = {line.seq for line in going}
        self.logs = [line for line in self.logs if line.seq not in gone]

    def queue_number(self, version: int, node: str) -> int:
        """The number of a queue."""
        return self.queue_numbers.setdefault((version, node), len(self.queue_numbers) + 1)

    def spread(self, staged: Staged) -> list[Child]:
        """The staged children. Raises Conflict when they are not there, or not as they were seen."""
        found = self.spreads.get(staged.spread)
        if found is None or len(found) != staged.count:
            raise Conflict(f"the spread {staged.spread} is gone, or has other children than the transition says")
        return found

    # -- messages -----------------------------------------------------------------------------------------------------

    def put(self, live: Live) -> None:
        """Put a message, which has its number, where it says it is."""
        message = live.message
        self.live[message.seq] = live
        if message.place < Place.WAITING:
            self.queues.setdefault((message.version, message.node), {})[message.seq] = live

    def remove(self, seq: int) -> Live:
        """Take a message out of the store."""
        live = self.live.pop(seq)
        self.queues.get((live.message.version, live.message.node), {}).pop(seq, None)
        self.taken.pop(seq, None)
        return live

    def of_instance(self, instance: str) -> list[Live]:
        """The live messages of an instance, oldest first."""
        return [live for _, live in sorted(self.live.items()) if live.message.instance == instance]

    def of_version(self, version: int) -> list[Live]:
        """The live messages of a version, oldest first."""
        return [live for _, live in sorted(self.live.items()) if live.message.version == version]

    # -- names --------------------------------------------------------------------------------------------------------

    def process(self, name: str) -> Process:
        """A process without its versions. Raises ProcessNotFound."""
        found = self.processes.get(name)
        if found is None:
            raise ProcessNotFound(f"no process is named {name!r}")
        return found

    def versions_of(self, name: str) -> Iterator[Held]:
        """The versions of a process, oldest first."""
        return (held for _, held in sorted(self.versions.items()) if held.version.process == name)

    def version(self, name: str, number: int) -> Held:
        """A version by process and public number. Raises ProcessNotFound, VersionNotFound."""
        self.process(name)
        for held in self.versions_of(name):
            if held.version.number == number:
                return held
        raise VersionNotFound(f"process {name!r} has no version {number}")

    def routes(self, key: int) -> Routes:
        """The ways through a version, which is published and so does not change."""
        held = self.by_id(key)
        if held.routes is None:
            held.routes = Routes(held.content.graph)
        return held.routes

    def by_id(self, key: int) -> Held:
        """A version by its number in the store. Raises VersionNotFound."""
        held = self.versions.get(key)
        if held is None:
            raise VersionNotFound(f"the store has no version {key}")
        return held


def copy_message(message: Message, now: int) -> Message:
    """Return a copy to hand out; one in a queue is delayed when it is not due at `now`."""
    place = message.place
    if place < Place.WAITING:
        place = Place.DELAYED if message.due > now else Place.QUEUED
    return replace(message, headers=dict(message.headers), place=place)
