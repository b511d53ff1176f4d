"""Which processes hold messages, and that they live: the heart of each beats, and watches the others.

A process that opened the store is a holder, a row in a table. Its heart moves the row's `beat` every so often, over a
connection of its own on which it also keeps a lock, which is gone as soon as the connection is. Everybody watches the
others by a clock of their own: no clocks of different hosts are compared, and after the database was away all have time
to be heard again. Who is found dead loses its row; what it held is free then, since only the living hold anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

import asyncpg

from segue.adapters.postgres.connect import Connection, Link
from segue.adapters.postgres.hints import CHANNEL
from segue.adapters.postgres.locks import HOLDERS, HOLDERS_CLASS, WORK
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.trouble import ERRORS, unavailable
from segue.adapters.sql.revisions import FACT
from segue.model.errors import StoreUnavailable
from segue.tasks import end

log = logging.getLogger(__name__)

_ENTER = "INSERT INTO holder (id, beat, about, revision) VALUES (nextval('holder_number'), 0, $1, $2) RETURNING id"
_OLDEST = f"SELECT value FROM fact WHERE name = '{FACT}'"  # noqa: S608 - a name
_LOCK = f"SELECT pg_advisory_lock({HOLDERS} + $1::bigint)"
_BEAT = "UPDATE holder SET beat = beat + 1 WHERE id = $1 RETURNING beat"
_ITS_LOCK = (
    " FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1"  # noqa: S608 - numbers of ours
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    f" AND l.classid::bigint = {HOLDERS_CLASS} + (h.id >> 32) AND l.objid::bigint = (h.id & 4294967295) AND l.granted"
)
_OTHERS = f"SELECT h.id, h.beat, EXISTS (SELECT 1{_ITS_LOCK}) FROM holder h WHERE h.id <> $1"  # noqa: S608
# The name of the connection that has the lock is that of all its process has, and of no others.
_END_ITS = (
    "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a JOIN pg_stat_activity b"  # noqa: S608
    " ON b.application_name = a.application_name JOIN holder h ON h.id = $1 AND h.beat = $2"
    f" WHERE a.pid <> pg_backend_pid() AND a.application_name LIKE 'segue %' AND b.pid IN (SELECT l.pid{_ITS_LOCK})"
)
_ALONE = f"SELECT pg_advisory_xact_lock({WORK})"
_BURY = "DELETE FROM holder WHERE id = $1 AND beat = $2"
_LEAVE = "DELETE FROM holder WHERE id = $1"
# Code from before there was a column for it says nothing.
_OLD_CODE = (
    "SELECT about FROM holder h WHERE id = ANY($1::bigint[]) AND coalesce(to_jsonb(h) ->> 'revision', '') < $2::text"
)
_FORGET_LEASES = "DELETE FROM queue_lease WHERE holder NOT IN (SELECT id FROM holder)"

Listener = Callable[[], None]


async def living(connection: Connection) -> list[str]:
    """What the processes that hold a lock of theirs say of themselves: those that use the database now."""
    alive = [row[0] for row in await connection.fetch(_OTHERS, 0) if row[2]]
    return [row[0] for row in await connection.fetch("SELECT about FROM holder WHERE id = ANY($1::bigint[])", alive)]


async def older_than(connection: Connection, oldest: str) -> list[str]:
    """What the processes say of themselves that use the database now with code from before this revision."""
    alive = [row[0] for row in await connection.fetch(_OTHERS, 0) if row[2]]
    return [row[0] for row in await connection.fetch(_OLD_CODE, alive, oldest)]


class _Seen:
    """When another holder was heard last: its beat, and the instant by our clock."""

    __slots__ = ("at", "beat")

    def __init__(self, beat: int, at: float) -> None:
        self.beat = beat
        self.at = at


class Heart:
    """This process as a holder. `id` changes when others believed it dead; `others` is how many live besides.

    `on_evicted` is called when that happened: nothing that was held is ours any more. `on_freed` is called when another
    one was found dead, `on_notice` with each notice that comes over the connection.
    """

    def __init__(
        self,
        link: Link,
        settings: PostgresSettings,
        about: str,
        revision: str,
        *,
        on_evicted: Listener,
        on_freed: Listener,
        on_notice: Callable[[str], None],
    ) -> None:
        self.id = 0
        self.others = 0
        self._link = link
        self._settings = settings
        self._about = about
        self._revision = revision
        self._on_evicted = on_evicted
        self._on_freed = on_freed
        self._on_notice = on_notice
        self._seen: dict[int, _Seen] = {}
        self._connection: Connection | None = None
        self._heard = 0.0
        self._doubted = False
        self._channels = {CHANNEL}
        self._tuned: set[str] = set()
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Become a holder. Raises StoreUnavailable."""
        try:
            await self.beat()
        except ERRORS as error:
            raise unavailable(error, self._link.address) from error
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def sure(self) -> bool:
        """Whether the others cannot believe this process dead."""
        return asyncio.get_running_loop().time() - self._heard < self._settings.fence_s

    async def confirm(self) -> None:
        """Wait until this process was heard: only then does it know what it holds. Raises StoreUnavailable."""
        try:
            await self.beat()
        except ERRORS as error:
            raise unavailable(error, self._link.address) from error

    def doubt(self) -> None:
        """Nobody knows any more what this process holds: by the next beat it gives up all of it, and begins anew as
        another holder, as if others had believed it dead."""
        self._doubted = True

    async def notify(self, channel: str, payload: str) -> None:
        """Tell something to all processes that listen to a channel; it may get lost."""
        with contextlib.suppress(*ERRORS, StoreUnavailable):
            async with self._turn:
                connection = await self._link.get()
                await connection.execute("SELECT pg_notify($1, $2)", channel, payload)

    def tune(self, channel: str, *, wanted: bool) -> None:
        """Say whether this process is to hear what is told on a channel, besides the one that all hear. `listen` makes
        it so, and every new connection does."""
        (self._channels.add if wanted else self._channels.discard)(channel)

    async def listen(self) -> bool:
        """Hear from now on what is wanted; whether there is more to hear than before. What cannot be done now is done
        the next time."""
        wanted, before = set(self._channels), self._tuned
        if wanted == before:
            return False
        with contextlib.suppress(*ERRORS, StoreUnavailable):
            async with self._turn:
                connection = await self._link.get()
                if connection is self._connection:
                    await self._listen(connection, wanted)
                    return not wanted <= before
        return False

    async def _listen(self, connection: Connection, wanted: set[str]) -> None:
        for channel in sorted(wanted - self._tuned):
            await connection.add_listener(channel, self._hear)
        for channel in sorted(self._tuned - wanted):
            await connection.remove_listener(channel, self._hear)
        self._tuned = wanted

    async def stop(self) -> None:
        """Be no holder any more: what this process has taken is free for the others."""
        await end(self._task)
        with contextlib.suppress(*ERRORS, StoreUnavailable):
            connection = await self._link.get()
            await connection.execute(_LEAVE, self.id)
        await self._link.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.beat_s)
            try:
                await self.beat()
            except (*ERRORS, StoreUnavailable) as error:
                log.debug("No beat: %s", error)
            except Exception:
                log.exception("The heart of the store missed a beat")

    async def beat(self) -> None:
        """Say that this process lives, and look after the others. Raises StoreUnavailable and what asyncpg does."""
        async with self._turn:
            try:
                await self._beat()
            except ERRORS:
                self._link.drop()
                raise

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        connection = await self._link.get()
        if connection is not self._connection:
            await self._arrive(connection)
        began = loop.time()
        if self._doubted:
            await self._give_up(connection)
        if not await connection.rows(_BEAT, self.id):
            await self._enter(connection)
        self._heard = began
        for dead, beat in self._silent(await connection.rows(_OTHERS, self.id), loop.time()):
            await self._bury(connection, dead, beat)

    async def _arrive(self, connection: Connection) -> None:
        """Use a new connection. Silence before it is nobody's: the database may have been away for all."""
        self._seen.clear()
        await connection.execute("SET synchronous_commit = off")
        self._tuned = set()
        await self._listen(connection, set(self._channels))
        if self.id:
            await connection.execute(_LOCK, self.id)
        else:
            await self._enter(connection)
        self._connection = connection

    async def _enter(self, connection: Connection) -> None:
        """Become a holder with a new number; nobody commits meanwhile, so everybody knows of it from then on.

        Raises StoreUnavailable when the schema was brought to where this code cannot follow.
        """
        evicted = self.id != 0
        async with connection.transaction():
            # A number that is forgotten in a crash would be given to another one while this one still uses it.
            await connection.execute("SET LOCAL synchronous_commit = on")
            await connection.execute(_ALONE)
            oldest = await connection.fetchval(_OLDEST)
            if oldest is not None and oldest > self._revision:
                text = f"{self._link.address.shown} needs code that knows schema {oldest}, and this knows"
                raise StoreUnavailable(f"{text} {self._revision}: start a newer Segue")
            number = await connection.fetchval(_ENTER, self._about, self._revision)
        await connection.execute(_LOCK, number)
        self.id = number
        if evicted:
            log.warning("What this process held is free: it was not heard for too long, or lost sight of it")
            self._on_evicted()

    def _silent(self, rows: list[Any], now: float) -> list[tuple[int, int]]:
        """Note what is heard of the others; those that are dead, with the beat that was their last."""
        dead = []
        seen: dict[int, _Seen] = {}
        for key, beat, connected in rows:
            known = self._seen.get(key)
            if known is None or known.beat != beat:
                known = _Seen(beat, now)
            seen[key] = known
            bound = self._settings.silent_s if connected else self._settings.gone_s
            if now - known.at >= bound:
                dead.append((key, beat))
        self._seen = seen
        self.others = len(rows) - len(dead)
        return dead

    async def _give_up(self, connection: Connection) -> None:
        """Free all that this process holds. Nobody commits while its row goes."""
        async with connection.transaction():
            await connection.execute(_ALONE)
            await connection.execute(_LEAVE, self.id)
            await connection.execute(_FORGET_LEASES)
        self._doubted = False

    async def _bury(self, connection: Connection, dead: int, beat: int) -> None:
        """Free what a dead one held, unless it was heard meanwhile. Nobody commits while its row goes.

        What it left open is ended first: the database may not know yet that its host is gone, and all would wait with
        us for its locks.
        """
        with contextlib.suppress(asyncpg.InsufficientPrivilegeError):  # it is another user's, and ends by itself
            await connection.execute(_END_ITS, dead, beat)
        async with connection.transaction():
            await connection.execute(_ALONE)
            gone = await connection.execute(_BURY, dead, beat)
            await connection.execute(_FORGET_LEASES)
        if gone.endswith(" 1"):
            log.warning("Process %d is gone; what it had taken is free again", dead)
            self._seen.pop(dead, None)
            self._on_freed()

    def _hear(self, _connection: object, _sender: object, _channel: object, payload: object) -> None:
        self._on_notice(str(payload))
