"""The way to the server for everybody outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from segue.model.errors import StoreUnavailable
from segue.testing.simulation.drawing import Drawing
from segue.testing.simulation.life import Broken, Life

T = TypeVar("T")
Work = Callable[[Life], Awaitable[T]]


class Unanswered(Exception):
    """The server was down, or died before it answered. What was asked for may have been done, or not."""


TROUBLE = (Unanswered, StoreUnavailable, Broken)
"""What a caller meets with trying again."""


class Front(Protocol):
    """What people can do about the server."""

    async def ask(self, work: Work[T]) -> T:
        """Have the server do something. Raises Unanswered, and what the server answers with."""
        ...

    async def both(self, work: Work[None]) -> list[BaseException | None]:
        """Have the server do the same twice at once; what each of the two met with."""
        ...

    async def pause(self, ms: float) -> None:
        """Wait."""
        ...

    async def publish(self, process: str, drawing: Drawing | None = None) -> None:
        """Publish and enable the next version of a process: this drawing, or one by chance."""
        ...

    async def restart(self, grace_s: float) -> None:
        """Stop the server in order; it comes back."""
        ...
