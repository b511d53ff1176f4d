"""A data folder without its server, or beside it: for commands that do one thing and end.

A server holds the folder alone, but its file takes short changes by others: each is one transaction that waits for its
turn. Nothing that the server keeps in memory may be changed so, which leaves tokens and users.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from segue.adapters.sql import keeping
from segue.adapters.sql import users as people
from segue.adapters.sql.scripts import Script
from segue.adapters.sqlite.driver import drive
from segue.adapters.sqlite.file import FILE, FolderLock, check_sqlite, connect_reader
from segue.adapters.sqlite.schema import bring_up_to_date
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.trouble import unavailable
from segue.model.errors import DataFolderInUse, NotFound
from segue.ports.catalog import Token, User

T = TypeVar("T")

_BUSY_MS = 10_000


class Beside:
    """Implements `TokenCatalog` and `UserCatalog` on a data folder, whether a server runs on it or not.

    With `make` a folder without a store gets one; without it that is an error.
    """

    def __init__(self, folder: Path, *, make: bool) -> None:
        check_sqlite()
        self._file = folder / FILE
        self._folder = folder
        if not make and not self._file.exists():
            raise NotFound(f"{folder} is no data folder: it has no {FILE}")

    async def tokens(self) -> list[Token]:
        """See `TokenCatalog`."""
        return self.read(keeping.tokens)

    async def token_by_digest(self, digest: bytes) -> Token | None:
        """See `TokenCatalog`."""
        return self.read(lambda: keeping.token_by_digest(digest))

    async def put_token(self, token: Token) -> None:
        """See `TokenCatalog`."""
        self._change(lambda: keeping.put_token(token))

    async def delete_token(self, id: str) -> None:
        """See `TokenCatalog`."""
        self._change(lambda: keeping.delete_token(id))

    async def touch_tokens(self, used: Sequence[tuple[str, int]]) -> None:
        """See `TokenCatalog`."""
        self._change(lambda: keeping.touch_tokens(used))

    async def users(self) -> list[User]:
        """See `UserCatalog`."""
        return self.read(people.users)

    async def user_by_email(self, email: str) -> User | None:
        """See `UserCatalog`."""
        return self.read(lambda: people.user_by_email(email))

    async def put_user(self, user: User) -> None:
        """See `UserCatalog`."""
        self._change(lambda: people.put_user(user))

    def read(self, script: Callable[[], Script[T]]) -> T:
        """Run a script that only reads, in one snapshot. Raises StoreUnavailable."""
        with self._connection(connect_reader) as connection:
            connection.execute("BEGIN")
            return drive(script(), connection)

    def copy_to(self, target: Path) -> None:
        """Copy the file as one consistent state into a new file `target`. Raises StoreUnavailable."""
        with self._connection(connect_reader) as connection:
            copy = sqlite3.connect(target)
            try:
                connection.backup(copy)
            finally:
                copy.close()

    def _change(self, script: Callable[[], Script[T]]) -> T:
        with self._connection(_connect) as connection:
            connection.execute("BEGIN IMMEDIATE")
            value = drive(script(), connection)
            connection.execute("COMMIT")
            return value

    @contextlib.contextmanager
    def _connection(self, connect: Callable[[Path], sqlite3.Connection]) -> Iterator[sqlite3.Connection]:
        with self._current_schema():
            try:
                connection = connect(self._file)
                with contextlib.closing(connection):
                    yield connection
            except sqlite3.Error as error:
                raise unavailable(error, self._file) from error

    @contextlib.contextmanager
    def _current_schema(self) -> Iterator[None]:
        """Where no server holds the folder, hold it and bring the file up to date, as a server would."""
        try:
            lock = FolderLock(self._folder)
        except DataFolderInUse:
            yield
            return
        try:
            bring_up_to_date(self._file, SqliteSettings())
            yield
        finally:
            lock.close()


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
