"""The sender to an exchange, against a real RabbitMQ."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractQueue
from aio_pika.exceptions import AMQPError
from msgspec.structs import replace

from segue.adapters.senders import Senders
from segue.model.notices import AmqpSender, SenderSettings
from segue.ports.notifier import Undelivered
from segue.testing.contracts.notifier import SECRET, NotifierContract, Received, notice
from segue.testing.rabbitmq import end_name_server
from tests.skipping import needs_command

_START_S = 90.0
# What the command of the Debian package calls; the command itself changes to another user when root calls it.
_SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class Rabbit:
    """A broker of its own: own node name, own ports, own folder."""

    def __init__(self, folder: Path) -> None:
        needs_command("rabbitmq-server", "rabbitmq-server")
        self.port, distribution = _free_port(), _free_port()
        config = folder / "rabbitmq.conf"
        config.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndefault_user = segue\ndefault_pass = {SECRET}\n"
            "loopback_users = none\n"
        )
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"segue{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(_free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        (folder / "plugins").write_text("[].")
        self.log = folder / "out"
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [_SERVER], env=self._environment, stdout=out, stderr=out, cwd=folder, start_new_session=True
            )

    async def ready(self) -> None:
        """Wait until the broker lets us in."""
        async with asyncio.timeout(_START_S):
            while True:
                assert self._process.poll() is None, self.log.read_text()
                try:
                    connection = await aio_pika.connect(port=self.port, login="segue", password=SECRET)
                except (OSError, AMQPError):
                    await asyncio.sleep(0.2)  # not synchronisation: a broker that starts tells nobody
                else:
                    await connection.close()
                    return

    def end(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        # Erlang's name server was started on a port of its own, too.
        end_name_server(self._environment)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    broker = Rabbit(tmp_path_factory.mktemp("rabbit"))
    try:
        asyncio.run(broker.ready())
        yield broker
    finally:
        broker.end()


class AmqpReceiver:
    queue: AbstractQueue

    def __init__(self, rabbit: Rabbit) -> None:
        self.notifier = Senders()
        self.rabbit = rabbit
        self.settings: SenderSettings = AmqpSender(
            host="127.0.0.1",
            port=rabbit.port,
            username="segue",
            password=SECRET,
            exchange="notices",
            routing_key="segue.{{ notice.process }}.{{ notice.type }}",
            timeout_s=5,
        )
        self.templated: SenderSettings = replace(
            self.settings, template='{"said": "{{ notice.detail }}"}', routing_key="segue.{{ notice.detail }}.x"
        )

    async def start(self) -> None:
        self.connection = await aio_pika.connect(port=self.rabbit.port, login="segue", password=SECRET)
        channel = await self.connection.channel()
        exchange = await channel.declare_exchange("notices", aio_pika.ExchangeType.TOPIC)
        self.queue = await channel.declare_queue("mine")
        await self.queue.purge()
        await self.queue.bind(exchange, "segue.#")

    async def received(self, count: int) -> list[Received]:
        found = []
        while (message := await self.queue.get(no_ack=True, fail=False)) is not None:
            assert message.message_id is not None
            found.append(Received(key=message.message_id, text=message.body.decode()))
        assert len(found) == count
        return found

    def at(self, host: str, port: int) -> SenderSettings:
        return replace(self.settings, host=host, port=port, timeout_s=1)

    def wrong_secret(self) -> SenderSettings | None:
        return replace(self.settings, password=f"{SECRET}!")

    async def refuse(self) -> None:
        await self.queue.unbind("notices", "segue.#")


@pytest.fixture
async def receiver(rabbit: Rabbit) -> AsyncIterator[AmqpReceiver]:
    made = AmqpReceiver(rabbit)
    await made.start()
    yield made
    await made.notifier.close()
    await made.connection.close()


class TestAmqp(NotifierContract):
    pass


async def test_a_message_is_durable_and_says_what_it_is(receiver: AmqpReceiver) -> None:
    await receiver.notifier.send(receiver.settings, notice(), 1)
    message = await receiver.queue.get(no_ack=True)
    assert message is not None
    assert message.routing_key == "segue.orders.message-in-trash"
    assert (message.type, message.app_id, message.content_type) == ("message-in-trash", "segue", "application/json")
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert message.headers["segue-notice"] == message.message_id == "r.1"


async def test_an_exchange_that_is_not_there_is_undelivered_and_the_next_works(receiver: AmqpReceiver) -> None:
    assert isinstance(receiver.settings, AmqpSender)
    with pytest.raises(Undelivered):
        await receiver.notifier.send(replace(receiver.settings, exchange="nowhere"), notice(), 1)
    await receiver.notifier.send(receiver.settings, notice(), 1)
    assert len(await receiver.received(1)) == 1
