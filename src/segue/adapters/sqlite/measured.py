"""What this process has measured and not added up yet: kept as it was, so that it need not be read back and decoded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from segue.ports.metrics import Measures

# Handlings kept, some 100 bytes each; beyond them the file is read.
_MOST = 40_000
# Every so many times the file is read all the same.
_LOOKS = 50


class Measured:
    """Measures by their numbers, in the order of their commits. What the file holds beyond them is not known at first,
    nor after trouble: a commit that failed may turn out to have been stored. For the event loop."""

    def __init__(self) -> None:
        self._kept: dict[int, Measures] = {}
        self._handlings = 0
        self._last = 0
        self._whole = False
        self._strange = False
        self._looks = 0

    def add(self, some: Iterable[Measures]) -> None:
        """They are committed."""
        for measures in some:
            self._kept[measures.seq] = measures
            self._last = measures.seq
            self._handlings += measures.size()
        if self._handlings > _MOST:
            self.forget()

    def forget(self) -> None:
        """Trust the file alone, until a look at all of it has shown that it holds nothing that is not known here."""
        self._kept.clear()
        self._handlings = 0
        self._whole = False
        self._strange = True

    def after(self, seq: int, limit: int) -> list[Measures] | None:
        """Those with higher numbers; None when the file is to be read."""
        if not seq:
            self._looks += 1
            if self._looks % _LOOKS == 0:
                self._whole = False
        if not self._whole:
            return None
        return [measures for number, measures in self._kept.items() if number > seq][:limit]

    def read(self, after: int, limit: int, found: Sequence[Measures]) -> None:
        """So many, and no more, were in the file."""
        if not after:
            self._strange = False
        # One above the last may be of a commit that this process has not heard of yet; before its first, none is.
        known = self._last or math.inf
        self._strange |= any(each.seq not in self._kept for each in found if each.seq <= known)
        if len(found) < limit:
            self._whole = not self._strange

    def rolled(self, seqs: Iterable[int]) -> None:
        """They are in the figures."""
        for seq in seqs:
            gone = self._kept.pop(seq, None)
            if gone is not None:
                self._handlings -= gone.size()
