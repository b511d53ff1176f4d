"""Waiting for conditions, each with a deadline: nothing here waits for time to pass and hopes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY_S = 0.02


class OverdueError(Exception):
    """Something that had to become true did not, within its deadline; the text says what."""


async def until(look: Callable[[], T | None], within_s: float, what: str, every_s: float = LOOK_EVERY_S) -> T:
    """Look again and again until `look` finds something true, and return that. Raises OverdueError after `within_s`."""

    async def asked() -> T | None:
        return look()

    return await until_async(asked, within_s, what, every_s)


async def until_async(
    look: Callable[[], Awaitable[T | None]], within_s: float, what: str, every_s: float = LOOK_EVERY_S
) -> T:
    """The same with a `look` that has to be awaited."""
    loop = asyncio.get_running_loop()
    overdue = loop.time() + within_s
    while True:
        found = await look()
        if found:
            return found
        if loop.time() > overdue:
            raise OverdueError(f"Waited {within_s:g} s for {what}")
        await asyncio.sleep(every_s)
