"""Limits as control services meet them: which rules a call falls under, whose turn it is, and who waits.

The limiter says whether there is room under the rules. Here it is decided first whether it is this process' turn: when
several wait for one key, calls of nodes with a higher priority go first; among those of the same priority the processes
that have had fewer calls in its window, so none of them starves. Turns are known within this operating-system process
only; where several share a store, each of them is fair to its own.
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
Party = tuple[str, int]
"""Who waits: a process, with the priority of the node."""

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
    """What is known of a key: its shortest window, who has had calls under it, who waits and until when.

    `next` is, for each priority, the first instant that no message which waits on its own was told to come again at.
    """

    __slots__ = ("had", "next", "polite", "turns", "waiting", "window_ms")

    def __init__(self) -> None:
        self.window_ms = 0
        self.had: dict[str, _Had] = {}
        self.waiting: dict[Party, int] = {}
        self.polite: dict[Wake, None] = {}
        self.next: dict[int, float] = {}
        self.turns = 0

    def order(self, process: str, now: int) -> tuple[int, int]:
        """Whoever has less comes first: fewer calls in the window, then a turn that was longer ago."""
        had = self.had.get(process)
        return (0, 0) if had is None else (had.count(now - self.window_ms), had.turn)

    def first_at(self, party: Party, now: int) -> int:
        """0 when nobody who waits goes before this one; else the instant at which to ask again, if not woken before."""
        for over in [other for other, until in self.waiting.items() if until <= now]:
            del self.waiting[over]
        process, priority = party
        higher = [until for (_, other), until in self.waiting.items() if other > priority]
        higher += [int(at) for other, at in self.next.items() if other > priority and at > now]
        if higher:
            return max(now + 1, min(higher))
        rivals = [other for other, its in self.waiting if its == priority and other != process]
        if not rivals:
            return 0
        own = self.order(process, now)
        return now + _TURN_MS if any(self.order(other, now) < own for other in rivals) else 0

    def take(self, party: Party, waited: int | None) -> None:
        """Note a call of a process, which waits no more unless others of it have begun to since `waited`."""
        if self.waiting.get(party) == waited:
            self.waiting.pop(party, None)
        had = self.had.setdefault(party[0], _Had())
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
            key.next.clear()
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
        who = (party, falls.priority)
        if turn := self._others_first(who, keys, now):
            for name in keys:
                self._keys[name].polite[wake] = None
                self._keys[name].waiting[who] = turn + _GRACE_MS
            return turn
        waited = {name: self._keys[name].waiting.get(who) for name in keys}
        until = await self._limiter.acquire(holder, falls.rules, wake)
        if until is not None:
            for name in keys:
                self._keys[name].waiting[who] = until + _GRACE_MS
            return until
        self._held[holder] = (party, keys)
        for name in keys:
            key = self._keys[name]
            key.take(who, waited[name])
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
        """When a message that waits on its own is to come again: each a little after the one before it of its priority
        or a higher one, as room comes."""
        now = self._clock.now()
        own = falls.priority
        planned = [at for name in falls.keys for its, at in self._key(name).next.items() if its >= own]
        due = max([float(until), *planned])
        following = due + spacing_ms(falls.rules)
        if due > now + _AHEAD_MS:
            due, following = now + _AHEAD_MS, float(until)
        for name in falls.keys:
            self._keys[name].next[own] = following
        return int(due)

    def told(self) -> list[LimitRule]:
        """The rules that workers wrote into messages since this process began."""
        return list(self._told.values())

    def waiting(self, key: str) -> list[str]:
        """The processes that wait for a key."""
        known, now = self._keys.get(key), self._clock.now()
        if known is None:
            return []
        return list(dict.fromkeys(process for (process, _), until in known.waiting.items() if until > now))

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

    def _others_first(self, party: Party, keys: tuple[str, ...], now: int) -> int:
        """0 when it is the turn of this one under each of the keys; else the instant at which to ask again."""
        turn = 0
        for name in keys:
            key = self._keys[name]
            if key.waiting or key.next:
                turn = max(turn, key.first_at(party, now))
        return turn

    @staticmethod
    def _let_go(key: _Key) -> None:
        """Wake those whose turn it was not."""
        polite, key.polite = key.polite, {}
        for wake in polite:
            wake()
