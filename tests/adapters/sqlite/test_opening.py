"""Opening a data folder: made, held alone, refused when it cannot be used, and saying what to do."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from segue.adapters.clock import SystemClock
from segue.adapters.sqlite.file import FILE, LOCK
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.store import SqliteStore
from segue.model.errors import DataFolderInUse, StoreUnavailable
from segue.model.workers import Worker
from segue.testing.contracts.store_world import PlainSecrets, Player, passed
from tests.adapters.sqlite.world import SqliteWorld

OPEN = textwrap.dedent(
    """
    import asyncio, os, sys
    from pathlib import Path
    from segue.adapters.clock import SystemClock
    from segue.adapters.sqlite.store import SqliteStore
    from segue.model.errors import SegueError
    from segue.testing.contracts.store_world import PlainSecrets

    async def main() -> None:
        try:
            store = SqliteStore.open(Path(sys.argv[1]), clock=SystemClock(), secrets=PlainSecrets())
        except SegueError as error:
            print(error.code, error.detail)
            return
        print("open", flush=True)
        if sys.argv[2] == "wait":
            sys.stdin.read()
        await store.close()

    if sys.argv[2] == "nobody" and os.getuid() == 0:
        os.setgid(65534); os.setuid(65534)
    asyncio.run(main())
    """
)


def open_store(folder: Path, settings: SqliteSettings | None = None) -> SqliteStore:
    return SqliteStore.open(folder, clock=SystemClock(), secrets=PlainSecrets(), settings=settings)


def in_another_process(folder: Path, how: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", OPEN, folder, how], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.stdout


async def test_a_folder_is_made_with_all_above_it(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a" / "b")
    await store.close()
    assert (tmp_path / "a" / "b" / FILE).exists()


async def test_a_second_server_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN, tmp_path, "wait", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"open\n"
    with pytest.raises(DataFolderInUse, match=rf"in use by another server \(process {other.pid}\)"):
        open_store(tmp_path)
    other.kill()
    await other.wait()
    await open_store(tmp_path).close()


async def test_a_folder_is_free_again_after_it_could_not_be_opened(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database, however long one looks at it" * 100)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="put the folder back from a backup"):
            open_store(tmp_path)
    (tmp_path / FILE).unlink()
    await open_store(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        open_store(tmp_path / "file" / "data")


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every user reaches, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_a_folder_of_another_user_is_said(shared_folder: Path) -> None:
    await open_store(shared_folder).close()
    if os.getuid() != 0:  # then this user stands in for the other one
        (shared_folder / LOCK).chmod(stat.S_IRUSR)
    said = await asyncio.to_thread(in_another_process, shared_folder, "nobody")
    assert said.startswith("store-unavailable")
    assert "check the folder's permissions" in said


async def test_a_file_that_may_only_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await open_store(tmp_path).close()
    real = sqlite3.connect

    def read_only(target: str, **options: object) -> sqlite3.Connection:
        return real(f"{target.partition('?')[0]}?mode=ro", **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr("segue.adapters.sqlite.file.sqlite3.connect", read_only)
    with pytest.raises(StoreUnavailable, match="read-only; make it writable"):
        open_store(tmp_path)


async def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("CREATE TABLE something (x)")
    with pytest.raises(StoreUnavailable, match="none of Segue's"):
        open_store(tmp_path)


@pytest.mark.parametrize("settings", [SqliteSettings(), SqliteSettings(check_below=0)])
async def test_a_damaged_file_is_found_after_an_unclean_end(tmp_path: Path, settings: SqliteSettings) -> None:
    world = SqliteWorld(tmp_path)
    player = Player(world)
    version = await player.enable()
    for n in range(300):
        await player.start(body=b"%d" % n * 300)
    await player.forward(version, "a", "b")
    await world.crash()
    folder = world.folder
    await world.sqlite.close()
    with sqlite3.connect(folder / FILE) as connection:
        connection.execute("UPDATE fact SET value = 'no' WHERE name = 'closed'")
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'step_instance'")
        [(size,)] = connection.execute("PRAGMA page_size")
    connection.close()
    with (folder / FILE).open("rb+") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    if settings.check_below:
        with pytest.raises(StoreUnavailable, match=r"is damaged .*: put the folder back from a backup"):
            open_store(folder, settings)
    else:  # too large to be looked through: what is met later is said then
        store = open_store(folder, settings)
        with pytest.raises(StoreUnavailable, match=r"SQLITE_CORRUPT.*damaged"):
            await store.audit(0)
        await store.close()


async def test_a_file_that_vanishes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segue.adapters.sqlite.health._LOOK_EVERY_S", 0.0)
    world = SqliteWorld(tmp_path)
    player = Player(world)
    version = await player.enable()
    await player.start()
    message = await player.take_one(version, "a")
    aside = tmp_path / "elsewhere"
    (world.folder / FILE).rename(aside)
    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        await player.settle(message, passed(message))
    with pytest.raises(StoreUnavailable, match="removed or replaced"):
        await player.start()
    aside.rename(world.folder / FILE)
    assert await player.settle(message, passed(message))
    await world.close()


async def test_headers_of_workers_are_not_readable_in_the_file(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    await store.put_worker(Worker(name="crm", url="http://crm", headers={"authorization": "a-long-secret"}))
    await store.close()
    assert b"http://crm" in (tmp_path / FILE).read_bytes()
    assert b"a-long-secret" not in (tmp_path / FILE).read_bytes()


async def test_what_was_asked_for_before_closing_is_done(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path)
    player = Player(world)
    version = await player.enable()
    starts = [asyncio.ensure_future(player.start()) for _ in range(100)]
    await asyncio.sleep(0)
    await world.sqlite.close()
    assert len(await asyncio.gather(*starts)) == 100
    with pytest.raises(StoreUnavailable, match="closed"):
        await player.start()
    world.sqlite = world._open()
    world.store = world.sqlite
    assert len(await player.take(version, "a")) == 100
    await world.close()
