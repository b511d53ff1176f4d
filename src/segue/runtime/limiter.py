"""The limiter: no more calls than a limit allows, over all versions, also after a restart (P7)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from segue.core.limits import LimitBook, Slot
from segue.model.errors import StoreUnavailable
from segue.model.graph import LimitRule
from segue.ports.limits import LimitCatalog
from segue.ports.outside import Clock

_FORGET_EVERY = 1_000
_RETRY_MS = 1_000
# Ends that no grant takes along to the disk follow after this time (s), so that what people see of a limit is true.
_ENDS_S = 0.5


class CallLimits(Protocol):
    """What a control service asks before it makes a call that counts."""

    async def load(self) -> None:
        """Begin; what lay in the store is known afterwards."""
        ...

    async def declare(self, version: int, rules: Sequence[LimitRule]) -> None:
        """Know of the rules of a version before it makes its first call."""
        ...

    async def acquire(self, holder: str, rules: Sequence[LimitRule], wake: Callable[[], None]) -> int | None:
        """Take a slot for the call `holder` under these rules, and all that were declared for their keys (two versions
        may limit one key differently; the strictest counts): None once that is durable.

        Otherwise the instant at which to ask again; `wake` is called if a slot may become free before.
        """
        ...

    def ended(self, holder: str) -> None:
        """The call is over; its slots become free when their windows have passed."""
        ...


class Limiter:
    """Implements `CallLimits` for a process that has its store alone: it decides in memory.

    A grant is on disk before the call is made; when the call ended follows later.

    What a crash kept from the disk is taken as having ended at the restart, which is never too early.
    """

    def __init__(self, catalog: LimitCatalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._book = LimitBook()
        self._rules: dict[str, dict[LimitRule, None]] = {}
        self._pending: list[Slot] = []
        self._flushing: asyncio.Task[None] | None = None
        self._waiting: dict[str, dict[Callable[[], None], None]] = {}
        self._longest: dict[str, int] = {}
        self._put = 0
        self._later: asyncio.TimerHandle | None = None

    async def load(self) -> None:
        """Begin with what is on disk; the rules of all published versions have been seen before.

        Calls that ran when the process before ended are over now, on disk as well: the next one must not take them for
        its own time again.
        """
        slots, now = await self._catalog.slots(), self._clock.now()
        rules = [rule for known in self._rules.values() for rule in known]
        self._book = LimitBook.restored(slots, rules, now)
        over = [replace(slot, ended=now) for slot in slots if slot.ended is None]
        if over:
            await self._catalog.put_slots(over)

    async def declare(self, version: int, rules: Sequence[LimitRule]) -> None:
        """See `CallLimits`. The window of a rule decides how long ended calls are kept."""
        for rule in rules:
            self._rules.setdefault(rule.key, {})[rule] = None
            self._longest[rule.key] = max(self._longest.get(rule.key, 0), rule.per_ms)

    async def acquire(self, holder: str, rules: Sequence[LimitRule], wake: Callable[[], None]) -> int | None:
        """See `CallLimits`."""
        now = self._clock.now()
        keys = dict.fromkeys(rule.key for rule in rules)
        for rule in rules:
            self._longest[rule.key] = max(self._longest.get(rule.key, 0), rule.per_ms)
        seen = [rule for key in keys for rule in self._rules.get(key, ())]
        rules = list(dict.fromkeys([*rules, *seen]))
        if not self._book.grant(holder, rules, now):
            for key in keys:
                self._waiting.setdefault(key, {})[wake] = None
            free = self._book.next_free(rules, now)
            return now + max(rule.per_ms for rule in rules) if free is None else max(free, now + 1)
        self._pending += [Slot(key=key, holder=holder, granted=now) for key in keys]
        durable = False
        try:
            await self._flush()
            durable = True
        except StoreUnavailable:
            return self._clock.now() + _RETRY_MS
        finally:
            if not durable:  # also when the asker was cancelled: nobody would end this call
                self._pending += self._book.ended(holder, self._clock.now())
        return None

    def ended(self, holder: str) -> None:
        """See `CallLimits`.

        The clock says whole milliseconds that have begun: the end is taken as that of the one it lies in.
        """
        slots = self._book.ended(holder, self._clock.now() + 1)
        self._pending += slots
        for slot in slots:
            for wake in self._waiting.pop(slot.key, {}):
                wake()
        if slots:
            self._plan_ends()

    async def close(self) -> None:
        """Write the ends that are not written yet."""
        if self._later is not None:
            self._later.cancel()
        if self._pending:
            with contextlib.suppress(StoreUnavailable):  # the next process takes them as over
                await self._flush()

    def _plan_ends(self) -> None:
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(_ENDS_S, self._write_ends)

    def _write_ends(self) -> None:
        """Write what no grant has taken along meanwhile; later, if the store cannot now."""
        self._later = None
        if not self._pending:
            return
        if self._flushing is not None and not self._flushing.done():
            self._plan_ends()
            return
        self._flushing = asyncio.get_running_loop().create_task(self._write())
        self._flushing.add_done_callback(self._ends_written)

    def _ends_written(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._plan_ends()

    async def _flush(self) -> None:
        """Wait until all that is pending now is on disk; those who come together share one write."""
        if self._flushing is not None:
            await asyncio.wait({self._flushing})
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self._write())
        await asyncio.shield(self._flushing)

    async def _write(self) -> None:
        latest = {(slot.key, slot.holder): slot for slot in self._pending}
        self._pending = []
        try:
            await self._catalog.put_slots(list(latest.values()))
        except StoreUnavailable:
            self._pending = [*latest.values(), *self._pending]
            raise
        self._put += len(latest)
        if self._put >= _FORGET_EVERY:
            self._put = 0
            now = self._clock.now()
            self._book.slots(now)
            for key, longest in list(self._longest.items()):
                await self._catalog.forget_slots(key, now - longest)
