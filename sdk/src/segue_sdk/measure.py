"""What a call costs: CPU time of exactly the action's own steps, and the calls it makes to other services."""

import contextvars
import time
from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import urlsplit

from segue_sdk.wire import RemoteCall

T = TypeVar("T")

#: More remote calls of one call are not noted; their number would otherwise be the size of the answer.
MAX_REMOTE_CALLS = 1_000

#: The remote calls of the message that is being handled; None outside of an action, or where they are noted by hand.
current_calls: contextvars.ContextVar[list[RemoteCall] | None] = contextvars.ContextVar("segue_calls", default=None)


class Timed(Generic[T]):
    """Awaits a coroutine and adds up the CPU time of its steps in `cpu_ns`.

    Between two steps the loop runs other calls, so the time of the whole thread would be theirs, too. Time in tasks or
    threads that the coroutine starts is not in it.
    """

    __slots__ = ("_coroutine", "cpu_ns")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self.cpu_ns = 0

    def __await__(self) -> Generator[Any, Any, T]:
        """Run the coroutine to its end; its value and its exceptions are ours."""
        coroutine = self._coroutine
        clock = time.thread_time_ns
        value: Any = None
        error: BaseException | None = None
        while True:
            began = clock()
            try:
                awaited = coroutine.send(value) if error is None else coroutine.throw(error)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            finally:
                self.cpu_ns += clock() - began
            value = error = None
            try:
                value = yield awaited
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as thrown:  # noqa: BLE001 - whatever is thrown in belongs to the coroutine
                error = thrown


class RemoteTimer:
    """Notes one call to another service: `with message.remote("api.example.com") as call: ...; call.status = 200`.

    The duration is that of the block. A status that nobody set is noted as 0: no answer came.
    """

    __slots__ = ("_began", "_calls", "_host", "_token", "status")

    def __init__(self, calls: list[RemoteCall], host: str) -> None:
        self._calls = calls
        self._host = host
        self._began = 0
        self.status = 0

    def __enter__(self) -> Self:
        """Start the clock. What a library would note of the block by itself is not noted twice."""
        self._token = current_calls.set(None)
        self._began = time.perf_counter_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Note the call, also when it failed."""
        current_calls.reset(self._token)
        note_remote(self._calls, self._host, (time.perf_counter_ns() - self._began) / 1e6, self.status)


def note_remote(calls: list[RemoteCall], host: str, ms: float, status: int) -> None:
    """Add a call to the list. Of an address only the host is kept: the rest of it may hold secrets."""
    if len(calls) >= MAX_REMOTE_CALLS:
        return
    if "/" in host:
        host = urlsplit(host if "//" in host else f"//{host}").hostname or ""
    calls.append(RemoteCall(host, round(float(ms), 3), int(status)))
