"""A RabbitMQ beside the store of a campaign, and what hits it: killed, cut off, stalled, short of memory, queues gone.

On one host Segue reaches it through a relay of bytes, so that its connections can be cut or stand still without a word
to either; where there are hosts, their network is hit instead (`campaign/hosts.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

from pika import BlockingConnection, URLParameters
from pika.exceptions import AMQPError

from campaign.processes import free_port
from segue.testing.rabbitmq import LOOPBACK, Rabbit

LONGEST_AWAY_S = 2.0
LONGEST_STALL_S = 4.0
_CHUNK = 65_536


class Wire:
    """Hands bytes on between Segue and RabbitMQ, both ways."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._open = asyncio.Event()
        self._open.set()
        self._ways: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", self.port)

    def cut(self) -> None:
        """Break off all connections."""
        for way in self._ways:
            way.cancel()

    def stall(self) -> None:
        """From now on nothing passes."""
        self._open.clear()

    def flow(self) -> None:
        """It passes again, with all that was on its way."""
        self._open.set()

    async def close(self) -> None:
        """End."""
        self.cut()
        if self._server is not None:
            self._server.close()
        if self._ways:
            await asyncio.wait(self._ways)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._ways.add(task)
        far: asyncio.StreamWriter | None = None
        try:
            back, far = await asyncio.open_connection("127.0.0.1", self._target)
            ways = [
                asyncio.ensure_future(self._hand_on(reader, far)),
                asyncio.ensure_future(self._hand_on(back, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone, or the wire is cut
        finally:
            self._ways.discard(task)
            for end in (writer, far):
                if end is not None:
                    end.transport.abort()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._open.wait()
            writer.write(data)
            await writer.drain()


OWN_FAULTS = ("broker_killed", "memory_alarm", "queue_deleted", "queue_purged")
"""What happens to RabbitMQ itself, whatever the way to it."""


class Burrow:
    """A RabbitMQ, the wire to it, and faults. `url` is what Segue is told."""

    def __init__(self, rabbit: Rabbit) -> None:
        self.rabbit = rabbit
        self.url = rabbit.url()
        self.wire: Wire | None = None
        self._queues: list[str] = []
        self.faults: dict[str, tuple[int, Callable[[Random], Awaitable[None]]]] = {
            "broker_killed": (5, self._kill),
            "memory_alarm": (2, self._alarm),
            "queue_deleted": (4, self._delete),
            "queue_purged": (3, self._purge),
        }
        """What can happen, and how often beside the others."""

    async def lay(self) -> None:
        """Have Segue reach it through a wire, which can be hit too."""
        wire = self.wire = Wire(self.rabbit.port)
        await wire.start()
        self.url = self.url.replace(f":{self.rabbit.port}/", f":{wire.port}/")
        self.faults |= {
            "broker_cut_off": (5, lambda random: _cut(wire, random)),
            "broker_stalled": (3, lambda random: _stall(wire, random)),
        }

    async def hit(self, kind: str, random: Random) -> None:
        """Let it happen; afterwards RabbitMQ can be reached."""
        await self.faults[kind][1](random)

    async def _kill(self, random: Random) -> None:
        await asyncio.to_thread(self.rabbit.kill)
        await asyncio.sleep(random.uniform(0, LONGEST_AWAY_S))  # the random moment
        await asyncio.to_thread(self.rabbit.start)

    async def _alarm(self, random: Random) -> None:
        await self._control("set_vm_memory_high_watermark", "absolute", "1MB")
        await asyncio.sleep(random.uniform(0.5, LONGEST_STALL_S))  # how long is up to the dice
        await self._control("set_vm_memory_high_watermark", "0.9")

    async def _delete(self, random: Random) -> None:
        queue = await self._some_queue(random)
        if queue:
            await asyncio.to_thread(self._reach_in, lambda channel: channel.queue_delete(queue))

    async def _purge(self, random: Random) -> None:
        queue = await self._some_queue(random)
        if queue:
            await asyncio.to_thread(self._reach_in, lambda channel: channel.queue_purge(queue))

    async def _some_queue(self, random: Random) -> str:
        """One of the queues; they are made again under the same names."""
        if not self._queues:
            self._queues = sorted((await self._control("list_queues", "name", "--no-table-headers")).split())
        return random.choice(self._queues) if self._queues else ""

    async def _control(self, *arguments: str) -> str:
        return await asyncio.to_thread(self.rabbit.control, *arguments)

    def _reach_in(self, what: Callable[..., object]) -> None:
        """Do something as a person with tools of the broker's own; a queue may be gone by then."""
        connection = BlockingConnection(URLParameters(self.rabbit.url()))
        try:
            with contextlib.suppress(AMQPError):
                what(connection.channel())
        finally:
            with contextlib.suppress(AMQPError):
                connection.close()


async def _cut(wire: Wire, random: Random) -> None:
    for _ in range(random.randint(1, 4)):
        wire.cut()
        await asyncio.sleep(random.uniform(0, 0.3))  # the random moment


async def _stall(wire: Wire, random: Random) -> None:
    wire.stall()
    await asyncio.sleep(random.uniform(0.1, LONGEST_STALL_S))  # how long is up to the dice
    wire.flow()


@contextlib.asynccontextmanager
async def burrow(folder: Path, address: str | None = None) -> AsyncIterator[Burrow]:
    """A RabbitMQ in a folder for some time, reached through a wire unless it has an address of its own; on leaving, in
    whatever way, all of it has ended."""
    rabbit = Rabbit.make(folder, ["vm_memory_high_watermark.relative = 0.9"], address=address or LOOPBACK)
    made = Burrow(rabbit)
    try:
        await asyncio.to_thread(rabbit.start)
        if address is None:
            await made.lay()
        yield made
    finally:
        try:
            if made.wire is not None:
                await made.wire.close()
        finally:
            rabbit.kill()
