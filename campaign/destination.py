"""The receiver of notices and log lines as a process that is killed, made sick, and started again where it was."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from campaign.processes import Child, free_port
from campaign.receiver import LOOPBACK, Taken, read_taken
from campaign.world import World


class Destination:
    """One receiver on the same ports and with the same book, over as many lives as a campaign gives it."""

    def __init__(self, folder: Path) -> None:
        self.http, self.tcp, self.smtp = free_port(), free_port(), free_port()
        self.url = f"http://{LOOPBACK}:{self.http}"
        self._book = folder / "receiver.book"
        self._child: Child | None = None

    def sinks(self) -> str:
        """The setting that makes it a destination of log lines in three ways."""
        return (
            f"elastic+{self.url}?name=bulk logstash+{self.url}/lines?name=lines"
            f" logstash+tcp://{LOOPBACK}:{self.tcp}?name=tcp"
        )

    async def start(self, here: World) -> None:
        """Start a life and wait until it is ready."""
        ports = [str(port) for port in (self.http, self.tcp, self.smtp)]
        command = [sys.executable, "-m", "campaign.receiver", str(self._book), *ports]
        self._child = here.children.spawn("receiver", command)
        await self._child.ready(r"is ready on (http://\S+)")

    def kill(self, here: World) -> None:
        """End this life with SIGKILL."""
        if self._child is not None:
            here.children.kill(self._child)
            self._child = None

    async def behave(self, here: World, mode: str) -> None:
        """Make it behave in this way from now on."""
        async with here.session.put(f"{self.url}/mode", data=mode) as answer:
            answer.raise_for_status()

    def taken(self) -> list[Taken]:
        """All that it has ever taken."""
        return read_taken(self._book.read_text(encoding="utf-8"))

    def keys(self, way: str) -> Counter[str]:
        """How often it took each key by this way."""
        return Counter(each.key for each in self.taken() if each.way == way)


async def add_hook(here: World, destination: Destination, timeout_s: int = 2) -> None:
    """Make the receiver known as the sender `hook`."""
    settings = {"kind": "url", "url": f"{destination.url}/hook", "timeout_s": timeout_s}
    await here.api.call("POST", "/senders", {"name": "hook", "settings": settings})
