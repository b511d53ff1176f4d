"""A start whose database is away, or goes away meanwhile: it is waited for, and what is wrong is said."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from segue.adapters.postgres.address import Address
from tests.cli.conftest import READY, SEGUE


class Cutting:
    """A way to the database on which the connections with these numbers are cut after so many bytes of a process."""

    def __init__(self, database: Address, cuts: dict[int, int]) -> None:
        self.seen = 0
        self._there = urlsplit(database.url)
        self._cuts = cuts
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """The address and the port of the way."""
        server = await asyncio.start_server(self._carry, "127.0.0.1")
        async with server:
            host, port = server.sockets[0].getsockname()
            yield f"{host}:{port}"
            for task in self._tasks:
                task.cancel()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen += 1
        left = self._cuts.get(self.seen)
        theirs, ours = await asyncio.open_connection(self._there.hostname, self._there.port)
        self._tasks.add(back := asyncio.create_task(_copy(theirs, writer)))
        self._tasks.add(task := asyncio.create_task(_copy(reader, ours, left)))
        await asyncio.wait({back, task}, return_when=asyncio.FIRST_COMPLETED)
        writer.transport.abort()
        ours.transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, most: int | None = None) -> None:
    while data := await source.read(1 << 16):
        if most is not None and len(data) > most:
            return
        most = None if most is None else most - len(data)
        target.write(data)


async def serving(folder: Path, store: str, **environment: str) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    return await asyncio.create_subprocess_exec(
        SEGUE, "serve", "--data", folder / "data", "--port", "0",
        env=clean | {"SEGUE_STORE": store} | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def through(database: Address, place: str) -> str:
    parts = urlsplit(database.url)
    return f"postgresql://{parts.username}:{database.password}@{place}{parts.path}"


async def test_connections_that_are_cut_while_it_starts_are_made_again(tmp_path: Path, database: Address) -> None:
    cutting = Cutting(database, {1: 0, 2: 900, 4: 1_500})
    async with cutting.open() as place:
        process = await serving(tmp_path, through(database, place))
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        process.send_signal(signal.SIGTERM)
        _, said = await process.communicate()
    assert line.startswith(READY)
    assert process.returncode == 0
    assert (
        f"Not started yet, trying again for 30 s: postgresql://segue@{place}/segue cannot be used now" in said.decode()
    )
    assert "Traceback" not in said.decode()
    assert cutting.seen > 5


async def test_what_was_waited_for_in_vain_is_said(tmp_path: Path, database: Address) -> None:
    async with Cutting(database, {}).open() as place:
        pass
    process = await serving(tmp_path, through(database, place), SEGUE_STORE_WAIT_S="0")
    out, said = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert said.decode().startswith(f"segue: postgresql://segue@{place}/segue cannot be used now (")
    assert "see that it runs and can be reached" in said.decode()


async def test_a_signal_ends_the_waiting(tmp_path: Path, database: Address) -> None:
    async with Cutting(database, {}).open() as place:
        pass
    process = await serving(tmp_path, through(database, place))
    assert process.stderr is not None
    assert b"Not started yet" in await process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    out, said = await process.communicate()
    assert (process.returncode, out, said) == (0, b"", b"")
