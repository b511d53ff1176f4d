"""One connection to RabbitMQ, made of pika's callbacks: calls that are awaited, confirms, deliveries by the lot."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from pika import BasicProperties, ConnectionParameters, PlainCredentials, SSLOptions
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel as Raw
from pika.exceptions import AMQPError, StreamLostError
from pika.spec import Basic

from segue.adapters.rabbitmq.address import Address
from segue.model.errors import BrokerUnavailable
from segue.ports.broker import Delivery, Ticket

log = logging.getLogger(__name__)
# It writes a stack trace for each connection that breaks; what is wrong is said by who uses it.
logging.getLogger("pika").setLevel(logging.CRITICAL)

_BEAT_S = 10
_BYE_S = 2.0
_DURABLE = 2
_about: Any = BasicProperties  # pika says no types of what it is made of


class Owner(Protocol):
    """Whom a connection tells. Nothing that is told may raise."""

    def delivered(self, deliveries: list[Delivery]) -> None:
        """Tickets have come."""
        ...

    def cancelled(self, consumer: str) -> None:
        """The broker gives no more tickets to a consumer: its queue is gone, say."""
        ...

    def channel_closed(self, channel: int, reason: str) -> None:
        """The broker has closed a channel."""
        ...

    def lost(self, connection: Connection, reason: str) -> None:
        """The connection is over."""
        ...


class _Line(AsyncioConnection):
    """Sends all that is written in one turn of the event loop together: pika sends each frame by itself."""

    def _init_connection_state(self) -> None:
        super()._init_connection_state()
        self._frames: list[bytes] = []

    def _adapter_emit_data(self, data: bytes) -> None:
        if not self._frames:
            self.ioloop.call_soon(self._send_frames)
        self._frames.append(data)

    def _send_frames(self) -> None:
        frames, self._frames = self._frames, []
        if frames and self._transport is not None:
            self._transport.write(b"".join(frames))


class _Batch:
    """Publications that are answered together."""

    __slots__ = ("done", "left", "refused")

    def __init__(self, left: int, done: asyncio.Future[None]) -> None:
        self.left = left
        self.done = done
        self.refused = False


class Channel:
    """A channel. `number` is its own for good; the one on the wire is used again. `given` are the deliveries in hand,
    oldest first. Acknowledgements of one turn of the event loop go together: one for all up to the oldest that stays,
    and one for each beyond."""

    def __init__(self, raw: Raw, number: int) -> None:
        self.raw = raw
        self.number = number
        self.waiting: set[asyncio.Future[Any]] = set()
        self._loop = asyncio.get_running_loop()
        self.given: dict[int, None] = {}
        self._used: set[int] = set()

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return bool(self.raw.is_open)

    async def call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call a method of pika's channel and wait for its answer. Raises BrokerUnavailable when the channel ends."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self.waiting.add(future)
        try:
            method(*arguments, callback=partial(_answer, future), **named)
            return await future
        except AMQPError as error:
            raise BrokerUnavailable(f"the channel cannot be used: {error!r}") from None
        finally:
            self.waiting.discard(future)

    def acknowledge(self, tag: int) -> None:
        """A delivery is used up."""
        if tag in self.given:
            if not self._used:
                self._loop.call_soon(self._acknowledge)
            self._used.add(tag)

    def give_back(self, tag: int) -> None:
        """Have a delivery put back into its queue."""
        if tag in self.given and tag not in self._used and self.is_open:
            del self.given[tag]
            self.raw.basic_nack(tag, requeue=True)

    def _acknowledge(self) -> None:
        used, self._used = self._used, set()
        if not self.is_open:
            return
        oldest = list(itertools.takewhile(used.__contains__, self.given))
        if oldest:
            self.raw.basic_ack(oldest[-1], multiple=True)
        for tag in used.difference(oldest):
            self.raw.basic_ack(tag)
        for tag in used:
            del self.given[tag]


def _answer(future: asyncio.Future[Any], frame: Any) -> None:
    if not future.done():
        future.set_result(frame.method if hasattr(frame, "method") else frame)


class Connection:
    """Made by `connect`. Once `lost` was told it is of no more use. `blocked` says why the broker takes nothing."""

    def __init__(self, owner: Owner, address: Address, session: int, timeout_s: float) -> None:
        self.blocked = ""
        self.closed = ""
        self._owner = owner
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._channels: dict[int, Channel] = {}
        self._numbers = itertools.count(1)
        self._deliveries: list[Delivery] = []
        self._publishing: Channel | None = None
        self._tag = 0
        self._unconfirmed: dict[int, _Batch] = {}
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self._over = asyncio.Event()
        self._line = _Line(
            _parameters(address, timeout_s),
            on_open_callback=self._on_open,
            on_open_error_callback=self._on_lost,
            on_close_callback=self._on_lost,
            custom_ioloop=self._loop,
        )
        self._line.add_on_connection_blocked_callback(self.on_blocked)
        self._line.add_on_connection_unblocked_callback(self.on_unblocked)

    @property
    def version(self) -> str:
        """The broker's."""
        return str((self._line.server_properties or {}).get("version", "3"))

    def channel(self, number: int) -> Channel | None:
        """One of its channels, as long as it is open."""
        return self._channels.get(number)

    async def open_channel(self) -> Channel:
        """Open a channel. Raises BrokerUnavailable."""
        self._check()
        future: asyncio.Future[Any] = self._loop.create_future()
        try:
            raw = self._line.channel(on_open_callback=partial(_answer, future))
        except AMQPError as error:
            raise BrokerUnavailable(f"no channel can be opened: {error!r}") from None
        channel = Channel(raw, next(self._numbers))
        self._channels[channel.number] = channel
        channel.waiting.add(future)
        raw.add_on_close_callback(lambda _raw, error: self._on_channel_closed(channel, error))
        raw.add_on_cancel_callback(lambda frame: self._owner.cancelled(frame.method.consumer_tag))
        await future
        channel.waiting.discard(future)
        return channel

    async def open_publisher(self) -> None:
        """From here on tickets can be published. Raises BrokerUnavailable."""
        channel = await self.open_channel()
        await channel.call(channel.raw.confirm_delivery, self._on_confirm)
        self._publishing = channel

    async def publish(self, tickets: list[Ticket]) -> None:
        """Publish, and wait until all are confirmed. Raises BrokerUnavailable. One for a queue that is not there is
        dropped: who makes the queue fills it."""
        self._check()
        if self._publishing is None or not self._publishing.is_open:
            raise BrokerUnavailable("not connected")
        batch = _Batch(len(tickets), self._loop.create_future())
        send = self._publishing.raw.basic_publish
        for ticket in tickets:
            self._tag += 1
            self._unconfirmed[self._tag] = batch
            about = _about(message_id=ticket.id, delivery_mode=_DURABLE)
            send("", ticket.queue, b"%d" % ticket.number, about)
        await batch.done

    async def consume(self, channel: Channel, queue: str, tag: str) -> None:
        """Have tickets given to this process under a tag. Raises BrokerUnavailable."""
        give = partial(self._on_message, channel, queue)
        await channel.call(channel.raw.basic_consume, queue, give, consumer_tag=tag)

    async def close(self) -> None:
        """End in order."""
        if not self.closed and self._line.is_open:
            self._line.close()
            try:
                async with asyncio.timeout(_BYE_S):
                    await self._over.wait()
            except TimeoutError:
                pass
        self.abort("closed")

    def abort(self, reason: str) -> None:
        """End at once. Everybody who waits is told."""
        if self.closed:
            return
        self.closed = reason
        if self._line.is_open or self._line.is_closing:
            self._line._terminate_stream(StreamLostError(reason))  # noqa: SLF001 - pika has no public way to give up
        elif not self._line.is_closed:
            self._line.close()
        error = BrokerUnavailable(reason)
        for channel in self._channels.values():
            _fail(channel.waiting, error)
        self._channels.clear()
        _fail([batch.done for batch in self._unconfirmed.values()], error)
        self._unconfirmed.clear()
        _fail([self.opened], error)
        self._owner.lost(self, reason)

    def _check(self) -> None:
        if self.closed:
            raise BrokerUnavailable(self.closed)

    # -- what pika tells ----------------------------------------------------------------------------------------------

    def _on_open(self, _line: object) -> None:
        if not self.opened.done():
            self.opened.set_result(None)

    def _on_lost(self, _line: object, error: BaseException) -> None:
        self._over.set()
        self.abort(str(error) or repr(error))

    def on_blocked(self, _line: object, frame: Any) -> None:
        """The broker takes nothing."""
        self.blocked = str(frame.method.reason) or "no reason given"
        log.warning("RabbitMQ takes nothing now: %s", self.blocked)

    def on_unblocked(self, _line: object, _frame: object) -> None:
        """It does again."""
        self.blocked = ""
        log.warning("RabbitMQ takes messages again")

    def _on_channel_closed(self, channel: Channel, error: BaseException) -> None:
        if self._channels.pop(channel.number, None) is None:
            return
        reason = str(error)
        _fail(channel.waiting, BrokerUnavailable(reason))
        if channel is self._publishing:
            self.abort(reason)
        else:
            self._owner.channel_closed(channel.number, reason)

    def _on_message(
        self, channel: Channel, queue: str, _raw: object, given: Basic.Deliver, about: BasicProperties, body: bytes
    ) -> None:
        channel.given[given.delivery_tag] = None
        number = int(body) if body.isdigit() and len(body) < 20 else 0
        count = (about.headers or {}).get("x-delivery-count", 0)
        if not self._deliveries:
            self._loop.call_soon(self._tell)
        self._deliveries.append(
            Delivery(
                queue=queue,
                number=number,
                id=about.message_id or "",
                count=count if isinstance(count, int) else 0,
                session=self._session,
                channel=channel.number,
                tag=given.delivery_tag,
            )
        )

    def _tell(self) -> None:
        deliveries, self._deliveries = self._deliveries, []
        if not self.closed:
            self._owner.delivered(deliveries)

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        tags = [method.delivery_tag]
        if method.multiple:
            tags = list(itertools.takewhile(lambda tag: tag <= method.delivery_tag, self._unconfirmed))
        for tag in tags:
            batch = self._unconfirmed.pop(tag, None)
            if batch is None:
                continue
            batch.left -= 1
            batch.refused |= isinstance(method, Basic.Nack)
            if batch.left == 0 and not batch.done.done():
                if batch.refused:
                    batch.done.set_exception(BrokerUnavailable("the broker refused a message"))
                else:
                    batch.done.set_result(None)


