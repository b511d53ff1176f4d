"""The store on PostgreSQL with a broker beside it, which says who may work on what.

The row stays the message and the account. For each message that is ready the broker has a ticket: published after the
commit that brought the message, acknowledged after the one that took it away. A ticket too many finds no message and
is dropped; one too few is found (`tickets.py`) and published again. So nothing is lost or counted twice whatever
happens to the broker; what can happen is that a worker is called again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.asking import BrokerSettings
from segue.adapters.postgres.claims import Claims
from segue.adapters.postgres.connect import Connection, Link
from segue.adapters.postgres.gathering import Gathering
from segue.adapters.postgres.lane import SharedReport
from segue.adapters.postgres.lost import ANSWERED, ASKED
from segue.adapters.postgres.parts import Parts
from segue.adapters.postgres.relay import Relay
from segue.adapters.postgres.schema import bring_up_to_date
from segue.adapters.postgres.settings import PostgresSettings, named
from segue.adapters.postgres.shelf import UNKNOWN, Shelf
from segue.adapters.postgres.store import PostgresStore, parts_of
from segue.adapters.postgres.tickets import Row
from segue.adapters.sql.live import Held
from segue.adapters.sql.operations import SettleOperation
from segue.model.errors import BacklogFull, BrokerUnavailable, SegueError, StoreUnavailable
from segue.model.message import Edited
from segue.model.start import Accepted, Start
from segue.model.versions import Version
from segue.ports.broker import Broker, Ticket
from segue.ports.outside import Clock, Secrets

log = logging.getLogger(__name__)

_RETRY_S = 5
_PUBLISH_S = 5.0
_FLUSH_S = 2.0


class _Lines(Claims):
    """An ordered queue is read whole: who holds a row is who published its ticket, and says nothing here."""

    anybodys = True


class BrokeredStore(Gathering, PostgresStore):
    """Implements `Store`."""

    def __init__(
        self, parts: Parts, link: Callable[[Mapping[str, str]], Link], broker: Broker, tickets: BrokerSettings
    ) -> None:
        PostgresStore.__init__(self, parts, link)
        self.gather_with(parts, broker, tickets, Relay(self._publish))
        parts.claims = _Lines(parts.takers)
        self._retired: set[int] = set()
        self._noted = 0
        self._doubt = False
        self._living: frozenset[int] = frozenset()
        self._sweeping: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    @classmethod
    async def open_with(
        cls,
        address: Address,
        broker: Broker,
        *,
        clock: Clock,
        secrets: Secrets,
        settings: PostgresSettings | None = None,
        tickets: BrokerSettings | None = None,
        connection_class: type[Connection] = Connection,
    ) -> BrokeredStore:
        """Open the store; a broker that cannot be reached is no reason not to. Raises as `PostgresStore.open`."""
        # One transaction at a time: what is confirmed is known by one number, up to which all is committed.
        settings = replace(named(settings or PostgresSettings()), writers=1)
        await bring_up_to_date(address, settings)
        parts = parts_of(address, clock, secrets, settings, connection_class)
        store = cls(
            parts,
            lambda session: Link(address, settings, connection_class, session),
            broker,
            tickets or BrokerSettings(),
        )
        try:
            await store.begin()
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def queues_to_remove(self) -> bool:
        """Whether queues of retired versions are still at the broker, for all that is known here."""
        return bool(self._retired)

    async def begin(self) -> None:
        """See `PostgresStore.begin`."""
        await super().begin()
        self._spawn(self._relay.run())
        await self._broker.start(self)
        self._retired.update(await self._rows.retired())
        self._sweep()

    async def close(self) -> None:
        """See `PostgresStore.close`. What could not be published is for whoever comes next."""
        await self._parts.writer.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_S):
                await self._relay.flush()
        await self.halt()
        await self._broker.close()
        with contextlib.suppress(StoreUnavailable):
            await self._note_confirmed()
        await super().close()

    async def halt(self) -> None:
        """End all tasks that work with the broker."""
        for task in list(self._jobs):
            task.cancel()
        if self._jobs:
            await asyncio.wait(self._jobs)

    async def accept(self, start: Start) -> Accepted:
        """See `MessageStore.accept`."""
        if reason := self._broker.blocked:
            raise BacklogFull(f"RabbitMQ takes no messages now ({reason})", retry_after=_RETRY_S)
        if self._relay.pending >= self._parts.settings.max_waiting:
            detail = f"{self._relay.pending} messages wait for RabbitMQ to take them, the most allowed"
            raise BacklogFull(detail, retry_after=_RETRY_S)
        return await super().accept(start)

    async def retire(self, process: str, number: int, discard: bool, at: int) -> Version:
        """See `ProcessCatalog.retire`. The version's queues at the broker go, and no others."""
        retired = await super().retire(process, number, discard, at)
        self._retired.add(retired.id)
        self._spawn(self._remove_queues())
        return retired

    # -- reports of the writer ----------------------------------------------------------------------------------------

    def keeps(self, held: Held) -> bool:
        """See `SharedMessages.keeps`: what is ready is this process' to publish."""
        return not held.due

    def let_go(self, kept: Iterable[Held]) -> None:
        """See `SharedMessages.let_go`. No place was kept for them."""

    def _report(self, report: SharedReport) -> None:
        super()._report(report)
        if any(isinstance(operation.error, StoreUnavailable) for operation in report.operations):
            self._doubt = True  # it may have been committed all the same

    def _rearrange(self, report: SharedReport) -> dict[tuple[int, str], None]:
        woken = super()._rearrange(report)
        for version, node, seq in report.departed:
            self._done(version, node, seq)
        for operation in report.operations:
            if isinstance(operation, SettleOperation) and operation.error is None:
                for transition, sure in zip(operation.transitions, operation.taken, strict=True):
                    message = transition.message
                    if sure and not isinstance(transition.effect, Edited):
                        self._done(message.version, message.node, message.seq)
        for held in report.arrived:
            if not held.due:
                self._keep_fresh(held)
                desk = self._desk_of(held.version, held.node)
                if desk is not None:
                    desk.expect(held.seq)
                self._relay.add(held.seq, held.id, held.version, held.node)
        return woken

    def _arrive(self, held: Held, report: SharedReport) -> None:
        shelf = self.shelf(held.version, held.node)
        shelf.queue = held.queue
        if shelf.ordered:
            super()._arrive(held, report)
        if held.due:
            shelf.note_due(held.due)

    def _hint(self, report: SharedReport) -> None:
        super()._hint(report)
        for held in report.arrived:
            if not held.due and not self._will_hear(held.version, held.node):
                self._parts.hints.give("ready", f"{held.version}:0:{held.node}")

    def _forget_version(self, version: int) -> None:
        super()._forget_version(version)
        self._forget_desks(version)

    def evicted(self) -> None:
        """See `SharedMessages.evicted`. Tickets are the broker's to give; leases are lost."""
        for shelf in self.shelves():
            if shelf.ordered:
                self._lost.update(seq for seq, held in self._taken.items() if held.queue == shelf.queue)
                shelf.clear()
                self.tell_ready(shelf.version, shelf.node)

    def hear(self, topic: str, texts: Sequence[str]) -> None:
        """See `PostgresStore.hear`."""
        if topic in {ASKED, ANSWERED}:
            self.hear_of_tickets(topic, texts)
        else:
            super().hear(topic, texts)

    def _say_what_is_taken(self) -> None:
        """Nobody stands by: the broker shares out what comes."""

    def look_again(self) -> None:
        """See `PostgresStore.look_again`."""
        super().look_again()
        self._sweep()

    # -- tickets that are missing -------------------------------------------------------------------------------------

    async def _publish(self, rows: Sequence[Row]) -> None:
        """Publish tickets for these messages. Raises BrokerUnavailable."""
        tickets = []
        for seq, key, version, node in rows:
            name = await self._name(version, node)
            if name is not None:
                tickets.append(Ticket(name, seq, key))
                desk = self._desks.get(name)
                if desk is not None:
                    desk.expect(seq)
        await self._broker.publish(tickets)

    async def _publish_soon(self, rows: Sequence[Row]) -> None:
        """The same while rows are locked, which must not last."""
        try:
            async with asyncio.timeout(_PUBLISH_S), self._relay.turn:
                await self._publish(rows)
        except TimeoutError:
            raise BrokerUnavailable("it does not confirm") from None

    def _sweep(self) -> None:
        """Look for messages without a ticket; once at a time, and again until it was done."""
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = self._spawn(self._sweep_until_done())

    async def _sweep_until_done(self) -> None:
        while True:
            try:
                found = await self._rows.sweep(self.holder, self._publish_soon)
                await self._rows.forget()
            except SegueError:
                await asyncio.sleep(1)
                continue
            if found:
                log.warning("%d messages had no ticket for sure and have one now", found)
            return

    async def _poll(self) -> None:
        """Besides what has fallen due: say how far confirms went, settle doubts, remove queues."""
        await super()._poll()
        await self._note_confirmed()
        if self._doubt:
            self._doubt = False
            for row in await self._rows.unsure(self.holder, self._relay.confirmed, self._have()):
                self._relay.add(*row)
        living = await self._rows.living()
        if self._living - living:
            self._sweep()  # whoever has left, in whatever way, may have left something unpublished
        self._living = living
        if self._looking is None or self._looking.done():
            self._looking = self._spawn(self.look_for_lost())
        await self._remove_queues()

    async def look(self, versions: Sequence[int], now: int) -> list[Shelf]:
        """See `SharedMessages.look`: the queues in which something has fallen due."""
        found = []
        for version, node in await self._rows.fallen_due(versions, now):
            shelf = self.shelf(version, node)
            shelf.due_at = UNKNOWN
            found.append(shelf)
        return found

    async def _note_confirmed(self) -> None:
        confirmed = self._relay.confirmed
        if confirmed > self._noted:
            await self._rows.confirm(self.holder, confirmed)
            self._noted = confirmed

    async def _remove_queues(self) -> None:
        """Remove the queues of retired versions."""
        while self._retired:
            version = next(iter(self._retired))
            names = [await self._name(version, node) for node in await self._rows.nodes(version)]
            try:
                await self._broker.remove([name for name in names if name is not None])
            except BrokerUnavailable:
                return
            self._retired.discard(version)
            self._forget_names(version)

    # -- tasks --------------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._jobs.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            level = logging.DEBUG if isinstance(error, SegueError) else logging.ERROR
            log.log(level, "Work with the broker failed", exc_info=error)
