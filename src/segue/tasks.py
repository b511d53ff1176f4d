"""Ending tasks: what every layer that starts one needs."""

from __future__ import annotations

import asyncio
from typing import Any

_AGAIN_S = 1.0


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks; returns when each has ended. What they ended with is not raised here.

    One that goes on is cancelled again: an error that comes up while it cleans up, as from a database that refuses the
    ROLLBACK, takes the place of the cancellation, and a loop that outlives errors would never end.
    """
    while running := [task for task in tasks if task is not None and not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_AGAIN_S)
