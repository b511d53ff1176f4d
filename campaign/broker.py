"""A RabbitMQ of the campaign's own: own node name, ports and folder; it is killed, frozen, or has no queue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractQueue
from aio_pika.exceptions import AMQPError

from campaign.processes import free_port
from campaign.waiting import until_async
from campaign.world import World
from segue.testing.rabbitmq import end_name_server

# What the command of the Debian package calls; the command itself changes to another user when root calls it.
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
IS_INSTALLED = SERVER.exists()
NAME, EXCHANGE, ROUTES = "segue", "notices", "segue.#"
PASSWORD = "campaign"
START_S = 120.0


class Broker:
    """One broker over as many lives as a campaign gives it. Its queue outlives a kill."""

    def __init__(self, folder: Path) -> None:
        for library in ("aiormq", "aio_pika"):
            logging.getLogger(library).setLevel(logging.CRITICAL)  # that it is not there yet is no news
        self._folder = folder
        self._port, self._environment = free_port(), _environment(folder)
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._port}\ndefault_user = {NAME}\ndefault_pass = {PASSWORD}\n"
            "loopback_users = none\n",
            encoding="utf-8",
        )
        (folder / "plugins").write_text("[].", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def settings(self) -> dict[str, Any]:
        """What a sender to it is told."""
        known = {"username": NAME, "password": PASSWORD, "exchange": EXCHANGE, "timeout_s": 5}
        return {"kind": "amqp", "host": "127.0.0.1", "port": self._port} | known

    async def start(self) -> None:
        """Start a life and wait until the queue is there and bound."""
        self._spawn()
        await until_async(self._bind, START_S, "RabbitMQ to be ready", every_s=0.2)

    def _spawn(self) -> None:
        with (self._folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [SERVER], env=self._environment, stdout=out, stderr=out, cwd=self._folder, start_new_session=True
            )

    async def suffer(self, trouble: str) -> None:
        """Be killed, stand still, or have no queue for what comes."""
        if trouble == "killed":
            self.end()
        elif trouble == "slow":
            self._signal(signal.SIGSTOP)
        else:
            async with self._channel() as channel:
                await (await self._queue(channel)).unbind(EXCHANGE, ROUTES)

    async def recover(self, trouble: str) -> None:
        """Be well again."""
        if trouble == "killed":
            await self.start()
        elif trouble == "slow":
            self._signal(signal.SIGCONT)
        else:
            await self._bind()

    async def keys(self) -> Counter[str]:
        """How often each key came; takes what came out of the queue."""
        found: Counter[str] = Counter()
        async with self._channel() as channel:
            queue = await self._queue(channel)
            while (message := await queue.get(no_ack=True, fail=False)) is not None:
                found[str(message.message_id)] += 1
        return found

    def end(self) -> None:
        """End this life with SIGKILL, and Erlang's name server with it."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            end_name_server(self._environment)
            self._process = None

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _bind(self) -> bool:
        try:
            async with self._channel() as channel:
                exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
                await (await self._queue(channel)).bind(exchange, ROUTES)
        except (OSError, AMQPError):
            return False
        return True

    @contextlib.asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        connection = await aio_pika.connect(host="127.0.0.1", port=self._port, login=NAME, password=PASSWORD)
        async with connection:
            yield await connection.channel()

    @staticmethod
    async def _queue(channel: AbstractChannel) -> AbstractQueue:
        return await channel.declare_queue("told", durable=True)


def _environment(folder: Path) -> dict[str, str]:
    name = f"segue{free_port()}@localhost"
    places = {
        "MNESIA_BASE": folder / "mnesia",
        "LOG_BASE": folder / "log",
        "CONFIG_FILE": folder / "rabbitmq.conf",
        "ENABLED_PLUGINS_FILE": folder / "plugins",
        "PID_FILE": folder / "pid",
    }
    own = {f"RABBITMQ_{key}": str(place) for key, place in places.items()}
    own |= {"RABBITMQ_NODENAME": name, "RABBITMQ_DIST_PORT": str(free_port())}
    own |= {"ERL_EPMD_PORT": str(free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1"}
    return own | {"PATH": os.environ["PATH"], "HOME": str(folder)}


@contextlib.asynccontextmanager
async def broker(here: World, wanted: bool) -> AsyncIterator[Broker | None]:
    """A broker, if it is wanted and RabbitMQ is installed."""
    if not wanted or not IS_INSTALLED:
        yield None
        return
    folder = here.folder / "rabbit"
    folder.mkdir()
    made = Broker(folder)
    try:
        await made.start()
        yield made
    finally:
        await asyncio.to_thread(made.end)
