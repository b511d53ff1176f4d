"""A real store in a simulated world: it lives in an event loop and a thread of its own, and answers at once.

The simulated loop has no sockets and no threads. So each call of the store is made in the other loop, and the world
stands still until the answer is there. For the world the store is one that does everything in order, as the store in
memory does; that is why the same seed has to give the same trace.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from segue.model.events import Event, EventKind
from segue.ports.messages import EventListener, ReadyListener, told_of
from segue.ports.store import Store
from segue.testing.simulation.ports import methods_of

T = TypeVar("T")

_ANSWER_S = 60.0
_OWN = frozenset({"on_ready", "on_events", "close"})


class Beside:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulated-store", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something there, and return when it is done."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_ANSWER_S)

    def close(self) -> None:
        """End the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)
        self._loop.close()


class Blocking:
    """Has the methods of `Store`, each of which makes the call of the real one.

    What listeners hear of a call they hear before its caller goes on, in the loop of the world: events first, then
    queues. What the store tells them at other times is only a hint that the world does without.
    """

    def __init__(self, beside: Beside, store: Store) -> None:
        self.closed = False
        self._beside = beside
        self._ready: list[ReadyListener] = []
        self._events: list[EventListener] = []
        self._heard: list[Callable[[], None]] | None = None
        for name, signature in methods_of(Store).items():
            if name not in _OWN:
                method = getattr(store, name)
                setattr(self, name, self._awaited(method) if signature.awaited else self._direct(method))
        self._close = store.close
        store.on_ready(self._hear_ready)
        store.on_events(self._hear_events)

    def on_ready(self, listener: ReadyListener) -> None:
        """See `MessageStore`."""
        self._ready.append(listener)

    def on_events(self, listener: EventListener, kinds: Collection[EventKind] = ()) -> None:
        """See `MessageStore`."""
        self._events.append(told_of(kinds, listener))

    async def close(self) -> None:
        """See `Store`."""
        self.end()

    def end(self) -> None:
        """Close the store, if nobody has done so."""
        if not self.closed:
            self.closed = True
            self._beside.run(self._close())

    def _awaited(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any) -> Any:
            return self._make(method, args)

        return call

    def _direct(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def later(*args: Any) -> Any:
            return method(*args)

        return lambda *args: self._make(later, args)

    def _make(self, method: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        heard: list[Callable[[], None]] = []

        async def call() -> Any:
            self._heard = heard
            try:
                return await method(*args)
            finally:
                await asyncio.sleep(0)  # what is told after the answer
                self._heard = None

        try:
            return self._beside.run(call())
        finally:
            for tell in heard:
                tell()

    def _hear_ready(self, version: int, node: str) -> None:
        if self._heard is not None:
            self._heard.append(partial(self._tell, self._ready, version, node))

    def _hear_events(self, events: Sequence[Event]) -> None:
        if self._heard is not None:
            self._heard.append(partial(self._tell, self._events, events))

    @staticmethod
    def _tell(listeners: Sequence[Callable[..., None]], *said: object) -> None:
        for listener in listeners:
            listener(*said)
