"""The system's clock as the Clock port."""

from __future__ import annotations

import time


class SystemClock:
    """Wall time in ms since the epoch; when the system's clock is set back, it stands still instead of following."""

    def __init__(self) -> None:
        self._latest = 0

    def now(self) -> int:
        """Now; never less than an answer given before."""
        now = time.time_ns() // 1_000_000
        self._latest = max(self._latest, now)
        return self._latest
