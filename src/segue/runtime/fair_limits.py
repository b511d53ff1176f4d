"""Limits as control services meet them: which rules a call falls under, whose turn it is, and who waits.

The limiter says whether there is room under the rules. Here it is decided first whether it is this process' turn: when
several wait for one key, those that have had fewer calls in its window go first, so none of them starves. Turns are
known within this operating-system process only; where several share a store, each of them is fair to its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from segue.core.limit_rules import Falls, falls_under, spacing_ms
from segue.model.graph import LimitRule, Node
from segue.model.message import Message
from segue.ports.given_limits import GivenLimitCatalog
from segue.ports.outside import Clock
from segue.runtime.limiter import CallLimits

Wake = Callable[[], None]

_TURN_MS = 20
"""How soon one whose turn it is not asks again, unless it is woken before."""
_GRACE_MS = 250
"""How long after the instant at which it was to ask again somebody still counts as waiting."""
_AHEAD_MS = 60_000
"""No message is told to come again later than this, so that what people change counts soon."""
_MOST_TOLD = 10_000


class _Had:
    """The calls that a process has under a key: those that run, when the others ended, and its latest turn."""

    __slots__ = ("ended", "running", "turn")

    def __init__(self) -> None:
        self.running = 0
        self.turn = 0
        self.ended: deque[int] = deque()

    def count(self, since: int) -> int:
        """How many count that ended after an instant, and those that run."""
        while self.ended and self.ended[0] <= since:
            self.ended.popleft()
        return self.running + len(self.ended)


class _Key:
    """What is known of a key: its shortest window, who has had calls under it, who waits and until when."""

    __slots__ = ("had", "next", "polite", "turns", "waiting", "window_ms")

    def __init__(self) -> None:
        self.window_ms = 0
        self.had: dict[str, _Had] = {}
        self.waiting: dict[str, int] = {}
        self.polite: dict[Wake, None] = {}
        self.next = 0.0
        self.turns = 0

    def order(self, party: str, now: int) -> tuple[int, int]:
        """Whoever has less comes first: fewer calls in the window, then a turn that was longer ago."""
        had = self.had.get(party)
        return (0, 0) if had is None else (had.count(now - self.window_ms), had.turn)

    def take(self, party: str) -> None:
        """Note a call of a process."""
        self.waiting.pop(party, None)
        had = self.had.setdefault(party, _Had())
        had.running += 1
        self.turns += 1
        had.turn = self.turns


class FairLimits:
    """Grants calls their slots, fairly. `given` are the rules of people, by key."""

    def __init__(self, limiter: CallLimits, catalog: GivenLimitCatalog, clock: Clock) -> None:
        self._limiter = limiter
        self._catalog = catalog
        self._clock = clock
        self._given: dict[str, tuple[LimitRule, ...]] = {}
        self._keys: dict[str, _Key] = {}
        self._held: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._told: dict[tuple[str, int], LimitRule] = {}
        self._reloading = asyncio.Lock()

    async def load(self) -> None:
        """Begin with what lies in the store; the rules of all published versions have been seen before."""
        await self._limiter.load()
        await self.reload()

    async def reload(self) -> None:
        """Use the limits that people have given by now."""
        async with self._reloading:  # one after the other, or what was read first could be kept last
            self._given = {limit.key: limit.rules for limit in await self._catalog.given_limits()}
        for key in self._keys.values():
            key.next = 0.0
            self._let_go(key)

    async def declare(self, version: int, rules: Sequence[LimitRule]) -> None:
        """Know of the rules of a version before it makes its first call."""
        await self._limiter.declare(version, rules)

    def falls_under(self, node: Node, message: Message) -> Falls | None:
        """What a call of the node's action with this message falls under; None when nothing limits it."""
        return falls_under(node, message, self._given)

    async def acquire(self, party: str, holder: str, falls: Falls, wake: Wake) -> int | None:
        """Take a slot for the call `holder` of the process `party`: None once that is durable.

        Otherwise the instant at which to ask again; `wake` is called if there may be room before.
        """
        now = self._clock.now()
        keys = falls.keys
        self._note_told(falls)
        for rule in falls.rules:
            key = self._key(rule.key)
            key.window_ms = min(key.window_ms or rule.per_ms, rule.per_ms)
        if self._others_first(party, keys, now):
            for name in keys:
                self._keys[name].polite[wake] = None
                self._keys[name].waiting[party] = now + _TURN_MS + _GRACE_MS
            return now + _TURN_MS
        until = await self._limiter.acquire(holder, falls.rules, wake)
        if until is not None:
            for name in keys:
                self._keys[name].waiting[party] = until + _GRACE_MS
            return until
        self._held[holder] = (party, keys)
        for name in keys:
            key = self._keys[name]
            key.take(party)
            self._let_go(key)
        return None

    def ended(self, holder: str) -> None:
        """The call is over; its slots become free when their windows have passed."""
        self._limiter.ended(holder)
        party, keys = self._held.pop(holder, ("", ()))
        now = self._clock.now()
        for name in keys:
            had = self._keys[name].had[party]
            had.running -= 1
            had.ended.append(now)

    def turn_of(self, falls: Falls, until: int) -> int:
        """When a message that waits on its own is to come again: each a little after the one before, as room comes."""
        now = self._clock.now()
        due = float(until)
        for name in falls.keys:
            key = self._key(name)
            due = max(due, key.next)
        step = spacing_ms(falls.rules)
        for name in falls.keys:
            self._keys[name].next = due + step
        if due > now + _AHEAD_MS:
            for name in falls.keys:
                self._keys[name].next = float(until)
            return now + _AHEAD_MS
        return int(due)

    def told(self) -> list[LimitRule]:
        """The rules that workers wrote into messages since this process began."""
        return list(self._told.values())

    def waiting(self, key: str) -> list[str]:
        """The processes that wait for a key."""
        known, now = self._keys.get(key), self._clock.now()
        return [] if known is None else [party for party, until in known.waiting.items() if until > now]

    def _key(self, name: str) -> _Key:
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = _Key()
        return key

    def _note_told(self, falls: Falls) -> None:
        for rule in falls.told:
            self._told[rule.key, rule.per_ms] = rule
        while len(self._told) > _MOST_TOLD:
            del self._told[next(iter(self._told))]

    def _others_first(self, party: str, keys: tuple[str, ...], now: int) -> bool:
        """Whether another process waits that has had fewer calls under one of the keys."""
        for name in keys:
            key = self._keys[name]
            if not key.waiting:
                continue
            for over in [other for other, until in key.waiting.items() if until <= now]:
                del key.waiting[over]
            own = key.order(party, now)
            if any(other != party and key.order(other, now) < own for other in key.waiting):
                return True
        return False

    @staticmethod
    def _let_go(key: _Key) -> None:
        """Wake those whose turn it was not."""
        polite, key.polite = key.polite, {}
        for wake in polite:
            wake()
