"""Moving house: the rows of one store into another of a different kind, while the first is in use for most of it.

What is appended and never changed (steps, events, lines, instances that have ended) is copied first, with the source in
use. Then nobody may use the source any more, and what is left is copied: what changes, and what was appended or
forgotten meanwhile. The account of both is proven and compared. Until that is done the target cannot be opened, and the
source is as it was; afterwards the source cannot be opened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from time import monotonic
from typing import Any, Protocol

from msgspec import Struct

from segue.adapters.sql.tables import event, instance, log, metadata, step
from segue.model.errors import Conflict, StoreUnavailable
from segue.model.ledger import Audit
from segue.ports.outside import Clock

Say = Callable[[str], None]

# What belongs to processes that run, and not to what they work on.
_LEFT_BEHIND = {"member", "lease"}
_FACTS_LEFT_BEHIND = ("revision", "oldest", "closed", "moved")
_APPENDED = {event.name: "seq", step.name: "seq", log.name: "seq", instance.name: "num"}
_ENDED = {instance.name: "finished IS NOT NULL"}
_SPAN = 200_000

MOVING = ("being filled", "being emptied")
"""Marks of a store that is a target or a source now."""


class House(Protocol):
    """One store as rows. Conditions are SQL without values; rows have the columns in the order asked for."""

    shown: str

    async def columns(self, table: str) -> list[str]:
        """The columns of a table."""
        ...

    def rows(self, table: str, columns: Sequence[str], where: str) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Read rows, some at a time."""
        ...

    async def numbers(self, table: str, column: str, where: str) -> list[int]:
        """Read one column of numbers."""
        ...

    async def put(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows."""
        ...

    async def drop(self, table: str, column: str, numbers: Sequence[int]) -> None:
        """Remove the rows with these numbers."""
        ...

    async def audit(self, now: int) -> Audit:
        """Count the account from the rows, as it is at this instant."""
        ...

    async def stop_others(self, wait_s: float, say: Say) -> None:
        """Wait until nobody uses the store, and keep it so. Raises StoreUnavailable when that takes too long."""
        ...

    async def finish(self) -> None:
        """A target: everything is there; it can be opened from now on."""
        ...

    async def mark_moved(self, where: str) -> None:
        """A source: it cannot be opened any more, and says where everything is."""
        ...


class Moved(Struct, frozen=True, kw_only=True):
    """What was moved: rows, before the source was stopped and after, and how long nothing could be taken in (s)."""

    rows_before: int
    rows_after: int
    stopped_s: float
    before: Audit
    after: Audit


class _Mover:
    def __init__(self, source: House, target: House, clock: Clock, say: Say) -> None:
        self._source = source
        self._target = target
        self._clock = clock
        self._say = say
        self._columns: dict[str, list[str]] = {}
        self.rows = 0

    async def move(self, wait_s: float) -> Moved:
        """Move everything. Raises Conflict when the account would not be the same."""
        self._columns = {name: await self._shared_columns(name) for name in _tables()}
        copied: dict[str, int] = {}
        for name in _APPENDED:
            copied[name] = await self._copy(name, _ENDED.get(name, ""))
        before_stop = self.rows
        self._say(f"{before_stop} rows that do not change any more are copied; now the servers have to stop")
        await self._source.stop_others(wait_s, self._say)
        stopped = monotonic()
        now = self._clock.now()
        before = await self._source.audit(now)
        if not before.balanced:
            raise Conflict(f"The ledger of {self._source.shown} does not balance; `segue audit` says where")
        for name, column in _APPENDED.items():
            await self._follow(name, column, copied[name])
        for name in _tables():
            if name not in _APPENDED:
                await self._copy(name, "")
        await self._copy_facts()
        after = await self._target.audit(now)
        if after != before:
            raise Conflict(f"The ledger of {self._target.shown} is not that of {self._source.shown}: {after} {before}")
        await self._target.finish()
        await self._source.mark_moved(self._target.shown)
        return Moved(
            rows_before=before_stop,
            rows_after=self.rows - before_stop,
            stopped_s=round(monotonic() - stopped, 2),
            before=before,
            after=after,
        )

    async def _shared_columns(self, table: str) -> list[str]:
        there = set(await self._target.columns(table))
        return [column for column in await self._source.columns(table) if column in there and column != "holder"]

    async def _copy(self, table: str, where: str) -> int:
        """Copy the rows of a table; the highest number copied, of one that has numbers."""
        columns = self._columns[table]
        numbered = columns.index(_APPENDED[table]) if table in _APPENDED else None
        highest = 0
        async for rows in self._source.rows(table, columns, where):
            await self._target.put(table, columns, rows)
            self.rows += len(rows)
            if numbered is not None:
                highest = max(highest, *(row[numbered] for row in rows))
        return highest

    async def _follow(self, table: str, column: str, copied: int) -> None:
        """Bring what was copied early to what is there now: some of it was forgotten, some came late under a number
        that had been passed already; and copy what came since."""
        ended = _ENDED.get(table)
        for low in range(0, copied + 1, _SPAN):
            span = f"{column} >= {low} AND {column} < {min(low + _SPAN, copied + 1)}"
            there = set(await self._source.numbers(table, column, span if ended is None else f"{span} AND {ended}"))
            here = set(await self._target.numbers(table, column, span))
            await self._target.drop(table, column, sorted(here - there))
            late = sorted(there - here)
            for start in range(0, len(late), 500):
                some = ", ".join(map(str, late[start : start + 500]))
                await self._copy(table, f"{column} IN ({some})")
        rest = f"{column} > {copied}"
        await self._copy(table, rest if ended is None else f"({rest}) OR finished IS NULL")

    async def _copy_facts(self) -> None:
        names = ", ".join(f"'{name}'" for name in _FACTS_LEFT_BEHIND)
        columns = ["name", "value"]
        async for rows in self._source.rows("fact", columns, f"name NOT IN ({names})"):
            await self._target.put("fact", columns, rows)


async def move(source: House, target: House, clock: Clock, wait_s: float, say: Say) -> Moved:
    """Move all rows of a store into an empty one, and prove that the account is the same."""
    return await _Mover(source, target, clock, say).move(wait_s)


def _tables() -> list[str]:
    return [table.name for table in metadata.sorted_tables if table.name not in {*_LEFT_BEHIND, "fact"}]


def refuse_moved(shown: str, where: str | None) -> None:
    """Raises StoreUnavailable for a store that was moved."""
    if where in MOVING:
        text = f"{shown} is {where} by `segue migrate`, which goes on or did not come to its end"
        raise StoreUnavailable(f"{text}: wait for it, or do it again")
    if where is not None:
        raise StoreUnavailable(f"{shown} was moved to {where} by `segue migrate`, and is kept as it was; use that one")


def check_empty(shown: str, filled: Sequence[str]) -> None:
    """Raises Conflict for a target that holds something."""
    if filled:
        raise Conflict(f"{shown} is not empty: it has rows in {', '.join(filled)}. Move into one that is")
