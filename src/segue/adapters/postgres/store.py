"""The store on PostgreSQL put together: opening a database, living in it, and leaving it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import BigInteger, ColumnElement, Select, column, literal_column, select, table

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.auditing import prove
from segue.adapters.postgres.connect import BY_INDEX, Connection, Link, Pool
from segue.adapters.postgres.hints import READY, Hints
from segue.adapters.postgres.holders import Heart
from segue.adapters.postgres.locks import HORIZON, LINES_HORIZON
from segue.adapters.postgres.messages import SharedMessages
from segue.adapters.postgres.outcome import FORGET
from segue.adapters.postgres.parts import Parts
from segue.adapters.postgres.schema import bring_up_to_date, newest
from segue.adapters.postgres.scripted import PostgresScripts, read, read_once
from segue.adapters.postgres.settings import PostgresSettings, about, named
from segue.adapters.postgres.shelf import Shelf
from segue.adapters.postgres.standby import TOPIC, Standby
from segue.adapters.postgres.trouble import ERRORS
from segue.adapters.postgres.writer import Writer
from segue.adapters.sql import notices, views
from segue.adapters.sql.cluster import Now
from segue.adapters.sql.ports.bulk import Bulk
from segue.adapters.sql.ports.catalog import Catalog
from segue.adapters.sql.ports.cluster import Clustering
from segue.adapters.sql.ports.documents import Documents
from segue.adapters.sql.ports.figures import Figures
from segue.adapters.sql.ports.given_limits import GivenLimits
from segue.adapters.sql.ports.limits import Limits
from segue.adapters.sql.ports.log_book import KeptLogs
from segue.adapters.sql.ports.notices import Notices
from segue.adapters.sql.ports.retention import Pruning
from segue.adapters.sql.ports.views import StoredViews
from segue.model.errors import SegueError, StoreUnavailable
from segue.model.events import Event, EventKind
from segue.model.ledger import Audit
from segue.ports.limits import Ask, Ended
from segue.ports.log_book import LogFilter
from segue.ports.notices import Scan
from segue.ports.outside import Clock, Secrets
from segue.ports.views import StoredLog
from segue.tasks import end

log = logging.getLogger(__name__)

_LIVE = (
    "SELECT q.version, sum(m.n)::bigint FROM (SELECT queue, count(*) AS n FROM message WHERE place = 0 GROUP BY queue"
    " UNION ALL SELECT queue, count(*) FROM message WHERE place >= 2 GROUP BY queue) m JOIN queue q ON q.id = m.queue"
    " GROUP BY q.version"
)
_MOVING = "SELECT version, sum(count - moved)::bigint FROM spread WHERE released = 1 GROUP BY version"
_WAITING = (
    "SELECT q.version, q.node, q.id FROM queue q"
    " WHERE EXISTS (SELECT 1 FROM message m WHERE m.queue = q.id AND m.place = 0)"
)

_WATCHES = 50  # times as long as a look takes it is rested after it
_HEARTS = 10  # processes of which each may look as often as it likes
_WRITABLE = "SELECT pg_is_in_recovery()"
_NOW: ColumnElement[int] = literal_column("floor(extract(epoch from clock_timestamp()) * 1000)::bigint", BigInteger)
_HOLDERS: Select[Any] = select(column("id", BigInteger)).select_from(table("holder"))


def parts_of(
    address: Address,
    clock: Clock,
    secrets: Secrets,
    settings: PostgresSettings,
    connection_class: type[Connection],
) -> Parts:
    """What the parts of a store in this database share."""
    return Parts(
        readers=Pool(settings.readers, address, settings, connection_class),
        takers=Pool(settings.takers, address, settings, connection_class, BY_INDEX),
        settings=settings,
        clock=clock,
        secrets=secrets,
    )


class PostgresStore(
    SharedMessages,
    PostgresScripts,
    Catalog,
    Documents,
    Limits,
    GivenLimits,
    Bulk,
    StoredViews,
    Pruning,
    Notices,
    KeptLogs,
    Figures,
    Clustering,
):
    """Implements `Store` in a database that other processes use as well."""

    def __init__(self, parts: Parts, link: Callable[[Mapping[str, str]], Link]) -> None:
        parts.writer = Writer(
            [link(BY_INDEX) for _ in range(parts.settings.writers)],
            parts.settings,
            keeper=self.keeps,
            let_go=self.let_go,
            holder=lambda: parts.heart.id,
            evicted=self.look_after_self,
            doubt=lambda: parts.heart.doubt(),  # noqa: PLW0108 - there is none yet
            sparing=lambda: bool(parts.heart.others) and self._standby.full,
        )
        parts.heart = Heart(
            link({}),
            parts.settings,
            about(),
            newest(),
            on_evicted=self.evicted,
            on_freed=self.look_again,
            on_notice=lambda payload: parts.hints.take(payload),  # noqa: PLW0108 - there are none yet
        )
        parts.hints = Hints(parts.heart.notify, self._told, lambda: parts.heart.id, lambda: parts.heart.others)
        self._standby = Standby(
            parts.settings,
            mine=lambda: parts.heart.id,
            say=lambda text: parts.hints.give(TOPIC, text),
            left_lying=parts.claims.left_lying,
            take=self._take_part,
        )
        SharedMessages.__init__(self, parts)
        PostgresScripts.__init__(self, parts)
        self._caring: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._auditing = asyncio.Lock()

    async def audit(self, now: int) -> Audit:
        """See `Views`. One at a time, which is enough for the database."""
        async with self._auditing:
            return await prove(self._parts.readers.address, self._parts.settings, self._parts.readers.kind, now)

    @classmethod
    async def open(
        cls,
        address: Address,
        *,
        clock: Clock,
        secrets: Secrets,
        settings: PostgresSettings | None = None,
        connection_class: type[Connection] = Connection,
    ) -> PostgresStore:
        """Open the store in a database, whose schema is made when there is none and brought to this version's.

        Raises StoreUnavailable when it cannot be used, Invalid for an address that makes no sense.
        """
        settings = named(settings or PostgresSettings())
        await bring_up_to_date(address, settings)
        parts = parts_of(address, clock, secrets, settings, connection_class)
        store = cls(parts, lambda session: Link(address, settings, connection_class, session))
        try:
            await store.begin()
        except BaseException:
            await store.close()
            raise
        return store

    async def begin(self) -> None:
        """Become one of the processes that use the database, and see what is there."""
        parts = self._parts
        await parts.heart.start()
        async with parts.takers.connection() as connection:
            for version, node, queue in await connection.fetch(_WAITING):
                self.shelf(version, node).queue = queue
            for shelf in self.shelves():
                shelf.clear()
            parts.writer.live = dict(map(tuple, await connection.fetch(_LIVE)))
            for version, count in await connection.fetch(_MOVING):
                parts.writer.live[version] = parts.writer.live.get(version, 0) + count
            await connection.execute(FORGET)
        parts.writer.start()
        await self.spreads.take_over()
        self._caring = asyncio.get_running_loop().create_task(self._care())
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Finish what is pending, give back what this process holds, and leave."""
        parts = self._parts
        await end(self._caring, self._watching)
        await self.spreads.close()
        await parts.writer.finish()
        await parts.hints.close()
        await parts.heart.stop()
        await parts.takers.close()
        await parts.readers.close()

    async def ping(self) -> None:
        """See `Cluster`."""
        self._parts.writer.check_intake()
        async with self._parts.readers.connection() as connection:
            await connection.fetchval(_WRITABLE)

    async def last_event(self) -> int:
        """See `Cluster`: the newest one before which none can come any more."""
        async with self._parts.readers.connection() as connection:
            [[horizon]] = await connection.rows(HORIZON)
            newest = await connection.fetchval("SELECT coalesce(max(seq), 0) FROM event")
        return int(min(horizon or 0, newest))

    def _instant(self) -> Now:
        """What time it is by the clock of the database, which all processes share."""
        return _NOW if self._parts.settings.own_clock else self._clock.now()

    def _alive(self) -> Select[Any]:
        return _HOLDERS

    async def settle_slots(self, ended: Sequence[Ended], asks: Sequence[Ask]) -> list[int | None]:
        """See `SharedLimits`. The answer may have been long on its way, while others believed this process dead and
        gave its slots away: then nothing was granted."""
        heart, holder = self._parts.heart, self.holder
        answers = await super().settle_slots(ended, asks)
        if None in answers:
            if not heart.sure:
                await heart.confirm()
            if heart.id != holder:
                raise StoreUnavailable("others gave away what this process was granted, since it was not heard")
        return answers

    @property
    def holder(self) -> int:
        """The number under which this process holds messages; another one when others believed it dead."""
        return self._parts.heart.id

    # -- the other processes ------------------------------------------------------------------------------------------

    async def events(self, after: int, limit: int) -> list[Event]:
        """See `Views`. Ends before the first number that a transaction under way may still store, so that whoever goes
        on after the last one misses none."""
        async with self._parts.readers.connection() as connection:
            [[horizon]] = await connection.rows(HORIZON)
            if horizon <= after:
                return []
            found = await read_once(connection, lambda: views.events(after, limit))
        return [event for event in found if event.seq <= horizon]

    async def scan_events(self, after: int, kinds: Sequence[EventKind], limit: int) -> Scan:
        """See `NoticeCatalog`. Ends where `events` does."""
        async with self._parts.readers.connection() as connection:
            [[horizon]] = await connection.rows(HORIZON)
            return await read(connection, lambda: notices.scan_events(after, kinds, limit, horizon))

    async def find_logs(self, wanted: LogFilter) -> list[StoredLog]:
        """See `LogBook`."""
        if wanted.complete:
            async with self._parts.readers.connection() as connection:
                [[horizon]] = await connection.rows(LINES_HORIZON)
            before = horizon + 1 if wanted.before is None else min(wanted.before, horizon + 1)
            wanted = replace(wanted, before=before)
        return await super().find_logs(wanted)

    async def last_log(self) -> int:
        """See `LogBook`."""
        async with self._parts.readers.connection() as connection:
            [[horizon]] = await connection.rows(LINES_HORIZON)
        return min(int(horizon), await super().last_log())

    def look_after_self(self) -> None:
        """A transaction has found that this process is no holder any more."""
        asyncio.get_running_loop().create_task(self._confirm())

    async def _confirm(self) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self._parts.heart.confirm()

    def look_again(self) -> None:
        """Another process has died: what it held is free, and what it was moving goes on here."""
        asyncio.get_running_loop().create_task(self._take_over())
        self._standby.forget()
        for shelf in self.shelves():
            shelf.more = True
            self.tell_ready(shelf.version, shelf.node)

    async def _take_over(self) -> None:
        with contextlib.suppress(SegueError):
            await self.spreads.take_over()

    def _told(self, process: int, topic: str, texts: Sequence[str]) -> None:
        """Another process has told something. Hints may get lost; nothing may need one."""
        if topic == TOPIC:
            for text in texts:
                self._standby.hear(process, text, self._loop.time())
        else:
            self.hear(topic, texts)

    def hear(self, topic: str, texts: Sequence[str]) -> None:
        """Another process has told something about messages or events."""
        if topic in {"events", "instances"}:
            for hears_events in self._events:
                self._guarded(hears_events, ())
        for text in texts:
            if topic == "ready":
                version, due, node = text.split(":", 2)
                self._hear_ready(int(version), node, int(due))
            elif topic == "gone":
                version, seq, node = text.split(":", 2)
                self.shelf(int(version), node).remove(int(seq))
            elif topic == "discarded":
                self._forget_version(int(text))

    def _hear_ready(self, version: int, node: str, due: int) -> None:
        shelf = self.shelf(version, node)
        if due and not shelf.ordered:
            shelf.note_due(due)
            self.tell_ready(version, node)
        elif not self.leaves(shelf):
            self._take_part(shelf)

    def leaves(self, shelf: Shelf) -> bool:
        """See `SharedMessages.leaves`. Of a queue that nobody here has taken from it is not known yet."""
        return shelf.ordered is False and self._standby.stands_by(shelf, self._loop.time())

    def _take_part(self, shelf: Shelf) -> None:
        """There is something in a queue that nobody else is to take."""
        shelf.more = True
        self.tell_ready(shelf.version, shelf.node)

    # -- care ---------------------------------------------------------------------------------------------------------

    async def _care(self) -> None:
        """Look what is ready whatever hints came, give back what nobody asks for, count what lives."""
        loop = asyncio.get_running_loop()
        settings = self._parts.settings
        recount_at = loop.time() + settings.recount_s
        while True:
            await asyncio.sleep(settings.poll_s)
            try:
                await self._poll()
                if self._parts.heart.others:
                    await self._give_back_idle(loop.time() - settings.idle_s)
                    self._say_what_is_taken()
                if loop.time() >= recount_at:
                    began = loop.time()
                    await self._recount()
                    recount_at = loop.time() + max(settings.recount_s, 100 * (loop.time() - began))
            except (*ERRORS, StoreUnavailable) as error:
                log.debug("Nothing could be looked after: %s", error)
            except Exception:
                log.exception("Looking after the queues failed")

    async def _watch(self) -> None:
        """Hear what is ready as long as something here is not left to an older process; of the rest see what is left
        lying. It takes a small part of the time, however many queues there are, and of the database's, however many
        processes."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._look_around(began)
            except (*ERRORS, StoreUnavailable) as error:
                log.debug("Nothing could be looked for: %s", error)
            except Exception:
                log.exception("Looking for what is left lying failed")
            look_s = self._parts.settings.look_s * max(1, self._parts.heart.others / _HEARTS)
            await asyncio.sleep(max(look_s, _WATCHES * (loop.time() - began)))

    async def _look_around(self, now: float) -> None:
        taken = self._taken_from()
        await self._standby.look((shelf for shelf in taken if not shelf.ordered), now)
        takes = any(not self.leaves(shelf) for shelf in taken)
        self._parts.heart.tune(READY, wanted=takes)
        if await self._parts.heart.listen() and takes:
            await self._find_ready()  # nobody has told what came before

    async def _poll(self) -> None:
        await self._find_ready()

    async def _find_ready(self) -> None:
        """Look into the queues, and say in which there is something to take here."""
        versions = list({shelf.version for shelf in self._taken_from()})
        if not versions:
            return
        for shelf in await self.look(versions, self._parts.clock.now()):
            if shelf.ordered is not None:
                self.tell_ready(shelf.version, shelf.node)

    def _taken_from(self) -> list[Shelf]:
        """The queues that somebody here takes messages from."""
        return [shelf for shelf in self.shelves() if shelf.ordered is not None]

    def _say_what_is_taken(self) -> None:
        self._standby.tell(self._taken_from(), self._loop.time())

    async def _give_back_idle(self, before: float) -> None:
        """Let others have what nobody here has asked for since then."""
        for shelf in self.shelves():
            if shelf.asked >= before or not (len(shelf) or shelf.leased) or self.busy(shelf):
                continue
            seqs, leased = [held.seq for held in shelf], shelf.leased
            shelf.clear()
            if leased:
                await self._parts.claims.unlease(shelf, self.holder)
            if seqs:
                await self._parts.claims.give_back(seqs, self.holder)
            self._parts.hints.give("ready", f"{shelf.version}:0:{shelf.node}")

    async def _recount(self) -> None:
        async with self._parts.takers.connection() as connection:
            self._parts.writer.live = dict(map(tuple, await connection.fetch(_LIVE)))
