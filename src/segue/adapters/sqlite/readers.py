"""Reading beside the writer: a few connections that cannot write, in threads of their own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from segue.adapters.sqlite.trouble import unavailable
from segue.model.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class Readers:
    """Runs functions on a connection for reading, each in one snapshot of the file."""

    def __init__(self, file: Path, threads: int, connect: Callable[[Path], sqlite3.Connection], name: str) -> None:
        self._file = file
        self._connect = connect
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._closed = False

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `function` answers with a connection and the arguments. Raises StoreUnavailable."""

        def read() -> T:
            try:
                connection = self._connection()
                connection.execute("BEGIN")
                try:
                    return function(connection, *args, **kwargs)
                finally:
                    connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise unavailable(error, self._file) from error

        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, read)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect(self._file)
            self._all.append(connection)
        return connection

    async def close(self) -> None:
        """Wait for what is being read, and close the connections."""
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)
        for connection in self._all:
            connection.close()
