"""`segue serve` as a process that is killed and started again, and the commands beside it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from campaign.processes import COMMANDS, ROOT, Child, Children, ProcessError, child_environment, free_port

READY = r"Segue is ready on (http://\S+)"


class Ended(Struct, frozen=True):
    """A command that has ended: its exit code and what it printed."""

    code: int
    out: str
    err: str


class Server:
    """One server on one data folder and one port, over as many lives as a campaign gives it.

    `environment` holds settings for it, `leash` the limits it runs under; both count from its next start. `store` is
    the URL of the database that it stands on, if it is not the data folder's own store. `command` is what is run, for
    a process that is one of several: `serve --roles …`, or `control-service --version …`.
    """

    def __init__(
        self,
        children: Children,
        data: Path,
        environment: Mapping[str, str] | None = None,
        store: str = "",
        name: str = "segue",
    ) -> None:
        self.name = name
        self.command: Sequence[str] = ("serve",)
        self.data = data
        self.store = store
        self.url = ""
        self.environment = dict(environment or {})
        self.leash: Sequence[str] = ()
        self.lives = 0
        self._children = children
        self.port = free_port()
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The running process. Raises ProcessError when there is none."""
        if self._child is None:
            raise ProcessError("The server does not run")
        return self._child

    def spawn(self) -> Child:
        """Start a life, without waiting for it to be ready."""
        command = [str(COMMANDS / "segue"), *self.command, "--data", str(self.data), "--port", str(self.port)]
        environment = {"SEGUE_STORE": self.store} | self.environment
        self._child = self._children.spawn(self.name, command, environment, self.leash)
        self.lives += 1
        return self._child

    async def start(self) -> None:
        """Start a life and wait until it is ready."""
        self.url = await self.spawn().ready(READY)

    def kill(self) -> None:
        """End this life with SIGKILL."""
        self._children.kill(self.child)
        self._child = None

    async def stop(self) -> None:
        """End this life with SIGTERM; it has to end in time and with code 0."""
        child, self._child = self.child, None
        await self._children.stop(child)

    async def fail_to_start(self) -> str:
        """Start a life that has to end by itself with an error; what it printed. Raises ProcessError if it does not."""
        child, self._child = self.spawn(), None
        code = await self._children.ended(child)
        printed = child.printed()
        if code == 0 or "Traceback" in printed:
            raise ProcessError(f"segue serve had to end with a clear error, and ended with code {code}:\n{printed}")
        return printed

    async def token(self) -> str:
        """A new token, made in the data folder."""
        asked = ("token", "create", "--data", str(self.data), "--name", "campaign", "--scope", "admin")
        made = await run(*asked, store=self.store)
        if made.code != 0:
            raise ProcessError(f"`segue token create` ended with code {made.code}: {made.err}")
        return made.out.strip()

    async def audit(self) -> Any:
        """What `segue audit --json` prints, read from the rows of the data folder, beside a server or without one."""
        done = await run("audit", "--data", str(self.data), "--json", store=self.store)
        if done.code not in {0, 1}:
            raise ProcessError(f"`segue audit` ended with code {done.code}: {done.err}")
        found = msgspec.json.decode(done.out)
        if found["balanced"] != (done.code == 0):
            raise ProcessError(f"`segue audit` ended with code {done.code} and said: {done.out}")
        return found


async def run(*arguments: str, store: str = "") -> Ended:
    """Run a command of Segue to its end, beside whatever else goes on."""
    done = await asyncio.to_thread(
        subprocess.run,
        [str(COMMANDS / "segue"), *arguments],
        cwd=ROOT,
        env=child_environment() | {"SEGUE_STORE": store},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
