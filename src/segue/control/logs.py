"""Logs: the lines for people that handling messages left, the levels of processes, and where lines go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from operator import attrgetter
from time import monotonic
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from segue.control.paging import Page, number_cursor, page
from segue.control.running import RunningEngine
from segue.core.log_lines import at_least
from segue.model.errors import NotFound
from segue.model.message import LogLine
from segue.ports.catalog import ProcessCatalog
from segue.ports.documents import LineCatalog, WorkerLine
from segue.ports.log_book import LogBook, LogFilter
from segue.ports.log_sinks import SinkState
from segue.ports.views import StoredLog, Views

_TAIL_S = 0.5
_TAIL_BATCH = 500
# So many lines are looked through at a time, for so long (s).
_BITE = 50_000
_SEARCH_S = 0.1


class Shipping(Protocol):
    """What sends lines to destinations outside."""

    async def states(self) -> list[SinkState]:
        """What people see of each destination."""
        ...


class NoShipping:
    """Nothing is sent anywhere."""

    async def states(self) -> list[SinkState]:
        """None."""
        return []


class Context(Struct, frozen=True, kw_only=True):
    """A line with those around it, oldest first."""

    before: Sequence[StoredLog]
    line: StoredLog
    after: Sequence[StoredLog]


def _number(line: StoredLog) -> str:
    return str(line.seq)


class Logs:
    """Look at log lines, take those that workers send by themselves, and say which are kept."""

    def __init__(  # noqa: PLR0917 - the ports, then what runs
        self,
        book: LogBook,
        views: Views,
        lines: LineCatalog,
        catalog: ProcessCatalog,
        engine: RunningEngine,
        shipping: Shipping,
    ) -> None:
        self._book = book
        self._views = views
        self._lines = lines
        self._catalog = catalog
        self._engine = engine
        self._shipping = shipping

    async def find(self, wanted: LogFilter, cursor: str | None) -> Page[StoredLog]:
        """Lines that fit; the cursor goes on in the order asked for. In a long book a page may be short, even empty,
        and still have a cursor. Raises Invalid for a cursor of another list."""
        if cursor is not None:
            seq = number_cursor(cursor)
            wanted = replace(wanted, before=seq) if wanted.newest else replace(wanted, after=seq)
        if wanted.instance is not None:  # few lines, found by index
            found = await self._book.find_logs(replace(wanted, limit=wanted.limit + 1))
            return page(found, wanted.limit, _number)
        return await self._search(wanted)

    async def _search(self, wanted: LogFilter) -> Page[StoredLog]:
        """Look through so many lines at a time: however long the book is, an answer comes in a moment, perhaps with
        less than was asked for, or nothing, and where to go on."""
        low, high = await self._bounds(wanted)
        found: list[StoredLog] = []
        until = monotonic() + _SEARCH_S
        while low + 1 < high:
            left = wanted.limit + 1 - len(found)
            if wanted.newest:
                begin = max(low, high - 1 - _BITE)
                bite = replace(wanted, after=begin, before=high, limit=left)
                high = begin + 1
            else:
                end = min(high, low + 1 + _BITE)
                bite = replace(wanted, after=low, before=end, limit=left)
                low = end - 1
            found += await self._book.find_logs(bite)
            if len(found) > wanted.limit:
                return page(found, wanted.limit, _number)
            if monotonic() >= until and low + 1 < high:
                return Page(items=found, next=str(high if wanted.newest else low))
        return Page(items=found, next=None)

    async def _bounds(self, wanted: LogFilter) -> tuple[int, int]:
        """The numbers around the lines that are there; neither is of one of them."""
        oldest = await self._book.find_logs(LogFilter(after=wanted.after, limit=1))
        high = await self._book.last_log() + 1
        low = oldest[0].seq - 1 if oldest else high
        return low, high if wanted.before is None else min(high, wanted.before)

    async def context(self, seq: int, count: int, same_instance: bool) -> Context:
        """A line with up to `count` lines before it and after it, of its instance or of all. Raises NotFound."""
        found = await self._book.find_logs(LogFilter(after=seq - 1, before=seq + 1, limit=1))
        if not found:
            raise NotFound(f"There is no log line {seq}; old lines are not kept for ever")
        [line] = found
        around = LogFilter(instance=line.instance if same_instance else None, limit=count)
        before = await self._book.find_logs(replace(around, before=seq, newest=True))
        after = await self._book.find_logs(replace(around, after=seq))
        return Context(before=before[::-1], line=line, after=after)

    async def tail(self, wanted: LogFilter, after: int | None) -> AsyncIterator[Sequence[StoredLog]]:
        """Lines that fit as they come, from the newest one on or from a number on; an empty list when none came."""
        seq = await self._book.last_log() if after is None else after
        while True:
            newest = await self._book.last_log()
            found = await self._book.find_logs(replace(wanted, after=seq, complete=True, limit=_TAIL_BATCH))
            seq = found[-1].seq if found else max(seq, newest)
            yield found
            if not found:
                await asyncio.sleep(_TAIL_S)

    async def put(self, lines: Sequence[WorkerLine]) -> int:
        """Store lines about instances and nodes that are known, as the level of their process says; how many."""
        kept = []
        for id_, own in groupby(sorted(lines, key=attrgetter("instance")), key=attrgetter("instance")):
            instance = await self._views.instance(id_)
            if instance is None:
                continue
            for line in own:
                said = LogLine(level=line.level, text=line.text, at=line.at)
                kept += [replace(line, text=one.text) for one in self._engine.kept_lines(instance.process, [said])]
        return await self._lines.put_lines(kept) if kept else 0

    async def level(self, process: str) -> str | None:
        """The level of a process; None when it is that of the setting. Raises ProcessNotFound."""
        await self._catalog.process(process)
        return (await self._book.log_levels()).get(process)

    async def set_level(self, process: str, level: str | None) -> None:
        """Keep lines of this level and above from now on; None leaves it to the setting.

        Raises ProcessNotFound, and Invalid for another word.
        """
        if level is not None:
            at_least(level)
        await self._book.put_log_level(process, level)
        await self._engine.reload_log_levels()

    async def sinks(self) -> list[SinkState]:
        """The destinations, and how each is doing."""
        return await self._shipping.states()
