"""A RabbitMQ of one's own, for tests, campaigns and benches: from the system's package, in a temporary folder.

It listens on a free port of the loopback address, if no other address is given, under a node name of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

# What the command of the Debian package calls; the command itself changes to another user when root calls it.
_PLACE = Path("/usr/lib/rabbitmq/bin")
USER = "segue"
LOOPBACK = "127.0.0.1"
_START_S = 120.0


class NoRabbit(RuntimeError):
    """The programs of RabbitMQ are not on this machine."""


def find_programs() -> None:
    """Raises NoRabbit when they are missing."""
    if not (_PLACE / "rabbitmq-server").exists():
        raise NoRabbit("the programs of RabbitMQ are missing (system package rabbitmq-server)")


class Rabbit:
    """One node with its data, over as many lives as it is given."""

    def __init__(
        self,
        folder: Path,
        port: int,
        password: str,
        environment: dict[str, str],
        pid: int | None,
        *,
        address: str = LOOPBACK,
    ) -> None:
        self.folder = folder
        self.address = address
        self.port = port
        self.password = password
        self._environment = environment
        self._pid = pid
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def make(
        cls, folder: Path, settings: Sequence[str] = (), plugins: Sequence[str] = (), address: str = LOOPBACK
    ) -> Rabbit:
        """A node that does not run yet. Raises NoRabbit."""
        find_programs()
        folder.mkdir(parents=True, exist_ok=True)
        port, password = _free_port(), secrets.token_hex(8)
        lines = [
            f"listeners.tcp.1 = {address}:{port}",
            f"default_user = {USER}",
            f"default_pass = {password}",
            "loopback_users = none",
            *settings,
        ]
        (folder / "rabbitmq.conf").write_text("\n".join([*lines, ""]), encoding="utf-8")
        (folder / "plugins").write_text(f"[{','.join(plugins)}].", encoding="utf-8")
        return cls(folder, port, password, _environment(folder), None, address=address)

    def save(self, file: Path) -> None:
        """Write down what another process needs to use this node, and to end it."""
        about = {
            "port": self.port,
            "address": self.address,
            "password": self.password,
            "pid": self._pid,
            "environment": self._environment,
        }
        file.write_text(json.dumps({"folder": str(self.folder)} | about), encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> Rabbit:
        """The node that another process has started."""
        about = json.loads(file.read_text(encoding="utf-8"))
        password, environment = about["password"], about["environment"]
        return cls(Path(about["folder"]), about["port"], password, environment, about["pid"], address=about["address"])

    def url(self, vhost: str = "") -> str:
        """Its address."""
        return f"amqp://{USER}:{self.password}@{self.address}:{self.port}/{vhost}"

    def start(self) -> None:
        """Run it, and wait until it takes connections."""
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 - the system's program
                [_PLACE / "rabbitmq-server"],
                env=self._environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                start_new_session=True,
            )
        self._pid = self._process.pid
        give_up = time.monotonic() + _START_S
        while not self.answers():
            if time.monotonic() > give_up or self._process.poll() is not None:
                raise RuntimeError(f"RabbitMQ did not start:\n{(self.folder / 'out').read_text()[-2000:]}")
            time.sleep(0.1)  # not synchronisation: whether it answers has to be asked again and again

    def answers(self) -> bool:
        """Whether it speaks AMQP."""
        try:
            with socket.create_connection((self.address, self.port), timeout=2) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(probe.recv(1))
        except OSError:
            return False

    def kill(self) -> None:
        """End it as a loss of power does, and Erlang's name server with it."""
        process, self._process = self._process, None
        pid, self._pid = self._pid, None
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        if process is not None:
            process.wait()
        end_name_server(self._environment)

    def remove(self) -> None:
        """End it, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` says."""
        done = subprocess.run(  # noqa: S603 - the system's program
            [_PLACE / "rabbitmqctl", "-q", *arguments],
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout.strip()

    def cpu_s(self) -> float:
        """Processor time that it has used."""
        if self._pid is None:
            return 0.0
        spent = 0
        for place in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = place.read_text().rsplit(")", 1)[1].split()
                if int(fields[2]) == self._pid:  # the server's own group
                    spent += sum(int(field) for field in fields[11:13])
        return spent / os.sysconf("SC_CLK_TCK")

    def pid(self) -> int | None:
        """The process, None while it does not run."""
        return self._pid


def end_name_server(environment: Mapping[str, str]) -> None:
    """End Erlang's name server that a node with this environment has begun. `epmd -kill` refuses as long as it believes
    the node alive."""
    mark = f"ERL_EPMD_PORT={environment['ERL_EPMD_PORT']}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (place / "comm").read_text() == "epmd\n" and mark in (place / "environ").read_bytes().split(b"\0"):
                os.kill(int(place.name), signal.SIGKILL)


def started(settings: Sequence[str] = ()) -> Rabbit:
    """A node that runs, in a temporary folder; `remove` ends it."""
    rabbit = Rabbit.make(Path(tempfile.mkdtemp(prefix="segue-rabbitmq-")), settings)
    try:
        rabbit.start()
    except BaseException:
        rabbit.remove()
        raise
    return rabbit


@contextlib.contextmanager
def running(settings: Sequence[str] = ()) -> Iterator[Rabbit]:
    """A node for some time, in a temporary folder that is gone afterwards."""
    rabbit = started(settings)
    try:
        yield rabbit
    finally:
        rabbit.remove()


def _environment(folder: Path) -> dict[str, str]:
    places = {
        "MNESIA_BASE": folder / "mnesia",
        "LOG_BASE": folder / "log",
        "CONFIG_FILE": folder / "rabbitmq.conf",
        "ENABLED_PLUGINS_FILE": folder / "plugins",
        "PID_FILE": folder / "pid",
    }
    own = {f"RABBITMQ_{key}": str(place) for key, place in places.items()}
    own |= {"RABBITMQ_NODENAME": f"segue{_free_port()}@localhost", "RABBITMQ_DIST_PORT": str(_free_port())}
    own |= {"ERL_EPMD_PORT": str(_free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1"}
    return own | {"PATH": os.environ["PATH"], "HOME": str(folder)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
