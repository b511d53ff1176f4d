"""The processes of the demo: started with a log each, waited for until they say they are ready, ended by their id."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60
ENDS_WITHIN_S = 15


class ChildError(Exception):
    """A process of the demo did not start, or ended when it should not; the text has its last words."""


class Child:
    """One process: its name, its id, the log that holds all it printed, and the address it is ready on."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, begin: int) -> None:
        self.name = name
        self.process = process
        self.log = log
        self.url = ""
        self._begin = begin

    def printed(self) -> str:
        """Return what it has printed since it was started."""
        with self.log.open("rb") as file:
            file.seek(self._begin)
            return file.read().decode(errors="replace")

    def check(self) -> None:
        """Raises ChildError when the process has ended."""
        code = self.process.poll()
        if code is not None:
            last = "\n".join(self.printed().splitlines()[-15:])
            raise ChildError(f"{self.name} ended with code {code}; it printed last:\n{last}")


class Children:
    """All processes of one demo. Each has a session of its own, so a Ctrl-C in the terminal is for the demo alone."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[Child] = []

    async def start(
        self, name: str, command: Sequence[str], ready: str, environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start a command; return once it has printed a line that matches `ready`, whose first group is its address.

        Raises ChildError when it ends before, or is not ready in time.
        """
        log = self._logs / f"{name}.log"
        leash = [sys.executable, "-m", "demo.leash", str(os.getpid()), *command]
        with log.open("ab") as file:
            begin = file.tell()
            process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
                leash,
                cwd=ROOT,
                env=child_environment() | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log, begin)
        self._running.append(child)
        try:
            child.url = await _ready(child, re.compile(ready))
        except ChildError:
            if process.poll() is not None:
                self._running.remove(child)
            raise
        return child

    def check(self) -> None:
        """Raises ChildError when one of them has ended by itself."""
        for child in self._running:
            child.check()

    def kill(self, child: Child) -> None:
        """End a process with SIGKILL: it gets no chance to write anything."""
        self._running.remove(child)
        child.process.kill()
        child.process.wait()

    async def wait_for(self, child: Child, pattern: re.Pattern[str]) -> str:
        """Return the first group of what a running process prints, or has printed; raises ChildError."""
        return await _ready(child, pattern)

    async def stop(self) -> None:
        """End all, those started last first, and wait; whoever does not end in time is killed."""
        while self._running:
            child = self._running.pop()
            child.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(child.process.wait, ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()


def child_environment() -> dict[str, str]:
    """Return the environment for a process of the demo: none of the user's own settings, our package to be found."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SEGUE_", "PYTHON"))}
    return own | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


async def _ready(child: Child, pattern: re.Pattern[str]) -> str:
    loop = asyncio.get_running_loop()
    until = loop.time() + READY_WITHIN_S
    while loop.time() < until:
        found = pattern.search(child.printed())
        if found is not None:
            return found.group(1)
        child.check()
        await asyncio.sleep(0.02)
    raise ChildError(f"{child.name} was not ready within {READY_WITHIN_S} s; see {child.log}")
