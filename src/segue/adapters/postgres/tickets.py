"""Statements about which messages have a ticket with the broker.

A row names who is to publish its ticket (`holder`); who has died has said in `relay` up to which number its tickets are
confirmed. What was delayed has no ticket: who sees it fall due takes it, and the row names who has it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from segue.adapters.postgres.claims import CLAIM_DUE, LIVING, NEXT_DUE, QUEUE
from segue.adapters.postgres.connect import Connection, Pool
from segue.adapters.postgres.shelf import Shelf
from segue.adapters.sql.live import LIVE_COLUMNS, LIVE_FROM, Held, held_of

Row = tuple[int, str, int, str]
"""A message without a ticket: its number and id, and its version and node."""
Publish = Callable[[Sequence[Row]], Awaitable[None]]

PAGE = 500
_NOT_CONFIRMED = "NOT EXISTS (SELECT 1 FROM relay r WHERE r.holder = m.holder AND m.seq <= r.confirmed)"
_ROW = "m.seq, m.id, q.version, q.node"
_LOCK = "FOR UPDATE OF m SKIP LOCKED"
_FREE = (
    f"SELECT {_ROW} FROM message m JOIN queue q ON q.id = m.queue WHERE m.place = 0 AND m.due = 0 AND m.seq > $1"  # noqa: S608
    f" AND m.holder <> ALL({LIVING}) AND {_NOT_CONFIRMED} ORDER BY m.seq LIMIT {PAGE} {_LOCK}"
)
_MINE = "UPDATE message SET holder = $2 WHERE seq = ANY($1::bigint[])"
_FREE_DUE = (
    "UPDATE message SET holder = 0 WHERE queue = $1 AND place = 0 AND due > 0 AND holder = $2"
    " AND seq <> ALL($3::bigint[])"
)
_UNSURE = (
    f"SELECT {_ROW} FROM message m JOIN queue q ON q.id = m.queue WHERE m.place = 0 AND m.due = 0 AND m.holder = $1"  # noqa: S608
    f" AND m.seq > $2 AND m.seq <> ALL($3::bigint[]) ORDER BY m.seq LIMIT {PAGE}"
)
_IN_QUEUE = (
    f"SELECT {_ROW} FROM message m JOIN queue q ON q.id = m.queue WHERE q.version = $1 AND q.node = $2 AND m.place = 0"  # noqa: S608
    f" AND m.due = 0 AND m.seq > $3 AND m.seq <> ALL($4::bigint[]) ORDER BY m.seq LIMIT {PAGE}"
)
_READ = f"SELECT {LIVE_COLUMNS} FROM {LIVE_FROM} WHERE m.seq = ANY($1::bigint[]) AND m.place = 0"  # noqa: S608
_FALLEN_DUE = (
    "SELECT q.version, q.node FROM queue q WHERE q.version = ANY($1::bigint[]) AND EXISTS (SELECT 1 FROM message m"  # noqa: S608
    f" WHERE m.queue = q.id AND m.place = 0 AND m.due > 0 AND m.due <= $2 AND m.holder <> ALL({LIVING}))"
)
_READY = (
    "SELECT q.node FROM queue q WHERE q.version = $1 AND (EXISTS (SELECT 1 FROM message m WHERE m.queue = q.id"
    " AND m.place = 0 AND m.due = 0 AND m.seq <> ALL($3::bigint[])) OR EXISTS (SELECT 1 FROM message m"
    " WHERE m.queue = q.id AND m.place = 0 AND m.due > 0 AND m.due <= $2 AND m.seq <> ALL($3::bigint[])))"
)
_CONFIRM = (
    "INSERT INTO relay AS r (holder, confirmed) VALUES ($1, $2) ON CONFLICT (holder) DO UPDATE"
    " SET confirmed = greatest(r.confirmed, excluded.confirmed)"
)
_FORGET = (
    f"DELETE FROM relay r WHERE r.holder <> ALL({LIVING})"  # noqa: S608
    " AND NOT EXISTS (SELECT 1 FROM message m WHERE m.place = 0 AND m.holder = r.holder)"
)
_NAMES = "SELECT p.name, v.number FROM version v JOIN process p ON p.id = v.process WHERE v.id = $1"
_NODES = "SELECT node FROM queue WHERE version = $1"
_RETIRED = "SELECT id FROM version WHERE state = 'retired'"


class TicketRows:
    """Each a transaction of its own. All raise StoreUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def sweep(self, holder: int, publish: Publish) -> int:
        """Publish tickets for all that are ready and may have none; how many. What `publish` raises leaves those
        of the page for the next time."""
        count, after = 0, 0
        while True:
            async with self._pool.connection() as connection, connection.transaction():
                rows = await self._published(connection, publish, holder, _FREE, after)
            count += len(rows)
            if not rows:
                return count
            after = rows[-1][0]

    async def claim_due(self, shelf: Shelf, holder: int, limit: int, now: int, known: Sequence[int]) -> list[Held]:
        """Take up to `limit` messages that have fallen due and that nobody holds; the shelf learns what falls due next.
        `known` are in this process' hands; what else it holds for its rows was lost with an answer."""
        async with self._pool.connection() as connection:
            if not await self._know_queue(connection, shelf):
                return []
            if shelf.doubtful:
                await connection.rows(_FREE_DUE, shelf.queue, holder, known)
            shelf.doubtful = True
            rows = await connection.rows(CLAIM_DUE, shelf.queue, holder, limit, now)
            shelf.doubtful = False
            [[due]] = await connection.rows(NEXT_DUE, shelf.queue, now)
            shelf.due_at = now if len(rows) >= limit else due
        return [held_of(tuple(row), now) for row in rows]

    async def next_due(self, shelf: Shelf, now: int) -> int | None:
        """When the next message of a queue falls due after now."""
        async with self._pool.connection() as connection:
            if not await self._know_queue(connection, shelf):
                return None
            [[due]] = await connection.rows(NEXT_DUE, shelf.queue, now)
        return None if due is None else int(due)

    @staticmethod
    async def _know_queue(connection: Connection, shelf: Shelf) -> bool:
        if not shelf.queue:
            found = await connection.rows(QUEUE, shelf.version, shelf.node)
            if not found:
                shelf.due_at = None
                return False
            shelf.queue = found[0][0]
        return True

    @staticmethod
    async def _published(
        connection: Connection, publish: Publish, holder: int, text: str, *values: object
    ) -> list[Row]:
        rows: list[Row] = [tuple(row) for row in await connection.rows(text, *values)]
        if rows:
            await publish(rows)
            await connection.rows(_MINE, [row[0] for row in rows], holder)
        return rows

    async def unsure(self, holder: int, after: int, known: Sequence[int]) -> list[Row]:
        """What is ready under this process' number past what was confirmed, and is not `known` here."""
        return await self._rows(_UNSURE, holder, after, known)

    async def in_queue(self, shelf: Shelf, after: int, known: Sequence[int]) -> list[Row]:
        """What is ready in a queue, a page of it, but for what is `known`."""
        return await self._rows(_IN_QUEUE, shelf.version, shelf.node, after, known)

    async def read(self, numbers: Sequence[int], now: int) -> list[Held]:
        """The messages with these numbers that are in a queue."""
        async with self._pool.connection() as connection:
            rows = await connection.rows(_READ, numbers)
        return [held_of(tuple(row), now) for row in rows]

    async def fallen_due(self, versions: Sequence[int], now: int) -> list[tuple[int, str]]:
        """The queues of versions in which something has fallen due and has no ticket."""
        async with self._pool.connection() as connection:
            return [tuple(row) for row in await connection.rows(_FALLEN_DUE, versions, now)]

    async def ready(self, version: int, now: int, known: Sequence[int]) -> list[str]:
        """The nodes of a version before which something is ready, but for what is `known`."""
        async with self._pool.connection() as connection:
            return [row[0] for row in await connection.rows(_READY, version, now, known)]

    async def confirm(self, holder: int, number: int) -> None:
        """Note that all that this holder published, up to this number, is confirmed."""
        async with self._pool.connection() as connection:
            await connection.rows(_CONFIRM, holder, number)

    async def living(self) -> frozenset[int]:
        """The processes that live, for all that the others know."""
        async with self._pool.connection() as connection:
            return frozenset(row[0] for row in await connection.rows("SELECT id FROM holder"))

    async def forget(self) -> None:
        """Forget what is noted of the dead, once nothing of theirs is in a queue."""
        async with self._pool.connection() as connection:
            await connection.rows(_FORGET)

    async def names(self, version: int) -> tuple[str, int] | None:
        """The process and the number of a version, if it is there."""
        async with self._pool.connection() as connection:
            rows = await connection.rows(_NAMES, version)
        return (rows[0][0], rows[0][1]) if rows else None

    async def nodes(self, version: int) -> list[str]:
        """The nodes of a version that ever had a message."""
        async with self._pool.connection() as connection:
            return [row[0] for row in await connection.rows(_NODES, version)]

    async def retired(self) -> list[int]:
        """All retired versions."""
        async with self._pool.connection() as connection:
            return [row[0] for row in await connection.rows(_RETIRED)]

    async def _rows(self, text: str, *values: object) -> list[Row]:
        async with self._pool.connection() as connection:
            return [tuple(row) for row in await connection.rows(text, *values)]
