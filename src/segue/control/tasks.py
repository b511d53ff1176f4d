"""User tasks: messages that wait for a person by design."""

from __future__ import annotations

import msgspec

from segue.control.paging import Page
from segue.control.placed import PlacedMessages
from segue.control.routes_kept import KeptRoutes
from segue.core.tasks import decide_task
from segue.model.message import Place, Transition
from segue.model.operations import Act
from segue.model.start import Headers
from segue.ports.catalog import ProcessCatalog
from segue.ports.messages import MessageStore
from segue.ports.outside import Clock
from segue.ports.views import NodeCount, PlacedFilter, PlacedMessage, Views


class Tasks:
    """Look at user tasks, accept or reject them."""

    def __init__(self, views: Views, messages: MessageStore, catalog: ProcessCatalog, clock: Clock) -> None:
        self._placed = PlacedMessages(Place.WAITING, views, messages)
        self._views = views
        self._routes = KeptRoutes(catalog)
        self._clock = clock

    async def find(self, wanted: PlacedFilter, cursor: str | None) -> Page[PlacedMessage]:
        """User tasks, oldest first."""
        return await self._placed.find(wanted, cursor)

    async def get(self, id: str) -> PlacedMessage:
        """Raises NotFound."""
        return await self._placed.get(id)

    async def nodes(self, wanted: PlacedFilter) -> list[NodeCount]:
        """How many user tasks there are at each node, the most first."""
        return await self._views.placed_nodes(msgspec.structs.replace(wanted, place=Place.WAITING))

    async def accept(self, id: str, body: bytes | None, headers: Headers | None, by: str) -> None:
        """The message goes on to what follows, perhaps changed. Raises NotFound, MessageGone."""
        await self._decide(id, True, body, headers, by)

    async def reject(self, id: str, by: str) -> None:
        """The message ends here. Raises NotFound, MessageGone."""
        await self._decide(id, False, None, None, by)

    async def _decide(self, id: str, accepted: bool, body: bytes | None, headers: Headers | None, by: str) -> None:
        await self._placed.settle(await self.deciding(await self._placed.get(id), accepted, body, headers, by))

    async def deciding(
        self, found: PlacedMessage, accepted: bool, body: bytes | None, headers: Headers | None, by: str
    ) -> Transition:
        """What a person's decision about this user task does. Raises MessageGone."""
        routes = await self._routes.of(found.message.version)
        return decide_task(routes, found.message, accepted, body, headers, self._clock.now(), by)

    async def acts(self, id: str) -> list[Act]:
        """What people did to a message, oldest first."""
        return await self._views.acts(id)
