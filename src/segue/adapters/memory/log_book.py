"""The log book in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from segue.adapters.memory.state import State
from segue.model.errors import ProcessNotFound
from segue.ports.log_book import LogFilter, SinkPosition
from segue.ports.views import StoredLog


class MemoryLogBook:
    """Implements `LogBook`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def find_logs(self, wanted: LogFilter) -> list[StoredLog]:
        """See `LogBook`."""
        found = [line for line in self._state.logs if _fits(line, wanted)]
        return (found[::-1] if wanted.newest else found)[: wanted.limit]

    async def last_log(self) -> int:
        """See `LogBook`."""
        return self._state.logs[-1].seq if self._state.logs else 0

    async def count_logs(self, after: int, levels: Sequence[str]) -> int:
        """See `LogBook`."""
        return sum(line.seq > after and line.level in levels for line in self._state.logs)

    async def sink_positions(self) -> list[SinkPosition]:
        """See `LogBook`."""
        return sorted(self._state.sinks.values(), key=lambda position: position.name)

    async def put_sink_position(self, position: SinkPosition) -> None:
        """See `LogBook`."""
        self._state.check()
        known = self._state.sinks.get(position.name)
        self._state.sinks[position.name] = position if known is None else replace(position, dropped=known.dropped)

    async def forget_sink(self, name: str) -> None:
        """See `LogBook`."""
        self._state.check()
        self._state.sinks.pop(name, None)

    async def trim_logs(self, keep: int, limit: int, held: Mapping[str, int]) -> int:
        """See `LogBook`."""
        self._state.check()
        cut = await self.last_log() - keep
        kept = [(sink, held.get(name, 0)) for name, sink in self._state.sinks.items()]
        old = [
            line
            for line in self._state.logs
            if line.seq <= cut
            and not any(sink.seq < line.seq <= until and line.level in sink.levels for sink, until in kept)
        ][:limit]
        self._state.drop_logs(old)
        return len(old)

    async def log_levels(self) -> dict[str, str]:
        """See `LogBook`."""
        return dict(self._state.log_levels)

    async def put_log_level(self, process: str, level: str | None) -> None:
        """See `LogBook`."""
        self._state.check()
        if process not in self._state.processes:
            raise ProcessNotFound(f"no process is named {process!r}")
        self._state.log_levels.pop(process, None)
        if level is not None:
            self._state.log_levels[process] = level


def _fits(line: StoredLog, wanted: LogFilter) -> bool:
    text = line.text.lower()
    return (
        line.seq > wanted.after
        and (wanted.before is None or line.seq < wanted.before)
        and (wanted.levels is None or line.level in wanted.levels)
        and all(word.lower() in text for word in wanted.words)
        and (wanted.since is None or line.at >= wanted.since)
        and (wanted.until is None or line.at < wanted.until)
        and wanted.process in {None, line.process}
        and wanted.version in {None, line.version}
        and wanted.node in {None, line.node}
        and wanted.instance in {None, line.instance}
        and wanted.message in {None, line.message}
    )
