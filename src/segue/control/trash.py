"""Trash: failed messages, kept for a person to correct and send back or discard."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from segue.control.paging import Page
from segue.control.placed import PlacedMessages
from segue.core.trash import decide_discard, decide_edit, decide_move, decide_resend
from segue.core.versions import choose_asked
from segue.model.errors import NodeNotFound
from segue.model.ids import make_id
from segue.model.message import Message, Place, Transition
from segue.model.operations import Act
from segue.model.start import Headers, Start
from segue.model.versions import Version
from segue.ports.catalog import ProcessCatalog
from segue.ports.messages import MessageStore
from segue.ports.outside import Chance, Clock
from segue.ports.views import Cause, NodeCount, PlacedFilter, PlacedMessage, Views

# Messages that one call for many handles at most, and those that one transaction does.
BULK_LIMIT = 10_000
_BITE = 200


class BulkResult(Struct, frozen=True, kw_only=True):
    """What a call for many did: messages `done`, those that were `gone` meanwhile, and whether there are `more`."""

    done: int
    gone: int
    more: bool


class Trash:
    """Look at failed messages, correct them, send them back or discard them."""

    def __init__(
        self, views: Views, messages: MessageStore, catalog: ProcessCatalog, clock: Clock, chance: Chance
    ) -> None:
        self._placed = PlacedMessages(Place.TRASH, views, messages)
        self._views = views
        self._messages = messages
        self._catalog = catalog
        self._clock = clock
        self._chance = chance

    async def find(self, wanted: PlacedFilter, cursor: str | None) -> Page[PlacedMessage]:
        """Messages in trash, oldest first."""
        return await self._placed.find(wanted, cursor)

    async def get(self, id: str) -> PlacedMessage:
        """Raises NotFound."""
        return await self._placed.get(id)

    async def edit(self, id: str, body: bytes | None, headers: Headers | None, by: str) -> PlacedMessage:
        """Change body or headers; the message stays in trash. Raises NotFound, MessageGone."""
        found = await self._placed.get(id)
        await self._placed.settle(decide_edit(found.message, body, headers, self._clock.now(), by))
        return await self._placed.get(id)

    async def resend(self, id: str, body: bytes | None, headers: Headers | None, version: int | None, by: str) -> None:
        """Send the message to the node it failed on, perhaps corrected; with `version` to that node of this version.

        Raises NotFound, MessageGone; VersionNotFound, NodeNotFound or Conflict for a version that cannot take it.
        """
        found = await self._placed.get(id)
        await self._placed.settle(await self.resending(found, body, headers, version, by))

    async def discard(self, id: str, by: str) -> None:
        """Drop the message; it counts as failed. Raises NotFound, MessageGone."""
        await self._placed.settle(self.discarding(await self._placed.get(id), by))

    async def causes(self, wanted: PlacedFilter) -> list[Cause]:
        """What messages in trash failed of, the largest group first."""
        return await self._views.causes(msgspec.structs.replace(wanted, place=Place.TRASH))

    async def nodes(self, wanted: PlacedFilter) -> list[NodeCount]:
        """How many messages are in trash at each node, the most first."""
        return await self._views.placed_nodes(msgspec.structs.replace(wanted, place=Place.TRASH))

    async def acts(self, id: str) -> list[Act]:
        """What people did to a message, oldest first."""
        return await self._views.acts(id)

    async def resending(
        self, found: PlacedMessage, body: bytes | None, headers: Headers | None, version: int | None, by: str
    ) -> Transition:
        """What sending this message back does, as `resend` says and raises."""
        if version is None or version == found.version:
            await self._check_alive(found)
            return decide_resend(found.message, body, headers, self._clock.now(), by)
        target = await self._target(found, version)
        return self._moving(found, target, body, headers, by)

    def discarding(self, found: PlacedMessage, by: str) -> Transition:
        """What discarding this message does. Raises MessageGone."""
        return decide_discard(found.message, self._clock.now(), by)

    async def resend_many(self, wanted: PlacedFilter, by: str, at_most: int = BULK_LIMIT) -> BulkResult:
        """Send back what the filter finds, oldest first, each message once."""
        return await self._many(
            wanted, at_most, lambda message: decide_resend(message, None, None, self._clock.now(), by)
        )

    async def discard_many(self, wanted: PlacedFilter, by: str, at_most: int = BULK_LIMIT) -> BulkResult:
        """Discard what the filter finds, oldest first."""
        return await self._many(wanted, at_most, lambda message: decide_discard(message, self._clock.now(), by))

    async def _many(self, wanted: PlacedFilter, at_most: int, decide: Callable[[Message], Transition]) -> BulkResult:
        """Handle up to `at_most` messages, one transaction a bite.

        A message that fails again while this runs comes back to trash with a later number; it is met once more and
        left alone, so that a worker that refuses everything does not keep this going for ever.
        """
        seen: set[str] = set()
        done = gone = after = 0
        while len(seen) < at_most:
            bite = min(_BITE, at_most - len(seen))
            asked = msgspec.structs.replace(wanted, place=Place.TRASH, after=after, limit=bite)
            found = await self._views.placed(asked)
            fresh = [item.message for item in found if item.message.id not in seen]
            settled = await self._messages.settle([decide(message) for message in fresh]) if fresh else []
            done += sum(settled)
            gone += len(settled) - sum(settled)
            seen.update(message.id for message in fresh)
            if len(found) < bite:
                return BulkResult(done=done, gone=gone, more=False)
            after = found[-1].message.seq
        rest = await self._views.placed(msgspec.structs.replace(wanted, place=Place.TRASH, after=after, limit=1))
        return BulkResult(done=done, gone=gone, more=bool(rest))

    async def _check_alive(self, found: PlacedMessage) -> None:
        """Raises Conflict when the message's own version is retired: nothing would take it from its queue."""
        versions = (await self._catalog.process(found.process)).versions
        choose_asked(found.process, versions, found.version)

    async def _target(self, found: PlacedMessage, number: int) -> Version:
        version = choose_asked(found.process, (await self._catalog.process(found.process)).versions, number)
        graph = (await self._catalog.content(version.id)).graph
        if all(node.id != found.message.node for node in graph.nodes):
            raise NodeNotFound(f"Version {number} of {found.process} has no node {found.message.node}")
        return version

    def _moving(
        self, found: PlacedMessage, target: Version, body: bytes | None, headers: Headers | None, by: str
    ) -> Transition:
        """The message leaves its version, and in the same transaction begins an instance of the other one (P4)."""
        message, now = found.message, self._clock.now()
        entropy = self._chance.entropy(20)
        start = Start(
            process=found.process,
            instance=make_id(now, entropy[:10]),
            message=make_id(now, entropy[10:]),
            at=now,
            body=message.body if body is None else body,
            headers=message.headers if headers is None else headers,
            version=target.number,
            entry=message.node,
        )
        return decide_move(message, start, now, by)
