"""A data folder without its server, or beside it: for commands that do one thing and end.

A server holds the folder alone, but its file takes short changes by others: each is one transaction that waits for its
turn. Nothing that the server keeps in memory may be changed so, which leaves tokens and users.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from segue.adapters.sql import activity, keeping
from segue.adapters.sql import audit as auditing
from segue.adapters.sql import users as people
from segue.adapters.sql.revisions import lets_in
from segue.adapters.sql.scripts import Script
from segue.adapters.sqlite.driver import drive
from segue.adapters.sqlite.file import FILE, FolderLock, address, check_sqlite, connect_reader
from segue.adapters.sqlite.schema import REVISION, bring_up_to_date, oldest_for
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.trouble import unavailable
from segue.model.errors import DataFolderInUse, NotFound, StoreUnavailable
from segue.model.ledger import Audit
from segue.ports.activity import Activity, ActivityFilter, NewActivity
from segue.ports.catalog import Token, User

T = TypeVar("T")

_BUSY_MS = 10_000
# How long another process may take to make the store of a new folder (s).
_OTHERS_S = 10.0


class Beside:
    """Implements `TokenCatalog`, `UserCatalog` and `ActivityLog` on a data folder, whether a server runs on it or not.

    A folder that has no store gets one by `make` alone.
    """

    def __init__(self, folder: Path) -> None:
        check_sqlite()
        self._folder = folder
        self._file = folder / FILE

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

    async def put_first_user(self, user: User) -> bool:
        """See `UserCatalog`."""
        return self._change(lambda: people.put_first_user(user))

    async def change_user(self, user: User, unless_last: str | None = None) -> None:
        """See `UserCatalog`."""
        self._change(lambda: people.change_user(user, unless_last))

    async def delete_user(self, id: str, unless_last: str | None = None) -> None:
        """See `UserCatalog`."""
        self._change(lambda: people.delete_user(id, unless_last))

    async def note(self, new: NewActivity) -> None:
        """See `ActivityLog`."""
        self._change(lambda: activity.note(new))

    async def activities(self, filter: ActivityFilter) -> list[Activity]:
        """See `ActivityLog`."""
        return self.read(lambda: activity.activities(filter))

    def read(self, script: Callable[[], Script[T]]) -> T:
        """Run a script that only reads, in one snapshot. Raises NotFound, StoreUnavailable.

        It never holds the folder, so that looking at it does not keep a server from starting.
        """
        with self._open(connect_reader) as connection:
            self._check(connection)
            connection.execute("BEGIN")
            return drive(script(), connection)

    async def audit(self, now: int) -> Audit:
        """Prove the ledger from the rows. Raises NotFound, StoreUnavailable."""
        return self.read(lambda: auditing.audit(now))

    def copy_to(self, target: Path) -> None:
        """Copy the file as one consistent state into a new file `target`. Raises NotFound, StoreUnavailable."""
        with self._open(connect_reader) as connection, contextlib.closing(sqlite3.connect(target)) as copy:
            connection.backup(copy)

    def _change(self, script: Callable[[], Script[T]]) -> T:
        with self._open(_connect) as connection:
            self._check(connection)
            connection.execute("BEGIN IMMEDIATE")
            value = drive(script(), connection)
            connection.execute("COMMIT")
            return value

    @contextlib.contextmanager
    def _open(self, connect: Callable[[Path], sqlite3.Connection]) -> Iterator[sqlite3.Connection]:
        if not self._file.exists():
            raise NotFound(f"{self._folder} is no data folder: it has no {FILE}")
        try:
            with contextlib.closing(connect(self._file)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise unavailable(error, self._file) from error

    def make(self) -> None:
        """Make the store where there is none yet, unless a server that is just starting does so."""
        give_up = time.monotonic() + _OTHERS_S
        while not self._made():
            try:
                lock = FolderLock(self._folder)
            except DataFolderInUse:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)
                continue
            try:
                bring_up_to_date(self._file, SqliteSettings())
            except sqlite3.Error as error:
                raise unavailable(error, self._file) from error
            finally:
                lock.close()

    def _made(self) -> bool:
        if not self._file.exists():
            return False
        with self._open(_connect) as connection:
            found = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'fact'").fetchone()
            return bool(found[0])

    def _check(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("SELECT value FROM fact WHERE name = 'revision'").fetchone()
        newer = found is not None and found[0] > REVISION
        if newer and lets_in(REVISION, oldest_for(connection)):
            return
        if found is None or found[0] != REVISION:
            there = found[0] if found else "none"
            text = f"{self._file} has revision {there} of the store and this is for {REVISION}"
            raise StoreUnavailable(
                f"{text}: start the server of this version once, or use the command of the other one"
            )


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(address(file), uri=True, isolation_level=None)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
