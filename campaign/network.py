"""Hosts for a campaign: network namespaces whose cables can be cut, and each of which can vanish."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec

from campaign.cable import FIRST_HOST, Command, Here, Quality
from campaign.processes import ROOT, Children, ProcessError, child_environment

# For measuring networks (RFC 2544): no machine is reached under these addresses.
RANGE = "198.18"
CUT = Quality(lost=1.0)
WELL = Quality()


class Network:
    """A private network of this machine with some hosts. Here PostgreSQL listens on `store`, RabbitMQ on `broker`, and
    all others on `work`."""

    def __init__(self, prefix: str, hosts: Sequence[str]) -> None:
        here = Here(prefix)
        self.prefix = prefix
        self.store, self.work, self.broker = here.store, here.work, here.broker
        self._hosts = list(hosts)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    def address(self, host: str) -> str:
        """The address of a host."""
        return f"{self.prefix}.{FIRST_HOST + self._hosts.index(host)}"

    async def start(self, children: Children, folder: Path) -> None:
        """Lay the cables; no host is on yet."""
        command = [sys.executable, "-m", "campaign.cable", str(folder / "cable"), self.prefix, *self._hosts]
        cable = children.spawn("cable", command)
        await cable.ready(r"The network is ready on (\S+)")
        self._reader, self._writer = await asyncio.open_unix_connection(folder / "cable")

    async def boot(self, host: str) -> Sequence[str]:
        """Switch a host on, without any memory of what it was; the leash of processes that run there."""
        return ("--network", await self._tell(Command("boot", host)))

    async def off(self, host: str) -> None:
        """A host is gone, without a word to anybody."""
        await self._tell(Command("off", host))

    async def wire(self, host: str, way: str, quality: Quality) -> None:
        """Treat what goes this way between the host and here so from now on."""
        await self._tell(Command("wire", host, way, quality))

    async def _tell(self, command: Command) -> str:
        if self._reader is None or self._writer is None:
            raise ProcessError("The network is not there")
        self._writer.write(msgspec.json.encode(command) + b"\n")
        line = await self._reader.readline()
        if not line:
            raise ProcessError("The network has ended")
        return msgspec.json.decode(line, type=str)


@contextlib.asynccontextmanager
async def network(logs: Path, *hosts: str) -> AsyncIterator[Network]:
    """A network for some time. Raises ProcessError where none can be made."""
    why = why_not()
    if why:
        raise ProcessError(f"There are no hosts here: {why}")
    made = Network(_free_prefix(), hosts)
    with tempfile.TemporaryDirectory(prefix="segue-cable-") as folder, Children(logs) as children:
        await made.start(children, Path(folder))
        yield made


def why_not() -> str:
    """Why no network can be made here; empty when one can, which is seen by doing it."""
    if shutil.which("ip") is None:
        return "the command ip is missing (system package iproute2)"
    if os.geteuid() != 0:
        return "only root may make networks"
    asked = [sys.executable, "-m", "campaign.cable"]
    done = subprocess.run(asked, cwd=ROOT, env=child_environment(), capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def _free_prefix() -> str:
    """One of the small networks of the range that nobody here uses."""
    used = subprocess.run(["ip", "-4", "addr"], capture_output=True, text=True, check=True).stdout
    for step in range(256):
        prefix = f"{RANGE}.{(os.getpid() + step) % 256}"
        if f" {prefix}." not in used:
            return prefix
    raise ProcessError(f"all of {RANGE} is in use")
