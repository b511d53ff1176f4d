"""The limiter of a process that shares its store with others: the store decides, and this gathers questions (P7)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from segue.model.errors import SegueError, StoreUnavailable
from segue.model.graph import LimitRule
from segue.ports.limits import Ask, Ended, SharedLimits
from segue.ports.outside import Clock

log = logging.getLogger(__name__)

_RETRY_MS = 1_000
_MOST = 500
# Ends that nobody here waits for may gather for this long (s).
_GATHER_S = 0.02


class _Waiting:
    """An ask whose answer is awaited."""

    __slots__ = ("answer", "ask", "wake")

    def __init__(self, ask: Ask, wake: Callable[[], None], answer: asyncio.Future[int | None]) -> None:
        self.ask = ask
        self.wake = wake
        self.answer = answer


class SharedLimiter:
    """Implements `CallLimits`. Asks and ends that come while the store decides go to it together, next.

    An ask that the store did not answer may have been granted all the same, so its call is told as ended.
    """

    def __init__(self, limits: SharedLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._asks: list[_Waiting] = []
        self._ends: dict[str, Ended] = {}
        self._watched: dict[str, int] = {}
        self._held: dict[str, tuple[str, ...]] = {}
        self._refused: dict[str, dict[Callable[[], None], None]] = {}
        self._work: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None

    async def load(self) -> None:
        """See `CallLimits`."""
        await self._limits.tidy_slots()

    async def declare(self, version: int, rules: Sequence[LimitRule]) -> None:
        """See `CallLimits`."""
        if rules:
            await self._limits.declare_rules(version, rules)

    async def acquire(self, holder: str, rules: Sequence[LimitRule], wake: Callable[[], None]) -> int | None:
        """See `CallLimits`. The rules go to the store with the ask: some are not a version's."""
        own = tuple(dict.fromkeys(rules))
        if not await self._watch(own):
            return self._clock.now() + _RETRY_MS
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        ask = Ask(holder=holder, keys=tuple(dict.fromkeys(rule.key for rule in rules)), rules=own)
        self._asks.append(_Waiting(ask, wake, answer))
        self._go_on()
        wait_ms = await answer
        return None if wait_ms is None else self._clock.now() + max(1, wait_ms)

    def ended(self, holder: str) -> None:
        """See `CallLimits`."""
        keys = self._held.pop(holder, None)
        if keys is None:
            return
        self._ends[holder] = Ended(holder=holder, keys=keys)
        if self._work is None and self._later is None:
            self._later = asyncio.get_running_loop().call_later(_GATHER_S, self._go_on)

    async def tidy(self) -> None:
        """Free what calls of other processes hold that are gone; now and then."""
        await self._limits.tidy_slots()

    async def close(self) -> None:
        """Tell the ends that are not told yet."""
        self._go_on()
        if self._work is not None:
            await asyncio.wait({self._work})

    async def _watch(self, rules: Sequence[LimitRule]) -> bool:
        """Have the store keep slots for the windows of these rules; False when it cannot now."""
        longer: dict[str, int] = {}
        for rule in rules:
            if rule.per_ms > max(self._watched.get(rule.key, 0), longer.get(rule.key, 0)):
                longer[rule.key] = rule.per_ms
        if longer:
            try:
                await self._limits.watch_windows(list(longer.items()))
            except StoreUnavailable:
                return False
            for key, per_ms in longer.items():
                self._watched[key] = max(per_ms, self._watched.get(key, 0))
        return True

    def _go_on(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._work is None and (self._asks or self._ends):
            self._work = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._asks or self._ends:
                asks, self._asks = self._asks[:_MOST], self._asks[_MOST:]
                ends, self._ends = self._ends, {}
                if not await self._settle(asks, ends) and not self._asks:
                    break
        finally:
            self._work = None
        if self._ends and self._later is None:
            self._later = asyncio.get_running_loop().call_later(_RETRY_MS / 1000, self._go_on)

    async def _settle(self, asks: list[_Waiting], ends: dict[str, Ended]) -> bool:
        """Ask the store, and hand out its answers; False when it cannot answer now."""
        try:
            answers = await self._limits.settle_slots(list(ends.values()), [each.ask for each in asks])
        except BaseException as error:
            self._ends = ends | {each.ask.holder: Ended(holder=each.ask.holder, keys=each.ask.keys) for each in asks}
            for each in asks:
                if not each.answer.done():
                    each.answer.set_result(_RETRY_MS)
            if not isinstance(error, Exception):
                raise
            if not isinstance(error, SegueError):
                log.exception("Deciding limits failed")
            return False
        for each, wait_ms in zip(asks, answers, strict=True):
            self._hand_out(each, wait_ms)
        for key in dict.fromkeys(key for end in ends.values() for key in end.keys):
            for wake in self._refused.pop(key, {}):
                wake()
        return True

    def _hand_out(self, each: _Waiting, wait_ms: int | None) -> None:
        if wait_ms is None:
            self._held[each.ask.holder] = each.ask.keys
            if each.answer.done():  # the asker was cancelled: nobody would end this call
                self.ended(each.ask.holder)
        else:
            for key in each.ask.keys:
                self._refused.setdefault(key, {})[each.wake] = None
        if not each.answer.done():
            each.answer.set_result(wait_ms)
