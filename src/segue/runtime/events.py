"""The live stream of events inside one process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

from segue.model.events import Event

_BOUND = 10_000


class Subscription:
    """One reader of the stream. A reader that falls behind by more than the bound loses the oldest events and
    sees `lost` grow; it can read what it missed from the store."""

    def __init__(self, leave: Callable[[Subscription], None]) -> None:
        self._waiting: deque[Event] = deque(maxlen=_BOUND)
        self._news = asyncio.Event()
        self._leave = leave
        self.lost = 0

    def push(self, event: Event) -> None:
        """Hand the reader one more event."""
        if len(self._waiting) == _BOUND:
            self.lost += 1
        self._waiting.append(event)
        self._news.set()

    async def next(self) -> Event:
        """Wait for the next event."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            yield await self.next()

    def close(self) -> None:
        """Stop receiving."""
        self._leave(self)


class EventBus:
    """Passes events to whoever listens now; keeps none."""

    def __init__(self) -> None:
        self._readers: set[Subscription] = set()

    def publish(self, events: Sequence[Event]) -> None:
        """Hand the events to every reader, in order."""
        for reader in self._readers:
            for event in events:
                reader.push(event)

    def subscribe(self) -> Subscription:
        """A reader of everything published from now on; close it when done."""
        reader = Subscription(self._readers.discard)
        self._readers.add(reader)
        return reader
