"""Taking messages out of the database's queues into this process' hands, and giving them back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from segue.adapters.postgres.connect import Connection, Pool
from segue.adapters.postgres.shelf import Shelf
from segue.adapters.postgres.standby import Lying
from segue.adapters.sql.live import LIVE_COLUMNS, LIVE_FROM, Held, held_of

QUEUE = "SELECT id FROM queue WHERE version = $1 AND node = $2"
# Whoever holds a message and lives. The row of the taker is locked so that nobody buries it meanwhile.
LIVING = "ARRAY(SELECT id FROM holder)"
_SELF = "me AS MATERIALIZED (SELECT id FROM holder WHERE id = $2 FOR KEY SHARE)"
_FREE = f"place = 0 AND holder <> ALL({LIVING})"
_READY = (
    f"ready AS MATERIALIZED (SELECT seq FROM message WHERE queue = $1 AND {_FREE} AND due = 0 ORDER BY seq LIMIT $3"  # noqa: S608
    " FOR UPDATE SKIP LOCKED)"
)
_DUE = (
    f"due AS MATERIALIZED (SELECT seq FROM message WHERE queue = $1 AND {_FREE} AND due > 0 AND due <= $4"  # noqa: S608
    " ORDER BY due, seq LIMIT $3 FOR UPDATE SKIP LOCKED)"
)
_CLAIMED = "claimed AS (UPDATE message SET holder = $2 WHERE seq IN ({}) AND EXISTS (SELECT 1 FROM me) RETURNING *)"
_RESULT = f"SELECT {LIVE_COLUMNS} FROM {LIVE_FROM.replace('message m', 'claimed m')} ORDER BY m.seq"  # noqa: S608
CLAIM_READY = f"WITH {_SELF}, {_READY}, {_CLAIMED.format('SELECT seq FROM ready')} {_RESULT}"  # noqa: S608
CLAIM_DUE = f"WITH {_SELF}, {_DUE}, {_CLAIMED.format('SELECT seq FROM due')} {_RESULT}"  # noqa: S608
CLAIM_BOTH = (
    f"WITH {_SELF}, {_READY}, {_DUE}, {_CLAIMED.format('SELECT seq FROM ready UNION ALL SELECT seq FROM due')}"  # noqa: S608
    f" {_RESULT}"
)
NEXT_DUE = "SELECT min(due) FROM message WHERE queue = $1 AND place = 0 AND due > $2"

LYING = (
    "SELECT (SELECT last_value FROM message_number), array_agg(l.version), array_agg(l.node) FROM (SELECT q.version,"  # noqa: S608
    " q.node FROM queue q WHERE q.version = ANY($1::bigint[]) AND EXISTS (SELECT 1 FROM message WHERE queue = q.id"
    f" AND {_FREE} AND due = 0 AND seq <= $2)) l"
)

_LEASE = (
    "WITH me AS MATERIALIZED (SELECT id FROM holder WHERE id = $2 FOR KEY SHARE)"  # noqa: S608
    " INSERT INTO queue_lease AS l (queue, holder) SELECT $1, id FROM me ON CONFLICT (queue) DO UPDATE"
    f" SET holder = excluded.holder WHERE l.holder <> ALL({LIVING}) OR l.holder = $2 RETURNING holder"
)
_UNLEASE = "DELETE FROM queue_lease WHERE queue = $1 AND holder = $2"
_PART = (
    "(SELECT seq FROM message WHERE queue = $1 AND place = 0 AND due {} 0 AND seq <> ALL($3::bigint[])"
    " ORDER BY seq LIMIT $4)"
)
_LINE = (
    f"WITH line AS MATERIALIZED (SELECT seq FROM ({_PART.format('=')} UNION ALL {_PART.format('>')}) parts ORDER BY seq"  # noqa: S608
    f" LIMIT $4) SELECT {LIVE_COLUMNS}, m.holder <> $2 AND m.holder = ANY({LIVING}) FROM line l"
    f" JOIN {LIVE_FROM.replace('message m', 'message m ON m.seq = l.seq')} ORDER BY m.seq"
)
_GIVE_BACK = "UPDATE message SET holder = 0 WHERE seq = ANY($1::bigint[]) AND holder = $2 AND place = 0"


class Claims:
    """Statements of the queues, each a transaction of its own. `anybodys`: whoever has the lease of an ordered queue
    may read all of it, whatever its rows say about holders."""

    anybodys = False

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, shelf: Shelf, holder: int, limit: int, now: int) -> list[Held]:
        """Take up to `limit` ready messages that nobody holds, oldest first, also those that have just fallen due; the
        shelf learns whether there may be more, and what falls due next. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            if not await self._know_queue(connection, shelf):
                return []
            falls_due = shelf.falls_due(now)
            if falls_due:
                rows = await connection.rows(CLAIM_BOTH, shelf.queue, holder, limit, now)
                [[due]] = await connection.rows(NEXT_DUE, shelf.queue, now)
                # More than were asked for may have fallen due together: they are looked for again.
                shelf.due_at = now if len(rows) >= limit else due
            else:
                rows = await connection.rows(CLAIM_READY, shelf.queue, holder, limit)
            shelf.more = len(rows) >= limit
            return [held_of(tuple(row), now) for row in rows]

    async def left_lying(self, versions: Collection[int], mark: int) -> Lying:
        """What lies ready in the queues of these versions, nobody's and no newer than a mark. Raises
        StoreUnavailable."""
        async with self._pool.connection() as connection:
            [[newest, found, nodes]] = await connection.rows(LYING, list(versions), mark)
        return Lying(newest, tuple(zip(found or (), nodes or (), strict=True)))

    async def lease(self, shelf: Shelf, holder: int) -> bool:
        """Make an ordered queue this process' own, if it is no living one's; whether it is. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            if not await self._know_queue(connection, shelf):
                return False
            return bool(await connection.rows(_LEASE, shelf.queue, holder))

    async def unlease(self, shelf: Shelf, holder: int) -> None:
        """Let others have an ordered queue. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            await connection.rows(_UNLEASE, shelf.queue, holder)

    async def line(self, shelf: Shelf, holder: int, limit: int, now: int, known: Sequence[int]) -> list[Held]:
        """Read on in an ordered queue: up to `limit` messages that are not `known`, due or not, up to the first one
        that another living process holds. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            rows = await connection.rows(_LINE, shelf.queue, holder, known, limit)
        shelf.more = len(rows) >= limit
        found: list[Held] = []
        for row in rows:
            if row[-1] and not self.anybodys:
                shelf.more = True
                break
            found.append(held_of(tuple(row)[:-1], now))
        return found

    async def give_back(self, seqs: Sequence[int], holder: int) -> None:
        """Let others take these messages. Raises StoreUnavailable."""
        async with self._pool.connection() as connection:
            await connection.rows(_GIVE_BACK, seqs, holder)

    @staticmethod
    async def _know_queue(connection: Connection, shelf: Shelf) -> bool:
        """Find the number of the shelf's queue; False while nothing was ever put into it."""
        if not shelf.queue:
            rows = await connection.rows(QUEUE, shelf.version, shelf.node)
            if not rows:
                shelf.more, shelf.due_at = False, None
                return False
            shelf.queue = rows[0][0]
        return True
