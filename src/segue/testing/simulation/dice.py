"""Chance and time of a simulated world: both follow from its seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

EPOCH_MS = 1_900_000_000_000
"""The instant at which every world begins: 2030-03-17 17:46:40 UTC."""


class Dice:
    """Chance by name: what one part of the world draws does not change what another part draws."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def stream(self, name: str) -> Random:
        """Return the numbers for one purpose. The same seed and name give the same numbers, in every process."""
        return Random(f"{self._seed}/{name}")  # noqa: S311 - repeatable on purpose


def happens(chance: Random, likelihood: float) -> bool:
    """Draw once: True with the likelihood, from 0 to 1."""
    return likelihood > 0 and chance.random() < likelihood


def pick(chance: Random, weighted: Sequence[tuple[float, T]]) -> T:
    """Draw one of the things, each as likely as its weight says."""
    total = sum(weight for weight, _ in weighted)
    point = chance.random() * total
    for weight, thing in weighted:
        point -= weight
        if point < 0:
            return thing
    return weighted[-1][1]


class WorldClock:
    """Implements the port `Clock` over the loop's time. `ahead` ms is what jumps have added; it never shrinks."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self.ahead = 0

    def now(self) -> int:
        """Return the instant in ms since the epoch."""
        return EPOCH_MS + int(self._seconds() * 1000) + self.ahead


class WorldChance:
    """Implements the port `Chance`. Now and then a fraction is the least or the greatest there is."""

    def __init__(self, numbers: Random) -> None:
        self._numbers = numbers

    def entropy(self, size: int) -> bytes:
        """Return bytes that were never handed out before."""
        return self._numbers.randbytes(size)

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        number = self._numbers.random()
        if number < 0.02:
            return 0.0
        return 1.0 - 2**-53 if number > 0.98 else self._numbers.random()
