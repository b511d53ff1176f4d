"""Faults before and after calls of ports, chosen by the seed.

A fault strikes by likelihood, or at a planned point: the n-th call of all, or the k-th call of one method, so that rare
calls get their share too. What struck where is counted; a test reads the counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import Any

from msgspec import Struct

from segue.testing.simulation.dice import happens


class Kind(StrEnum):
    """What may go wrong with a call of a port.

    CRASH: the server dies. UNAVAILABLE: the store cannot do it now, nothing is done. BROKEN: an error that no port
    announces, in the work of one control service. LOST: a worker's answer does not come. SLOW: it takes time. JUMP: the
    clock is ahead from now on.
    """

    CRASH = "crash"
    UNAVAILABLE = "unavailable"
    BROKEN = "broken"
    LOST = "lost"
    SLOW = "slow"
    JUMP = "jump"


class Fault(Struct, frozen=True):
    """One fault; `ms` says how slow, or how far."""

    kind: Kind
    ms: int = 0


class Profile(Struct, frozen=True, kw_only=True):
    """How likely each fault is at each call it may strike (0 to 1), and how many crashes are planned.

    `crash_after` is how likely a crash follows on a call of a method that is not of the data path.
    """

    unavailable: float = 0.0
    broken: float = 0.0
    lost: float = 0.0
    slow: float = 0.0
    jump: float = 0.0
    crash_after: float = 0.0
    crashes: int = 0


class Point(Struct, frozen=True, kw_only=True):
    """A planned fault: at the n-th call since the beginning, or at the n-th one of a method of a port."""

    kind: Kind
    number: int
    after: bool
    port: str | None = None
    method: str | None = None


class Hit(Struct, frozen=True, order=True):
    """Where a fault struck."""

    port: str
    method: str
    after: bool
    kind: str


_MOST_JUMPS = 3
_SERVICE_CALLS = frozenset({"take", "nodes_ready", "next_due", "settle", "content"})
_DATA_PATH = _SERVICE_CALLS | {"accept", "release", "now", "entropy", "fraction", "call", "put_slots", "process"}
_NEVER_REFUSED = frozenset({"release", "on_ready", "on_events", "close"})


class Faults:
    """Says what goes wrong, call by call, while `active`. `hits` counts what struck; slowness does not count."""

    def __init__(self, chance: Random, profile: Profile, points: Sequence[Point]) -> None:
        self.active = False
        self.hits: Counter[Hit] = Counter()
        self._chance = chance
        self._profile = profile
        self._by_number = {point.number: point for point in points if point.method is None}
        self._by_method: dict[tuple[str, str], list[Point]] = {}
        for point in points:
            if point.port is not None and point.method is not None:
                self._by_method.setdefault((point.port, point.method), []).append(point)
        self._calls = 0
        self._calls_of: Counter[tuple[str, str]] = Counter()
        self._planned: Point | None = None
        self._store_is_back_at = 0
        self._jumps = 0

    def before(self, port: str, method: str, args: tuple[Any, ...], now: int) -> Fault | None:
        """Return what goes wrong before a call, None if nothing does."""
        if not self.active:
            return None
        self._calls += 1
        key = (port, method)
        self._calls_of[key] += 1
        self._planned = self._by_number.pop(self._calls, None) or self._due_at(key)
        fault = self._planned_fault(port, method, args, after=False) or self._drawn(port, method, args, now)
        return self._struck(port, method, fault, after=False)

    def after(self, port: str, method: str, args: tuple[Any, ...], planned: Point | None) -> Fault | None:
        """Return what goes wrong after a call. `planned` is what `plan_of_call` gave when it began."""
        if not self.active:
            return None
        self._planned = planned
        profile, chance = self._profile, self._chance
        fault = self._planned_fault(port, method, args, after=True)
        if fault is None and port == "clock" and happens(chance, profile.jump):
            fault = self._jump()
        if fault is None and port == "transport" and method == "call" and happens(chance, profile.lost):
            fault = Fault(Kind.LOST)
        if fault is None and _by_service(port, method, args) and happens(chance, profile.broken):
            fault = Fault(Kind.BROKEN)
        if fault is None and method not in _DATA_PATH and happens(chance, profile.crash_after):
            fault = Fault(Kind.CRASH)
        if fault is None and port in {"store", "directory"} and happens(chance, profile.slow):
            fault = self._slow()
        return self._struck(port, method, fault, after=True)

    def plan_of_call(self) -> Point | None:
        """Return what is planned for the call that `before` was asked about last."""
        planned, self._planned = self._planned, None
        return planned

    def _due_at(self, key: tuple[str, str]) -> Point | None:
        for point in self._by_method.get(key, ()):
            if point.number == self._calls_of[key]:
                return point
        return None

    def _planned_fault(self, port: str, method: str, args: tuple[Any, ...], *, after: bool) -> Fault | None:
        point = self._planned
        if point is None or point.after is not after:
            return None
        if point.kind is Kind.UNAVAILABLE and (after or not _may_refuse(port, method)):
            return Fault(Kind.CRASH)
        if point.kind is Kind.BROKEN and not _by_service(port, method, args):
            return Fault(Kind.CRASH)
        return self._jump() if point.kind is Kind.JUMP else Fault(point.kind)

    def _drawn(self, port: str, method: str, args: tuple[Any, ...], now: int) -> Fault | None:
        profile, chance = self._profile, self._chance
        if port == "clock":
            return self._jump() if happens(chance, profile.jump) else None
        if port == "transport":
            return Fault(Kind.LOST) if method == "call" and happens(chance, profile.lost) else None
        if _may_refuse(port, method):
            if port == "store" and now < self._store_is_back_at:
                return Fault(Kind.UNAVAILABLE)
            if happens(chance, profile.unavailable):
                if happens(chance, 0.1):
                    self._store_is_back_at = now + chance.randrange(50, 15_000)
                return Fault(Kind.UNAVAILABLE)
        if _by_service(port, method, args) and happens(chance, profile.broken):
            return Fault(Kind.BROKEN)
        if port in {"store", "directory"} and happens(chance, profile.slow):
            return self._slow()
        return None

    def _slow(self) -> Fault:
        return Fault(Kind.SLOW, self._chance.choice([0, 1, 1, 5, 40, 400, 3_000]))

    def _jump(self) -> Fault | None:
        if self._jumps == _MOST_JUMPS:  # each may be worth many ticks of a schedule
            return None
        self._jumps += 1
        return Fault(Kind.JUMP, self._chance.choice([5, 1_000, 20_000, 300_000]))

    def _struck(self, port: str, method: str, fault: Fault | None, *, after: bool) -> Fault | None:
        if fault is not None and fault.kind is not Kind.SLOW:
            self.hits[Hit(port, method, after, fault.kind.value)] += 1
        return fault


def _may_refuse(port: str, method: str) -> bool:
    """Whether a method may say that it cannot do it now."""
    return port in {"store", "directory"} and method not in _NEVER_REFUSED


def _by_service(port: str, method: str, args: tuple[Any, ...]) -> bool:
    """Whether a call is the work of one control service."""
    if port != "store" or method not in _SERVICE_CALLS:
        return False
    return method != "settle" or all(transition.by is None for transition in args[0])
