"""A PostgreSQL of one's own, for tests, campaigns and benches: from the system's programs, in a temporary folder.

It listens on a free port of the loopback address, or of another one of this machine. PostgreSQL refuses to run as root;
then it runs as the system's user `postgres`, to whom the folder belongs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.store import PostgresStore

USER = "segue"
LOOPBACK = "127.0.0.1"
_START_S = 60.0
_PLACES = "/usr/lib/postgresql"
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'fact'"


class NoPostgres(RuntimeError):
    """The programs of PostgreSQL are not on this machine."""


def find_programs() -> Path:
    """The folder with the programs of the newest PostgreSQL from 15 on. Raises NoPostgres."""
    found = sorted(
        (int(folder.parent.name), folder)
        for folder in Path(_PLACES).glob("*/bin")
        if folder.parent.name.isdigit() and (folder / "initdb").exists()
    )
    if found and found[-1][0] >= 15:
        return found[-1][1]
    on_path = shutil.which("initdb")
    if on_path is None:
        raise NoPostgres("the programs of PostgreSQL 15 or later are missing (system package postgresql)")
    return Path(on_path).resolve().parent


class Cluster:
    """One PostgreSQL with its data. `settings` are lines of its configuration; fsync stays as it is: on.

    `auth` is how passwords are proven. md5 takes a client a hundredth of the time of scram-sha-256, which tests that
    connect hundreds of times notice; a database that others reach uses the latter.
    """

    def __init__(self, folder: Path, settings: Sequence[str] = (), auth: str = "md5", address: str = LOOPBACK) -> None:
        self._programs = find_programs()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = folder
        self.password = secrets.token_hex(8)
        self.address = address
        self.port = _free_port(address)
        self._make(auth)

    # -- life ---------------------------------------------------------------------------------------------------------

    def _make(self, auth: str) -> None:
        """Make the data folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = self.folder / "password"
        secret.write_text(self.password)
        user = _user()
        if user is not None:
            for path in (self.folder, secret):
                os.chown(path, user.pw_uid, user.pw_gid)
        data = self.folder / "data"
        self._run(
            "initdb", "-D", str(data), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", f"--auth={auth}",
            f"--pwfile={secret}", "--no-sync",
        )  # fmt: skip
        if self.address != LOOPBACK:
            with (data / "pg_hba.conf").open("a") as hba:
                hba.write(f"host all {USER} {self.address}/24 {auth}\n")
        with (data / "postgresql.conf").open("a") as conf:
            conf.write("\n".join(["", f"unix_socket_directories = '{self.folder}'", *self._settings, ""]))

    def start(self) -> None:
        """Run it, and wait until it answers."""
        command = [
            str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-h", self.address, "-p", str(self.port),
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - its own programs
                [*_as_user(), *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        give_up = time.monotonic() + _START_S
        while not self.answers():
            if time.monotonic() > give_up or (self._process is not None and self._process.poll() is not None):
                raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)  # not synchronisation: whether it answers has to be asked again and again

    def answers(self) -> bool:
        """Whether it takes connections."""
        asked = [str(self._programs / "pg_isready"), "-q", "-h", self.address, "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0  # noqa: S603 - as above

    def kill(self) -> None:
        """End it as a loss of power does: every process of it at once, nothing written any more."""
        process, self._process = self._process, None
        if process is None:
            return
        # Stopped first, or it would start others for those that die before it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGSTOP)
        everyone = [process.pid, *_children(process.pid)]
        for pid in everyone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        while any(_lives(pid) for pid in everyone):
            time.sleep(0.01)  # not synchronisation: another one is not started beside it, and nobody tells us

    def stop(self) -> None:
        """End it in order, as soon as it can."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.wait()

    def cpu_s(self) -> float:
        """Processor time that all of it has used, of processes that ended as well."""
        if self._process is None:
            return 0.0
        spent = 0.0
        for pid in [self._process.pid, *_children(self._process.pid)]:
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                # User and system time; of the first process also that of its children that have ended.
                last = 15 if pid == self._process.pid else 13
                spent += sum(int(field) for field in fields[11:last])
        return spent / os.sysconf("SC_CLK_TCK")

    def pid(self) -> int | None:
        """The process, None while it does not run."""
        return None if self._process is None else self._process.pid

    # -- use ----------------------------------------------------------------------------------------------------------

    def url(self, database: str = "postgres", password: bool = True) -> str:
        """The address of a database in it."""
        secret = f":{self.password}" if password else ""
        return f"postgresql://{USER}{secret}@{self.address}:{self.port}/{database}"

    def sql(self, text: str, database: str = "postgres") -> str:
        """Execute statements as people do; what they answer, a line a row."""
        done = subprocess.run(  # noqa: S603 - as above
            [
                str(self._programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database),
                "-c", text,
            ],
            check=False,
            capture_output=True,
            text=True,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_as_user(), str(self._programs / program), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.folder)  # noqa: S603
        if done.returncode != 0:
            raise RuntimeError(f"{program}: {done.stderr}")


@contextlib.contextmanager
def running(settings: Sequence[str] = (), address: str = LOOPBACK, auth: str = "md5") -> Iterator[Cluster]:
    """A cluster for some time, in a temporary folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="segue-postgres-"))
    folder.chmod(0o755)
    cluster = Cluster(folder / "cluster", settings, auth, address)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> pwd.struct_passwd | None:
    """The user that PostgreSQL has to run as; None for the one we are."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise NoPostgres("PostgreSQL does not run as root, and there is no user postgres") from None


def _as_user() -> list[str]:
    user = _user()
    if user is None:
        return []
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in tasks.read_text().split()]
    except OSError:
        return []


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


async def abandon(store: PostgresStore, address: Address) -> None:
    """End a store as `kill -9` ends its process: its tasks stop where they are, its connections are cut, and the
    database has noticed. Nobody else may be connected."""
    parts = store._parts  # noqa: SLF001 - no store does so to itself
    own = (store._caring, store._watching)  # noqa: SLF001 - as above
    tasks = (*own, parts.heart._task, *parts.writer._tasks, parts.hints._task)  # noqa: SLF001 - as above
    for task in tasks:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    pools = (*parts.takers._links, *parts.readers._links)  # noqa: SLF001 - as above
    lanes = [lane._link for lane in parts.writer._lanes]  # noqa: SLF001 - as above
    for link in (parts.heart._link, *lanes, *pools):  # noqa: SLF001 - as above
        link.drop()
    await end_others(address)


async def end_others(address: Address) -> None:
    """Cut all connections to a database, and return when the database has noticed."""
    connection = await asyncpg.connect(address.url, password=address.password)
    try:
        await connection.execute(_END_OTHERS)
    finally:
        await connection.close()


async def empty(address: Address) -> None:
    """Remove all that a database holds, but for its schema."""
    await end_others(address)
    connection = await asyncpg.connect(address.url, password=address.password)
    try:
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        # Faster than TRUNCATE for tables that hold next to nothing; nothing is looked up meanwhile.
        await connection.execute(
            "SET session_replication_role = replica; DELETE FROM fact WHERE name NOT IN ('revision', 'oldest')"
        )
        await connection.execute("; ".join(f'DELETE FROM "{table}"' for table in tables))  # noqa: S608
    finally:
        await connection.close()
