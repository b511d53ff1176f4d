"""How much a control service does: messages, and CPU by looking at some of them."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from time import thread_time_ns
from typing import Any

EVERY = 32
"""One of so many messages is measured."""


class Load:
    """Counts the messages handled, and estimates the CPU that handling them took in the event loop."""

    __slots__ = ("cpu_ns", "handled")

    def __init__(self) -> None:
        self.handled = 0
        self.cpu_ns = 0

    def measured(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """The work of one message, to be awaited."""
        self.handled += 1
        return work if self.handled % EVERY else _measured(work, self._spent)

    def _spent(self, ns: int) -> None:
        self.cpu_ns += EVERY * ns


@types.coroutine
def _measured(work: Coroutine[Any, Any, None], spent: Callable[[int], None]) -> Generator[Any, Any, None]:
    """Await `work`, and tell what each of its steps took of this thread's CPU."""
    step: Callable[[], Any] = lambda: work.send(None)  # noqa: E731 - what is done next changes with each step
    try:
        while True:
            begun = thread_time_ns()
            try:
                wanted = step()
            except StopIteration:
                return
            finally:
                spent(thread_time_ns() - begun)
            try:
                value = yield wanted
            except BaseException as error:  # noqa: BLE001 - a cancel, say: it is the work's to handle
                step = _throwing(work, error)
            else:
                step = _sending(work, value)
    finally:
        work.close()


def _throwing(work: Coroutine[Any, Any, None], error: BaseException) -> Callable[[], Any]:
    return lambda: work.throw(error)


def _sending(work: Coroutine[Any, Any, None], value: Any) -> Callable[[], Any]:
    return lambda: work.send(value)
