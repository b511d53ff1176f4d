"""The log book, as scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segue.adapters.sql import log_book
from segue.adapters.sql.ports.scripted import Scripted
from segue.ports.log_book import LogFilter, SinkPosition
from segue.ports.views import StoredLog


class KeptLogs(Scripted):
    """Implements `LogBook`."""

    async def find_logs(self, wanted: LogFilter) -> list[StoredLog]:
        """See `LogBook`."""
        return await self._read(lambda: log_book.find_logs(wanted))

    async def last_log(self) -> int:
        """See `LogBook`."""
        return await self._read(log_book.last_log)

    async def count_logs(self, after: int, levels: Sequence[str]) -> int:
        """See `LogBook`."""
        return await self._read(lambda: log_book.count_logs(after, levels))

    async def sink_positions(self) -> list[SinkPosition]:
        """See `LogBook`."""
        return await self._read(log_book.sink_positions)

    async def put_sink_position(self, position: SinkPosition) -> None:
        """See `LogBook`."""
        await self._change(lambda: log_book.put_sink_position(position))

    async def forget_sink(self, name: str) -> None:
        """See `LogBook`."""
        await self._change(lambda: log_book.forget_sink(name))

    async def trim_logs(self, keep: int, limit: int, held: Mapping[str, int]) -> int:
        """See `LogBook`."""
        return await self._change(lambda: log_book.trim_logs(keep, limit, held))

    async def log_levels(self) -> dict[str, str]:
        """See `LogBook`."""
        return await self._read(log_book.log_levels)

    async def put_log_level(self, process: str, level: str | None) -> None:
        """See `LogBook`."""
        await self._change(lambda: log_book.put_log_level(process, level))
