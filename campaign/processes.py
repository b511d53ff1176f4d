"""The processes of a campaign: each with a log, waited for until it says it is ready, ended by its id."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from campaign.waiting import OverdueError, until

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = Path(sys.executable).parent
READY_WITHIN_S = 90.0
# What is promised of the server is 10 s; the rest is for a machine with other work.
ENDS_WITHIN_S = 20.0


class ProcessError(Exception):
    """A process did not start, or did not end as it should; the text has its last words."""


class Child:
    """One process: its name, its id, and the log that holds all that it and its namesakes before it have printed."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, begin: int) -> None:
        self.name = name
        self.process = process
        self._log = log
        self._begin = begin

    def printed(self) -> str:
        """What this process has printed so far."""
        with self._log.open("rb") as file:
            file.seek(self._begin)
            return file.read().decode(errors="replace")

    def last_words(self) -> str:
        """The end of what it has printed."""
        return "\n".join(self.printed().splitlines()[-15:])

    async def ready(self, pattern: str, within_s: float = READY_WITHIN_S) -> str:
        """Wait for a printed line that matches; its first group. Raises ProcessError if it ends or takes too long."""
        found = await until(lambda: self._look_for(re.compile(pattern)), within_s, f"{self.name} to be ready")
        return found.group(1)

    def _look_for(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        code = self.process.poll()
        found = pattern.search(self.printed())
        if found is None and code is not None:
            raise ProcessError(f"{self.name} ended with code {code}; it printed last:\n{self.last_words()}")
        return found


class Children:
    """All processes of one campaign; leaving the context ends those that still run, whatever has happened."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._running:
            self.kill(self._running[-1])

    def spawn(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        leash: Sequence[str] = (),
    ) -> Child:
        """Start a command, in a session of its own so that a Ctrl-C is for the campaign alone."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as file:
            begin = file.tell()
            process = subprocess.Popen(
                [sys.executable, "-m", "campaign.leash", str(os.getpid()), *leash, "--", *command],
                cwd=ROOT,
                env=child_environment() | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log, begin)
        self._running.append(child)
        return child

    def kill(self, child: Child) -> None:
        """End a process with SIGKILL: it gets no chance to write anything. One that has ended is just cleared up."""
        child.process.kill()
        child.process.wait()
        if child in self._running:
            self._running.remove(child)

    async def ended(self, child: Child, within_s: float = ENDS_WITHIN_S) -> int:
        """Wait until a process has ended; its exit code."""
        try:
            await until(lambda: child.process.poll() is not None, within_s, f"{child.name} to end")
        except OverdueError as error:
            raise OverdueError(f"{error}:\n{child.last_words()}") from None
        self._running.remove(child)
        return child.process.returncode

    async def stop(self, child: Child) -> None:
        """End a process with SIGTERM. Raises ProcessError unless it ends in time, with code 0."""
        child.process.send_signal(signal.SIGTERM)
        code = await self.ended(child)
        if code != 0:
            raise ProcessError(f"{child.name} ended with code {code} after SIGTERM:\n{child.last_words()}")


def child_environment() -> dict[str, str]:
    """The environment for a process of a campaign: none of the user's own settings, our packages to be found."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SEGUE_", "PYTHON"))}
    return own | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port
