"""What people look at: instances, queues, trash, user tasks, logs, events, and the audit. Read only."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from segue.core.searching import Match
from segue.core.statistics import Timing
from segue.model.events import Event
from segue.model.ledger import Audit, QueueState
from segue.model.message import Message, Place
from segue.model.operations import Act
from segue.model.versions import Instance, InstanceState, Step


class InstanceFilter(Struct, frozen=True, kw_only=True):
    """Instances to list, newest first. `before` is the id of the last one of the page before."""

    process: str | None = None
    version: int | None = None
    state: InstanceState | None = None
    since: int | None = None
    until: int | None = None
    before: str | None = None
    limit: int = 50


class PlacedFilter(Struct, frozen=True, kw_only=True):
    """Messages at a place beside the queues, oldest first. `version` is the number, `after` the seq of the last seen.

    `reason` is compared whole; a message that listens has what it listens for there.
    `upto`: none with a higher seq. `text` is found in the reason, whatever the case of its letters.
    """

    place: Place
    process: str | None = None
    version: int | None = None
    node: str | None = None
    reason_code: str | None = None
    reason: str | None = None
    instance: str | None = None
    cause: str | None = None
    text: str | None = None
    ids: tuple[str, ...] | None = None
    after: int = 0
    upto: int | None = None
    limit: int = 50


class PlacedMessage(Struct, frozen=True, kw_only=True):
    """A message with the names of its process and version number.

    `since` is when it came to its place; `cause` the fingerprint of its failure, when it is in trash.
    """

    message: Message
    process: str
    version: int
    since: int = 0
    cause: str | None = None


class Cause(Struct, frozen=True, kw_only=True):
    """Messages in trash that failed of the same thing: at one node of a process, with the same reason but for its
    numbers. `reason` is that of the oldest one, `version_id` its version's number in the store; `oldest` and `newest`
    are when the first and the last came."""

    cause: str
    process: str
    node: str
    reason_code: str | None
    reason: str | None
    count: int
    oldest: int
    newest: int
    versions: tuple[int, ...]
    version_id: int


class NodeCount(Struct, frozen=True, kw_only=True):
    """How many messages are at a place at one node of a version (number, and id in the store), the first since when."""

    process: str
    version: int
    version_id: int
    node: str
    count: int
    oldest: int


class Minute(Struct, frozen=True, kw_only=True):
    """Instances that were started in the minute from `at` on, and those of them that have failed."""

    at: int
    started: int
    failed: int


class Passed(Struct, frozen=True, kw_only=True):
    """A message that has left a node lately, and its instance."""

    message: str
    instance: str
    outcome: str
    taken: int
    ended: int


class Found(Struct, frozen=True, kw_only=True):
    """What a search found. `next` is the id of the last instance looked at, None when all were.

    `reached` is when that one was started: what is older was not looked at yet.
    """

    instances: list[Instance]
    next: str | None
    reached: int | None


class Content(Struct, frozen=True, kw_only=True):
    """What a message of an instance held when it came to its node. None where it was not kept."""

    message: str
    node: str
    headers: dict[str, str] | None
    body: bytes | None


class StoredLog(Struct, frozen=True, kw_only=True):
    """A log line as stored."""

    seq: int
    at: int
    level: str
    text: str
    process: str
    version: int
    node: str
    instance: str
    message: str


class Views(Protocol):
    """V1 every answer is one consistent state. V2 reading never delays the writer beyond its own page."""

    async def instances(self, filter: InstanceFilter) -> list[Instance]: ...

    async def instance(self, id: str) -> Instance | None: ...

    async def search(self, filter: InstanceFilter, match: Match, budget_ms: int) -> Found:
        """Instances of the filter with a message that matches, newest first, as far as `budget_ms` lasts.

        At least one instance is looked at, so that asking on from `next` comes to an end.
        """
        ...

    async def recent_steps(self, version: int, bound: int) -> list[Timing]:
        """The steps of a version among the newest `bound` steps of the store, oldest first."""
        ...

    async def passed(self, version: int, node: str, bound: int, limit: int) -> list[Passed]:
        """The messages that left a node last, newest first, of the newest `bound` steps of the store."""
        ...

    async def traffic(self, process: str | None, since: int) -> list[Minute]:
        """Instances by the minute they were started in, from the minute `since` on, oldest first.

        Of so many that a look would take long the oldest may be missing.
        """
        ...

    async def message_content(self, instance: str, message: str) -> Content | None:
        """What a message of the instance, live or gone, held; None when the instance has no such message."""
        ...

    async def instance_messages(self, id: str, limit: int = 1000) -> list[Message]: ...

    async def instance_steps(self, id: str, limit: int = 1000) -> list[Step]: ...

    async def queues(self, process: str | None, now: int) -> list[QueueState]: ...

    async def placed(self, filter: PlacedFilter) -> list[PlacedMessage]: ...

    async def placed_message(self, id: str, place: Place) -> PlacedMessage | None: ...

    async def placed_count(self, filter: PlacedFilter) -> tuple[int, int]:
        """How many messages the filter finds, whatever its limit, and the highest seq of them (0 without any)."""
        ...

    async def causes(self, filter: PlacedFilter) -> list[Cause]:
        """What the messages in trash that the filter finds failed of, the largest group first, up to its limit."""
        ...

    async def placed_nodes(self, filter: PlacedFilter) -> list[NodeCount]:
        """How many messages the filter finds at each node, the most first, up to its limit."""
        ...

    async def acts(self, message: str) -> list[Act]:
        """What people did to a message, oldest first."""
        ...

    async def logs(self, instance: str | None, process: str | None, after: int, limit: int) -> list[StoredLog]: ...

    async def events(self, after: int, limit: int) -> list[Event]: ...

    async def audit(self, now: int) -> Audit:
        """Count every version's account from stored rows in one snapshot, and check that each consumed message's
        children exist exactly once."""
        ...
