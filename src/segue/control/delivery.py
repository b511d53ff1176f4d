"""Delivering messages from outside to those that listen for them."""

from __future__ import annotations

from msgspec import Struct

from segue.control.routes_kept import KeptRoutes
from segue.core.delivery import decide_delivery
from segue.core.listening import listening_for
from segue.model.errors import NobodyListens
from segue.model.message import Place
from segue.model.start import Headers
from segue.ports.catalog import ProcessCatalog
from segue.ports.messages import MessageStore
from segue.ports.outside import Clock
from segue.ports.views import PlacedFilter, PlacedMessage, Views

_BITE = 100


class Coming(Struct, frozen=True, kw_only=True):
    """A message from outside: its name and key, whose it is, and what it says.

    `instance`: only one of that instance gets it. `all`: everybody who listens gets it, else the one that has waited
    longest.
    """

    name: str
    body: bytes
    headers: Headers
    key: str = ""
    instance: str | None = None
    all: bool = False


class Delivery:
    """Deliver messages."""

    def __init__(self, views: Views, messages: MessageStore, catalog: ProcessCatalog, clock: Clock) -> None:
        self._views = views
        self._messages = messages
        self._routes = KeptRoutes(catalog)
        self._clock = clock

    async def deliver(self, coming: Coming, by: str) -> list[PlacedMessage]:
        """Let go on who listens; each message once. Raises NobodyListens, or Invalid for a body it cannot take."""
        reached: list[PlacedMessage] = []
        after = 0
        while True:
            wanted = PlacedFilter(
                place=Place.LISTENING,
                reason=listening_for(coming.name, coming.key),
                instance=coming.instance,
                after=after,
                limit=_BITE,
            )
            found = await self._views.placed(wanted)
            for listener in found:
                after = listener.message.seq
                if await self._reach(listener, coming, by):
                    reached.append(listener)
                    if not coming.all:
                        return reached
            if len(found) < _BITE:
                break
        if not reached:
            key = f" with the key {coming.key!r}" if coming.key else ""
            raise NobodyListens(f"No message listens for {coming.name!r}{key}; deliver it again when one does")
        return reached

    async def _reach(self, listener: PlacedMessage, coming: Coming, by: str) -> bool:
        message = listener.message
        routes = await self._routes.of(message.version)
        transition = decide_delivery(routes, message, coming.body, coming.headers, self._clock.now(), by)
        return (await self._messages.settle([transition]))[0]
