"""Sends stored log lines to their destinations, each at its own pace, and lets go of old ones.

The store is the buffer: a line waits there, within the bound, until a destination takes it, and how far each has got
is stored as well. So the engine never waits for a destination, and nothing is forgotten by a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from msgspec.structs import replace

from segue.model.errors import SegueError
from segue.ports.log_book import LogBook, LogFilter, SinkPosition
from segue.ports.log_sinks import LogSink, SinkState, SinkTrouble
from segue.ports.outside import Clock

log = logging.getLogger(__name__)

_BATCH = 500
_TRIMMED_AT_ONCE = 2_000
_IDLE_S = 0.5
_TRIM_S = 15.0
_RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)


class Shipper:
    """Carries the lines for one destination."""

    def __init__(self, sink: LogSink, book: LogBook, clock: Clock) -> None:
        self.sink = sink
        self.held = 0
        self.trouble: str | None = None
        self.refusal: str | None = None
        self.since = clock.now()
        self._book = book
        self._clock = clock
        self._position: SinkPosition | None = None
        self._tries = 0

    async def run(self) -> None:
        """Send lines as they come, until cancelled."""
        while True:
            try:
                pause_s = 0.0 if await self.step() else _IDLE_S
            except (SinkTrouble, SegueError) as error:
                self._note(str(error))
                pause_s = _RETRY_S[min(self._tries, len(_RETRY_S) - 1)]
                self._tries += 1
            except Exception as error:  # a fault of ours; the other destinations go on
                log.exception("Sending log lines to %s failed", self.sink.name)
                self._note(f"{type(error).__name__}: {error}")
                pause_s = _RETRY_S[-1]
            await asyncio.sleep(pause_s)

    async def step(self) -> bool:
        """Send what waits, up to a batch; whether there was something. Raises SinkTrouble or StoreUnavailable."""
        position = await self.where()
        newest = await self._book.last_log()
        wanted = LogFilter(after=position.seq, levels=self.sink.levels, complete=True, limit=_BATCH)
        lines = await self._book.find_logs(wanted)
        if not lines:
            if newest > position.seq:  # none of them is for this destination
                await self._move(replace(position, seq=newest))
            return False
        self.held = lines[-1].seq
        sent = await self.sink.send(lines)
        if sent.refused:
            self.refusal = sent.reason
            log.warning("%s refused %d log lines: %s", self.sink.name, sent.refused, sent.reason)
        moved = replace(
            position, seq=self.held, sent=position.sent + sent.taken, refused=position.refused + sent.refused
        )
        await self._move(moved)
        self._note(None)
        self._tries = 0
        return True

    async def where(self) -> SinkPosition:
        """How far the destination has got; from the first call on the store waits for it."""
        if self._position is None:
            known = {position.name: position for position in await self._book.sink_positions()}
            found = known.get(self.sink.name)
            if found is None or found.levels != self.sink.levels:
                blank = SinkPosition(name=self.sink.name, levels=()) if found is None else found
                found = replace(blank, levels=self.sink.levels)
                await self._book.put_sink_position(found)
            self._position = found
        return self._position

    async def _move(self, position: SinkPosition) -> None:
        await self._book.put_sink_position(position)
        self._position = position

    def _note(self, trouble: str | None) -> None:
        if (trouble is None) is not (self.trouble is None):
            self.since = self._clock.now()
            if trouble is None:
                log.info("%s takes log lines again", self.sink.name)
            else:
                log.warning("No log lines can be sent to %s, they wait: %s", self.sink.name, trouble)
        self.trouble = trouble


class LogShipping:
    """All destinations, and the bound on what is kept: the newest `keep` lines."""

    def __init__(self, sinks: Sequence[LogSink], book: LogBook, clock: Clock, keep: int) -> None:
        self.shippers = [Shipper(sink, book, clock) for sink in sinks]
        self._book = book
        self._keep = keep

    async def run(self) -> None:
        """Send and trim until cancelled."""
        await self._begin()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._trim_for_ever())
                for shipper in self.shippers:
                    group.create_task(shipper.run())
        finally:
            for shipper in self.shippers:
                await shipper.sink.close()

    async def states(self) -> list[SinkState]:
        """What people see of each destination."""
        known = {position.name: position for position in await self._book.sink_positions()}
        found = []
        for shipper in self.shippers:
            sink = shipper.sink
            position = known.get(sink.name) or SinkPosition(name=sink.name, levels=sink.levels)
            found.append(
                SinkState(
                    name=sink.name,
                    kind=sink.kind,
                    address=sink.address,
                    levels=sink.levels,
                    link=sink.link,
                    status="ok" if shipper.trouble is None else "trouble",
                    since=shipper.since,
                    trouble=shipper.trouble,
                    refusal=shipper.refusal,
                    waiting=await self._book.count_logs(position.seq, sink.levels),
                    sent=position.sent,
                    refused=position.refused,
                    dropped=position.dropped,
                )
            )
        return found

    async def trim(self) -> None:
        """Let go of the lines beyond the bound, in bites; what is on its way to a destination stays till then."""
        while True:
            held = {shipper.sink.name: shipper.held for shipper in self.shippers}
            if await self._book.trim_logs(self._keep, _TRIMMED_AT_ONCE, held) < _TRIMMED_AT_ONCE:
                return

    async def _trim_for_ever(self) -> None:
        while True:
            try:
                await self.trim()
            except SegueError as error:
                log.warning("Old log lines stay for now: %s", error.detail)
            await asyncio.sleep(_TRIM_S)

    async def begin(self) -> None:
        """Wait for these destinations from now on and for no others. Raises StoreUnavailable."""
        names = {shipper.sink.name for shipper in self.shippers}
        for position in await self._book.sink_positions():
            if position.name not in names:
                await self._book.forget_sink(position.name)
        for shipper in self.shippers:
            await shipper.where()

    async def _begin(self) -> None:
        while True:
            try:
                await self.begin()
            except SegueError as error:
                log.warning("No log lines are sent yet: %s", error.detail)
                await asyncio.sleep(_RETRY_S[0])
            else:
                return
