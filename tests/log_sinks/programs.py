"""Programs of others that receive log lines, started for a test on free ports of loopback and ended by their ids."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.skipping import needs_command

HERE = Path(__file__).parent
# Where tools/test-services puts what it gets.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segue-tests"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """A program that can be killed and started again where it was."""

    def __init__(self, command: Sequence[str | Path], port: int, log: Path) -> None:
        self._command = [str(word) for word in command]
        self._port = port
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 110
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{self._command[0]} did not start: {self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)  # not synchronisation: between two looks at a program that tells nobody when it is ready

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def opensearch_command(folder: Path, port: int) -> list[str | Path]:
    """How to start OpenSearch, from its server's own artifacts."""
    java, jars = needs_command("java", "default-jdk-headless"), _there("opensearch-2.19.6")
    (folder / "config").mkdir(parents=True)
    memory = ["-Xms128m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    source = HERE / "opensearch" / "OpenSearchNode.java"
    return [java, *memory, "-cp", f"{jars}/*", source, folder, str(port)]


def ferretdb_command(folder: Path, port: int) -> list[str | Path]:
    """How to start FerretDB, which keeps its data in SQLite files here."""
    built = _there("ferretdb-1.24.2")
    folder.mkdir(parents=True)
    options = ["--handler=sqlite", f"--sqlite-url=file:{folder}/", f"--state-dir={folder}", "--telemetry=disable"]
    return [built / "ferretdb", *options, f"--listen-addr=127.0.0.1:{port}", "--debug-addr=-", "--log-level=warn"]


def _there(name: str) -> Path:
    folder = CACHE / name
    if not folder.is_dir():
        pytest.skip(f"{name} is missing: tools/test-services gets it")
    return folder


@contextlib.contextmanager
def running(program: Program) -> Iterator[Program]:
    """The program, until the block ends."""
    try:
        program.start()
        yield program
    finally:
        program.kill()
