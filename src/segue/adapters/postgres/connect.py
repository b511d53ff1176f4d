"""Connections to the database."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import asyncpg
from msgspec.structs import replace

from segue.adapters.postgres.address import Address, unreadable
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.trouble import ERRORS, unavailable
from segue.model.errors import Invalid, SegueError, StoreUnavailable

OLDEST = 150_000
"""The oldest PostgreSQL that is supported, as its `server_version_num`."""

# The server ends a transaction that its process left open, and notices soon when the host of a process is gone: by
# asking when nothing is said, and by what is not confirmed when something was.
_SESSION = {
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "jit": "off",
    "timezone": "UTC",
}
# The same on this side: of a database that can no longer be reached nobody says so. Without it a statement waits for
# its whole time, also when the network has long been back and only the connection is gone.
_SILENCE_MS = 8_000
_ASK_AFTER_S = 3
_ASK_EVERY_S = 2
_NOTHING_ELSE: Mapping[str, str] = MappingProxyType({})
BY_INDEX = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""For connections whose statements touch few rows of large tables, each found by an index. A plan is made when a
statement is prepared and kept: for tables that are empty then it would read them whole, also when they have grown."""

_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"

# Also where the database or the user has limits of their own.
_UNHURRIED = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"


if TYPE_CHECKING:
    _Base = asyncpg.Connection[asyncpg.Record]
else:
    _Base = asyncpg.Connection


class Connection(_Base):
    """A connection that keeps the statements it has prepared, by their texts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _notice_silence(args[1].get_extra_info("socket"))
        self._kept: dict[str, asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]] = {}

    async def prepared(self, text: str) -> asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]:
        """Return the statement, prepared once."""
        statement = self._kept.get(text)
        if statement is None:
            statement = self._kept[text] = await self.prepare(text)
        return statement

    async def rows(self, text: str, *values: Any) -> list[asyncpg.Record]:
        """Execute a statement that is used again and again; return its rows."""
        return await (await self.prepared(text)).fetch(*values)


async def connect(
    address: Address,
    settings: PostgresSettings,
    connection_class: type[Connection],
    session: Mapping[str, str] = _SESSION,
) -> Connection:
    """Connect, with `session` as the server's settings. Raises StoreUnavailable, and Invalid for a URL that no
    connection can be made from."""
    try:
        connection: Connection = await asyncpg.connect(
            dsn=address.url,
            password=address.password,
            timeout=settings.connect_s,
            command_timeout=settings.statement_s,
            server_settings={**session, "application_name": settings.name},
            connection_class=connection_class,
        )
    except ERRORS as error:
        if isinstance(error, OSError) and (why := unreadable(address)):
            raise Invalid(why) from None
        raise unavailable(error, address) from error
    except (ValueError, asyncpg.ClientConfigurationError) as error:
        raise Invalid(f"store {address.shown}: {error}") from None
    try:
        await connection.execute(_DURABLE)
    except ERRORS as error:
        connection.terminate()
        raise unavailable(error, address) from error
    return connection


async def connect_unhurried(
    address: Address, settings: PostgresSettings, connection_class: type[Connection]
) -> Connection:
    """Connect for what takes as long as it takes: an audit, a move, a migration. Raises as `connect`."""
    connection = await connect(address, replace(settings, statement_s=None), connection_class)
    try:
        await connection.execute(_UNHURRIED)
    except ERRORS as error:
        connection.terminate()
        raise unavailable(error, address) from error
    return connection


async def check_server(connection: Connection, address: Address) -> None:
    """Raise StoreUnavailable for a database that is too old."""
    found = await connection.fetchval("SELECT current_setting('server_version_num')::integer")
    if found < OLDEST:
        shown = f"{found // 10_000}.{found % 10_000}"
        raise StoreUnavailable(f"{address.shown} is PostgreSQL {shown}; {OLDEST // 10_000} or later is needed")


def _notice_silence(held: socket.socket | None) -> None:
    """Have the system give up a connection over which nothing has come back for some seconds."""
    if held is None or held.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    held.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _ASK_AFTER_S),
        ("TCP_KEEPINTVL", _ASK_EVERY_S),
        ("TCP_KEEPCNT", _SILENCE_MS // 1000 // _ASK_EVERY_S),
        ("TCP_USER_TIMEOUT", _SILENCE_MS),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            held.setsockopt(socket.IPPROTO_TCP, option, value)


class Link:
    """One connection that is made again when it was lost, with `session` as the server's settings besides the usual
    ones. Used by one task at a time."""

    def __init__(
        self,
        address: Address,
        settings: PostgresSettings,
        connection_class: type[Connection],
        session: Mapping[str, str] = _NOTHING_ELSE,
    ) -> None:
        self.address = address
        self._settings = settings
        self._class = connection_class
        self._session = {**_SESSION, **session}
        self._connection: Connection | None = None

    @property
    def idle(self) -> bool:
        """Whether there is a connection, and no transaction is open on it."""
        connection = self._connection
        return connection is not None and not connection.is_closed() and not connection.is_in_transaction()

    async def get(self) -> Connection:
        """Return the connection. Raises StoreUnavailable when none can be made now."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self.address, self._settings, self._class, self._session)
        return self._connection

    def drop(self) -> None:
        """Use another connection from now on: this one is lost, or in a state that nobody knows."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*ERRORS):
                await connection.close(timeout=2)


class Pool:
    """Up to so many connections, made when they are needed and kept; each used by one task at a time."""

    def __init__(
        self,
        size: int,
        address: Address,
        settings: PostgresSettings,
        kind: type[Connection],
        session: Mapping[str, str] = _NOTHING_ELSE,
    ) -> None:
        self.address = address
        self.kind = kind
        self._links = [Link(address, settings, kind, session) for _ in range(size)]
        self._free = list(self._links)
        self._room = asyncio.Semaphore(size)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for some time. Raises StoreUnavailable; what goes wrong with it otherwise does so as well."""
        async with self._room:
            link = self._free.pop()
            usable = False
            try:
                yield await link.get()
                usable = link.idle
            except ERRORS as error:
                raise unavailable(error, self.address) from error
            except SegueError:
                usable = link.idle
                raise
            finally:
                if not usable:
                    link.drop()
                self._free.append(link)

    async def close(self) -> None:
        """Close all connections."""
        for link in self._links:
            await link.close()
