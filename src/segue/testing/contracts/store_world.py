"""What the suites of the store's ports share: the world an adapter has to give, and short ways to act in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

from segue.model.events import Event
from segue.model.graph import Flow, Node, NodeKind, ProcessGraph
from segue.model.ids import child_id, make_id
from segue.model.message import (
    Child,
    Consumed,
    Effect,
    Kept,
    Message,
    Outcome,
    Place,
    Record,
    Returned,
    SetAside,
    Transition,
)
from segue.model.start import Accepted, Start
from segue.model.versions import Version, VersionContent, VersionState
from segue.ports.catalog import NewVersion
from segue.ports.store import Store

PROCESS = "orders"
NODES = ("a", "b", "c")


class ManualClock:
    """A clock that stands still until told to go on."""

    def __init__(self, at: int = 1_700_000_000_000) -> None:
        self.at = at

    def now(self) -> int:
        """The instant it was set to."""
        return self.at

    def advance(self, by_ms: int) -> int:
        """Go on; returns the new instant."""
        self.at += by_ms
        return self.at


class PlainSecrets:
    """Stands in for encryption: what it seals is recognisably not the plain text."""

    def seal(self, plain: bytes) -> bytes:
        """The bytes, each one changed."""
        return bytes(255 - byte for byte in plain)

    def open(self, sealed: bytes) -> bytes:
        """The bytes that were sealed."""
        return bytes(255 - byte for byte in sealed)


class StoreWorld(Protocol):
    """A store under test. The suites drive it through the ports alone, and through what is named here."""

    store: Store
    clock: ManualClock

    async def crash(self) -> None:
        """The process is gone at once, and `store` is what another one finds."""
        ...

    def break_writes(self) -> None:
        """From now on nothing can be written: the disk is full, say."""
        ...

    def break_commits(self) -> None:
        """From now on writing fails at the last moment."""
        ...

    def mend_writes(self) -> None:
        """Writing is possible again."""
        ...


def simple_graph(nodes: Sequence[str] = NODES) -> ProcessGraph:
    """A line of nodes."""
    drawn = tuple(Node(id=node, kind=NodeKind.ACTION, element="serviceTask") for node in nodes)
    flows = tuple(Flow(id=f"{source}-{target}", source=source, target=target) for source, target in pairwise(nodes))
    return ProcessGraph(key=PROCESS, name="Orders", nodes=drawn, flows=flows)


class Player:
    """Acts on the store as the engine and people do, with few words."""

    def __init__(self, world: StoreWorld) -> None:
        self.world = world
        self._ids = 0

    @property
    def store(self) -> Store:
        """The store as it is now."""
        return self.world.store

    @property
    def now(self) -> int:
        """The instant it is now."""
        return self.world.clock.now()

    def new_id(self) -> str:
        """An id that was not given before, later than all before."""
        self._ids += 1
        return make_id(self.now, self._ids.to_bytes(10, "big"))

    # -- versions -----------------------------------------------------------------------------------------------------

    async def draft(
        self,
        process: str = PROCESS,
        nodes: Sequence[str] = NODES,
        entries: dict[str, str] | None = None,
        graph: ProcessGraph | None = None,
    ) -> Version:
        """Put a draft; the process is made when it is not there."""
        if all(known.name != process for known in await self.store.processes(None, 1000)):
            await self.store.create_process(process, "", self.now)
        content = VersionContent(source=b"<xml/>", dialect="bpmn", graph=graph or simple_graph(nodes))
        return await self.store.put_draft(
            NewVersion(
                process=process,
                content=content,
                entries={"": nodes[0]} if entries is None else entries,
                semantic_hash="-".join(nodes),
                author="ann",
                note="",
                at=self.now,
            )
        )

    async def publish(
        self,
        process: str = PROCESS,
        nodes: Sequence[str] = NODES,
        entries: dict[str, str] | None = None,
        graph: ProcessGraph | None = None,
    ) -> Version:
        """A published version, disabled."""
        version = await self.draft(process, nodes, entries, graph)
        return await self.store.set_state(process, version.number, VersionState.DISABLED, self.now)

    async def enable(
        self,
        process: str = PROCESS,
        nodes: Sequence[str] = NODES,
        entries: dict[str, str] | None = None,
        graph: ProcessGraph | None = None,
    ) -> Version:
        """A published version, enabled."""
        version = await self.publish(process, nodes, entries, graph)
        return await self.store.set_state(process, version.number, VersionState.ENABLED, self.now)

    # -- messages -----------------------------------------------------------------------------------------------------

    def request(self, process: str = PROCESS, **fields: Any) -> Start:
        """A request for an instance, with ids of its own unless given."""
        given: dict[str, Any] = {
            "instance": self.new_id(),
            "message": self.new_id(),
            "at": self.now,
            "body": b"{}",
            "headers": {"h": "1"},
        }
        return Start(process=process, **(given | fields))

    async def start(self, process: str = PROCESS, **fields: Any) -> Accepted:
        """Start an instance."""
        return await self.store.accept(self.request(process, **fields))

    async def take(self, version: Version, node: str, limit: int = 1000, *, ordered: bool = False) -> list[Message]:
        """Take what is ready; a store may give fewer at once than there are."""
        taken: list[Message] = []
        while len(taken) < limit:
            more = await self.store.take(version.id, node, limit - len(taken), self.now, ordered)
            if not more:
                break
            taken += more
        return taken

    async def take_one(self, version: Version, node: str, *, ordered: bool = False) -> Message:
        """Take the next message, which must be there."""
        [message] = await self.take(version, node, 1, ordered=ordered)
        return message

    async def settle(self, message: Message, effect: Effect, **fields: Any) -> bool:
        """Settle one transition."""
        [result] = await self.store.settle([self.transition(message, effect, **fields)])
        return result

    def transition(self, message: Message, effect: Effect, **fields: Any) -> Transition:
        """A transition that happens now."""
        given: dict[str, Any] = {"record": Record(taken=self.now), "at": self.now}
        return Transition(message=message, effect=effect, **(given | fields))

    async def forward(self, version: Version, node: str, *targets: str) -> list[bool]:
        """Handle all that is ready in a queue: each message has a child at each target."""
        messages = await self.take(version, node)
        return await self.store.settle([self.transition(one, passed(one, *targets)) for one in messages])

    async def in_trash(self, version: Version, node: str) -> Message:
        """Start an instance, and have its message at `node` fail; returns it as it is in trash."""
        accepted = await self.start(version.process, version=version.number)
        message = await self.take_one(version, node)
        assert await self.settle(message, failed())
        return await self.placed(accepted.message)

    async def placed(self, message: str, place: Place = Place.TRASH) -> Message:
        """A message that is aside, as people see it."""
        found = await self.store.placed_message(message, place)
        assert found is not None
        return found.message

    # -- looking ------------------------------------------------------------------------------------------------------

    async def events(self) -> list[Event]:
        """All stored events about instances and messages."""
        return [event for event in await self.store.events(0, 100_000) if event.instance is not None]

    async def check_ledger(self) -> None:
        """The account balances, and no row is missing, doubled or orphaned."""
        audit = await self.store.audit(self.now)
        assert audit.faults == ()
        assert audit.balanced, audit

    async def left(self, version: Version) -> dict[str, list[bytes]]:
        """The bodies of all live messages of a version that are ready, by node; they are released again."""
        found: dict[str, list[bytes]] = {}
        for node in sorted(await self.store.nodes_ready(version.id, self.now)):
            messages = await self.take(version, node)
            found[node] = [message.body for message in messages]
            for message in messages:
                self.store.release(message)
        return found


def passed(message: Message, *targets: str, outcome: Outcome = Outcome.OK, due: int = 0) -> Consumed:
    """The message is consumed, and a copy goes to each target."""
    return Consumed(outcome=outcome, children=tuple(child_of(message, node, n, due) for n, node in enumerate(targets)))


def child_of(message: Message, node: str, index: int = 0, due: int = 0, place: Place = Place.QUEUED) -> Child:
    """A copy of the message for a node."""
    return Child(
        id=child_id(message.id, node, index),
        node=node,
        body=message.body,
        headers=message.headers,
        due=due,
        place=place,
        reason="set aside" if place is not Place.QUEUED else None,
        scope=message.scope,
    )


def failed(reason: str = "it is broken", code: str = "failed") -> SetAside:
    """The message goes to trash."""
    return SetAside(reason=reason, reason_code=code)


def kept(due: int, *, outages: int = 1, repeats: int = 0, outcome: Outcome = Outcome.OUTAGE) -> Kept:
    """The message stays until `due`."""
    return Kept(outcome=outcome, due=due, repeats=repeats, outages=outages, reason="no answer", reason_code="outage")


def returned(message: Message, body: bytes | None = None) -> Returned:
    """The message goes back to its queue, perhaps with another body."""
    return Returned(body=message.body if body is None else body, headers=message.headers)
