"""What trash and user tasks have in common: a message that waits for a person's decision."""

from __future__ import annotations

import msgspec

from segue.control.paging import Page, number_cursor, page
from segue.model.errors import MessageGone, NotFound
from segue.model.message import Place, Transition
from segue.ports.messages import MessageStore
from segue.ports.views import PlacedFilter, PlacedMessage, Views

_NAMES = {Place.TRASH: "message in trash", Place.WAITING: "user task"}


class PlacedMessages:
    """Messages of one place: find them, and settle what a person decides about one."""

    def __init__(self, place: Place, views: Views, messages: MessageStore) -> None:
        self._place = place
        self._views = views
        self._messages = messages

    async def find(self, wanted: PlacedFilter, cursor: str | None) -> Page[PlacedMessage]:
        """Messages of the place, oldest first."""
        asked = msgspec.structs.replace(wanted, place=self._place, after=number_cursor(cursor), limit=wanted.limit + 1)
        return page(await self._views.placed(asked), wanted.limit, lambda found: str(found.message.seq))

    async def get(self, id: str) -> PlacedMessage:
        """Raises NotFound."""
        found = await self._views.placed_message(id, self._place)
        if found is None:
            raise NotFound(f"There is no {_NAMES[self._place]} {id[:100]}; perhaps somebody was faster")
        return found

    async def settle(self, transition: Transition) -> None:
        """Make the decision true. Raises MessageGone when somebody else's came first; nothing is changed then."""
        if not (await self._messages.settle([transition]))[0]:
            text = f"The {_NAMES[self._place]} {transition.message.id} has left meanwhile: somebody was faster"
            raise MessageGone(text)