def _fail(futures: Any, error: BrokerUnavailable) -> None:
    """End what somebody may wait for; nobody has to."""
    for future in list(futures):
        if not future.done():
            future.set_exception(error)
            future.exception()


def _parameters(address: Address, timeout_s: float) -> ConnectionParameters:
    return ConnectionParameters(
        host=address.host,
        port=address.port,
        virtual_host=address.vhost,
        credentials=PlainCredentials(address.user, address.password, erase_on_connect=True),
        heartbeat=_BEAT_S,
        ssl_options=None if address.tls is None else SSLOptions(address.tls, address.host),
        socket_timeout=timeout_s,
        stack_timeout=timeout_s,
        connection_attempts=1,
        client_properties={"product": "Segue", "connection_name": "segue"},
    )


async def connect(owner: Owner, address: Address, session: int, timeout_s: float) -> Connection:
    """Connect and shake hands. Raises BrokerUnavailable."""
    connection = Connection(owner, address, session, timeout_s)
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.shield(connection.opened)
    except TimeoutError:
        connection.abort("no answer in time")
        raise BrokerUnavailable(f"{address.shown}: no answer in time") from None
    except BrokerUnavailable as error:
        raise BrokerUnavailable(f"{address.shown}: {error.detail}") from None
    except BaseException:
        connection.abort("given up")
        raise
    return connection
