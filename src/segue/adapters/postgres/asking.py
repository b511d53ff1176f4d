"""Asking the broker for tickets: the desks of a process, and what of each queue is on its way to them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from msgspec import Struct

from segue.adapters.postgres.desk import Desk, queue_name
from segue.adapters.postgres.messages import SharedMessages
from segue.adapters.postgres.parts import Parts
from segue.adapters.postgres.relay import Relay
from segue.adapters.postgres.tickets import PAGE, Row, TicketRows
from segue.adapters.sql.live import Held
from segue.ports.broker import Broker, Found

log = logging.getLogger(__name__)

_AHEAD = 20
_PATIENCE_S = 1.0
_TURN_S = 5.0


class BrokerSettings(Struct, frozen=True, kw_only=True):
    """`prefix`: what the names of queues begin with. `deliveries`: how often a ticket is given out before its message
    goes to trash. `suspect_s`: how long nobody here has the ticket of a message that is ready, until it is looked for;
    `answer_s`: how long the other processes have to say that it is theirs."""

    prefix: str = "segue"
    deliveries: int = 20
    suspect_s: float = 10.0
    answer_s: float = 2.0


class Asking(SharedMessages):
    """The part of a store with a broker that has tickets asked for, and knows which are to come."""

    def gather_with(self, parts: Parts, broker: Broker, settings: BrokerSettings, relay: Relay) -> None:
        """Take by the tickets of this broker."""
        self._relay = relay
        self._rows = TicketRows(parts.takers)
        self._broker = broker
        self._broker_settings = settings
        self._desks: dict[str, Desk] = {}
        self._desks_by_node: dict[tuple[int, str], Desk] = {}
        self._names: dict[int, tuple[str, int]] = {}
        self._fresh: dict[int, Held] = {}
        self._jobs: set[asyncio.Task[None]] = set()

    # -- what the whole store does ------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        raise NotImplementedError

    async def _publish(self, rows: Sequence[Row]) -> None:
        raise NotImplementedError

    # -- asking -------------------------------------------------------------------------------------------------------

    async def _attend(self, desk: Desk, limit: int) -> None:
        """Have enough tickets asked for. A queue that nobody had, or that is new, is filled from the rows."""
        wanted = _AHEAD if desk.shelf.ordered else len(desk.tickets) + limit
        if desk.prefetch >= wanted:
            return
        async with desk.turn:
            wanted = _AHEAD if desk.shelf.ordered else len(desk.tickets) + limit
            if desk.prefetch >= wanted:
                return
            async with self._alone() as alone:
                had = desk.prefetch > 0
                found = await self._ask(desk, wanted)
                desk.raised = had
                if not found.tickets and not found.consumers and (had or not desk.tickets):
                    await self._fill(desk, alone=alone)

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[bool]:
        """Nobody else here publishes meanwhile, unless the one who does so comes to no end: then it is false."""
        turn = self._relay.turn
        try:
            async with asyncio.timeout(_TURN_S):
                await turn.acquire()
        except TimeoutError:
            yield False
            return
        try:
            yield True
        finally:
            turn.release()

    async def _ask(self, desk: Desk, wanted: int) -> Found:
        """Ask for that many tickets or more; what was found before."""
        before = desk.prefetch
        desk.prefetch = max(wanted, 2 * before)
        try:
            single = bool(desk.shelf.ordered)
            found = await self._broker.consume(desk.name, desk.shelf.version, desk.prefetch, single=single)
        except BaseException:
            desk.prefetch = 0
            raise
        if not before:
            desk.coming = None
        return found

    async def _fill(self, desk: Desk, *, alone: bool) -> int:
        """Publish tickets for all that is ready in a queue and has none here, in line; how many. Those that are about
        to be published are left to who does so, unless `alone`."""
        after = count = 0
        while True:
            known = [*desk.tickets] if desk.shelf.ordered else [*self._known(desk.shelf), *desk.tickets]
            if not alone:
                known += self._relay.numbers()
            rows = await self._rows.in_queue(desk.shelf, after, known)
            if rows:
                await self._publish(rows)
                count += len(rows)
                after = rows[-1][0]
                if alone:
                    self._relay.drop({row[0] for row in rows})
            if len(rows) < PAGE:
                return count

    async def _wait(self, desk: Desk, give_up: float) -> bool:
        """Wait for a ticket, if one is on its way and nobody else may get it; whether to look again."""
        if self._parts.heart.others:
            desk.coming = None
            return False
        if desk.coming is None:
            await self._expect_all(desk)
            if len(desk.shelf):
                return True
        if len(desk.coming or ()) <= desk.waiting:
            return False
        desk.waiting += 1
        desk.news.clear()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await desk.news.wait()
        except TimeoutError:
            await self._expect_all(desk, again=True)
            desk.missed = True
            return self._loop.time() < give_up
        finally:
            desk.waiting -= 1
        return True

    async def _expect_all(self, desk: Desk, *, again: bool = False) -> None:
        """Find out of which messages tickets have to come."""
        async with desk.look:
            if desk.coming is not None and not again:
                return
            desk.begin_look()
            found: list[Row] = []
            try:
                known = list(desk.tickets) if desk.shelf.ordered else self._known(desk.shelf)
                found = await self._rows.in_queue(desk.shelf, 0, known)
            finally:
                desk.end_look({row[0] for row in found}, more=len(found) >= PAGE)

    # -- desks --------------------------------------------------------------------------------------------------------

    def _desk_of(self, version: int, node: str) -> Desk | None:
        return self._desks_by_node.get((version, node))

    def _will_hear(self, version: int, node: str) -> bool:
        """Whether the broker tells this process of what is ready there."""
        desk = self._desks_by_node.get((version, node))
        return desk is not None and desk.prefetch > 0 and not desk.shelf.ordered

    async def _make_desk(self, version: int, node: str) -> Desk | None:
        name = await self._name(version, node)
        if name is None:
            return None
        desk = self._desks.get(name)
        if desk is None:
            desk = self._desks[name] = self._desks_by_node[version, node] = Desk(name, self.shelf(version, node))
        return desk

    async def _name(self, version: int, node: str) -> str | None:
        """The name of a queue at the broker; None for a version that is not there."""
        known = self._names.get(version)
        if known is None:
            known = await self._rows.names(version)
            if known is None:
                return None
            self._names[version] = known
        return queue_name(self._broker_settings.prefix, version, *known, node)

    def _forget_desks(self, version: int) -> None:
        """A version has no messages any more."""
        for desk in self._desks.values():
            if desk.shelf.version == version:
                for delivery in desk.tickets.values():
                    self._broker.acknowledge(delivery)
                desk.tickets.clear()

    def _forget_names(self, version: int) -> None:
        """A version's queues are gone."""
        self._names.pop(version, None)
        for name, desk in list(self._desks.items()):
            if desk.shelf.version == version:
                desk.void()
                del self._desks[name]
                self._desks_by_node.pop((version, desk.shelf.node), None)
