"""The system's randomness as the Chance port."""

from __future__ import annotations

import os
import random

_POOL = 4096


class SystemChance:
    """Bytes from the kernel, fetched a page at a time because a system call for each id would cost more than the id."""

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0
        self._jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing

    def entropy(self, size: int) -> bytes:
        """`size` random bytes that were never handed out before."""
        start = self._used
        if start + size > len(self._pool):
            self._pool = os.urandom(max(_POOL, size))
            start = 0
        self._used = start + size
        return self._pool[start : self._used]

    def fraction(self) -> float:
        """A number in [0, 1), for jitter."""
        return self._jitter.random()
