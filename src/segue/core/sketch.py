"""A mergeable sketch of a distribution: counts of values in buckets whose bounds grow by a constant factor.

This is DDSketch (Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
Guarantees", PVLDB 12(12), 2019) for whole numbers from 0 on: a quantile is within 1 % of the value that has that rank.
Count, sum, least and most are exact. Merging two sketches gives the sketch of all their values, so a week's p99 is as
right as a minute's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log

from msgspec import Struct

ACCURACY = 0.01
"""The relative error of a quantile."""

_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_PER_LOG = 1 / log(_GAMMA)
# The middle of a bucket, as far from its lower bound as from its upper one in proportion.
_MIDDLE = 2 * _GAMMA / (1 + _GAMMA)
# The bucket of each small value, so that a column of them is counted without a step in Python for each.
_ZERO = -1
_TABLE = [_ZERO, *(int(log(value) * _PER_LOG) for value in range(1, 32_768))]
_TABLED = len(_TABLE)
_FIND = _TABLE.__getitem__


class Sketch(Struct, kw_only=True):
    """Some values. `buckets` counts those of each bucket but zeros: bucket i holds values from γ^i up to γ^(i+1)."""

    count: int = 0
    total: int = 0
    least: int = 0
    most: int = 0
    zeros: int = 0
    buckets: dict[int, int] = {}

    def add(self, values: Sequence[int]) -> None:
        """Take in values; one below zero counts as zero."""
        if not values:
            return
        least = min(values)
        if least < 0:
            values = [max(value, 0) for value in values]
            least = 0
        most = max(values)
        self._bounds(least, most)
        self.count += len(values)
        self.total += sum(values)
        if most < _TABLED:
            found = Counter(map(_FIND, values))
        else:
            found = Counter([_FIND(v) if v < _TABLED else int(log(v) * _PER_LOG) for v in values])
        self.zeros += found.pop(_ZERO, 0)
        buckets = self.buckets
        for index, count in found.items():
            buckets[index] = buckets.get(index, 0) + count

    def merge(self, other: Sketch) -> None:
        """Take in all values of another sketch."""
        if not other.count:
            return
        self._bounds(other.least, other.most)
        self.count += other.count
        self.total += other.total
        self.zeros += other.zeros
        buckets = self.buckets
        for index, count in other.buckets.items():
            buckets[index] = buckets.get(index, 0) + count

    def mean(self) -> float:
        """The mean of the values; 0 without any."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, share: float) -> float:
        """The value below which this share of the values is, within 1 %; 0 without any."""
        if not self.count:
            return 0.0
        rank = share * (self.count - 1)
        seen = self.zeros
        if rank < seen:
            return 0.0
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if rank < seen:
                return min(max(_GAMMA**index * _MIDDLE, self.least), self.most)
        return float(self.most)

    def below(self, bounds: Sequence[float]) -> list[int]:
        """How many values are at most each of these rising bounds; right to 1 % of the bound."""
        counts, at, seen = [], 0, self.zeros
        rising = sorted(self.buckets)
        for bound in bounds:
            while at < len(rising) and _GAMMA ** rising[at] * _MIDDLE <= bound:
                seen += self.buckets[rising[at]]
                at += 1
            counts.append(self.count if bound >= self.most else seen)
        return counts

    def _bounds(self, least: int, most: int) -> None:
        self.least = min(self.least, least) if self.count else least
        self.most = max(self.most, most) if self.count else most
