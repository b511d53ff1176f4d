"""How fast the writer gets work done, for telling callers when to come again."""

from __future__ import annotations

import time

_WINDOW_S = 1.0
_LONGEST_S = 60


class Pace:
    """Operations per second of wall time, smoothed over windows of a second."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._count = 0
        self._rate = 0.0

    def count(self, done: int) -> None:
        """Note that so many operations were done."""
        self._count += done
        spent = time.monotonic() - self._since
        if spent >= _WINDOW_S:
            self._rate = 0.5 * self._rate + 0.5 * self._count / spent
            self._since += spent
            self._count = 0

    def seconds_for(self, operations: float) -> int:
        """How long so many operations take at this pace, in whole seconds from 1 to 60."""
        return int(min(_LONGEST_S, max(1.0, operations / max(self._rate, 1.0))))
