"""The data path's store: accepting, taking and settling messages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from segue.model.events import Event, EventKind
from segue.model.message import Child, Message, Staged, Transition
from segue.model.start import Accepted, Start

ReadyListener = Callable[[int, str], None]
"""Called with (version id, node id) when messages may be ready there; a hint, never the only way."""

EventListener = Callable[[Sequence[Event]], None]
"""Called with the events of a commit, in order, each with its stored `seq`; with none when another process may have
stored some, which is a hint, never the only way."""


def told_of(kinds: Collection[EventKind], listener: EventListener) -> EventListener:
    """A listener that is told of events of these kinds alone, or of all when none are named, and hears every hint."""
    if not kinds:
        return listener

    def tell(events: Sequence[Event]) -> None:
        concerning = [event for event in events if event.kind in kinds]
        if concerning or not events:
            listener(concerning)

    return tell


class MessageStore(Protocol):
    """Durable queues with one way to change them. Guarantees, each with a contract test of the same name:

    M1  An answered `accept` is durable; a refused one left nothing.
    M2  `accept` with a known key answers the first one's instance, and stores nothing.
    M3  `accept` by name goes to the highest enabled version at its commit; none enabled: `NoEnabledVersion`.
    M4  A settled transition is durable and whole: consumed, children, instance, record, logs and event, or nothing.
    M5  `settle` of a message that is not where the transition saw it is stale: False, and nothing changes. It is there
        when place, due time and the counts of repeats and outages are the same, whether it was taken or not. Stale
        is also what would return a message to a queue of a retired version, from which nobody would take it.
    M6  Messages of a queue are taken in the order of their arrival; a child's arrival is its parent's settle.
    M7  A taken message is taken once until it is settled or released; a crash releases all.
    M8  A released message is before all later ones again.
    M9  A message is not taken before it is due. On an ordered queue nothing overtakes a message that is not due.
    M10 The instance finishes in the settle that leaves no message of it, with exactly one event.
    M11 `terminate` consumes all other live messages of the instance; their later settles are stale.
    M12 When the store cannot write, callers get `StoreUnavailable`, nothing is half done, and work goes on once it can.
    M13 Memory does not grow with the backlog.
    M14 Staged children are nowhere until a settled transition names them: then all of them are its children, and arrive
        in their order before `settle` answers. No transaction of theirs is long: what others settle meanwhile does not
        wait for all of them. Staged children that no transition names are gone after a crash.
    M15 `clears` consumes, as cancelled, all other live messages of the instance that are in that scope, but for the
        children of the transition; their later settles are stale. What calls and is cancelled takes along, as
        cancelled, all live messages of the instance that it called.
    M16 The settle after which the messages that wait at a join are all that can come (`core.joins.complete`) consumes
        them as joined and produces one in the queue of the join (`core.joins.met`), each of them exactly once: however
        their settles meet in transactions, and whether the last one came, ended, failed for good or was cancelled.
    M17 The instances of `SetAside.starts` are accepted in the settle, or nothing of it happens. In the settle that ends
        a called instance the message that called it, if it still waits for that, returns to the end of its queue
        (`core.calls.called_back`), with the result of the last message of the instance; one that does not is left
        alone. All messages of a called instance have its scope, since children inherit it.
    """

    async def accept(self, start: Start) -> Accepted:
        """Make the instance and its message. Raises ProcessNotFound, VersionNotFound, NodeNotFound, NoEnabledVersion,
        BacklogFull or StoreUnavailable; Conflict for a version that cannot run, and for an id that is used already."""
        ...

    async def take(self, version: int, node: str, limit: int, now: int, ordered: bool) -> list[Message]:
        """Take up to `limit` ready messages of a queue, in order; fewer may be given at once, [] when none is ready."""
        ...

    def release(self, message: Message) -> None:
        """Put a taken message back, unhandled."""
        ...

    async def settle(self, transitions: Sequence[Transition]) -> list[bool]:
        """Make each transition true, all of it or nothing; False for a stale one.

        Raises StoreUnavailable, and what `accept` raises when a transition starts an instance that cannot be accepted;
        nothing of the whole call has happened then.
        """
        ...

    async def begin_spread(self) -> Staged:
        """Begin to stage the children of a transition. Raises StoreUnavailable."""
        ...

    async def stage(self, staged: Staged, parent: Message, children: Sequence[Child]) -> Staged:
        """Store some more children of `parent` out of sight, a few hundred at most. Those of all calls
        together keep their order.

        Returns what a transition then names. Raises StoreUnavailable, and has stored none of these then.
        """
        ...

    async def drop_spread(self, staged: Staged) -> None:
        """Forget staged children that no settled transition has named."""
        ...

    async def next_due(self, version: int, now: int) -> int | None:
        """The earliest due instant after `now` of the version's delayed messages; None without any."""
        ...

    async def nodes_ready(self, version: int, now: int) -> list[str]:
        """The nodes of the version that have a ready message that is not taken."""
        ...

    def on_ready(self, listener: ReadyListener) -> None:
        """Call `listener` (in the event loop) after a commit that put a message into a queue, be it due or not."""
        ...

    def on_events(self, listener: EventListener, kinds: Collection[EventKind] = ()) -> None:
        """Call `listener` (in the event loop) after each commit of this process that stored events, before its
        callers go on, and some time after one of another process; for events of these `kinds` alone, if any are
        named."""
        ...
