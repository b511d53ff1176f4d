"""The broker behind its port: two connections that are made anew whenever one is lost, and the channels on them.

One connection publishes and nothing else: a broker that is short of memory reads nothing more from it, while on the
other one tickets are still acknowledged. There one channel declares and removes, and each group of queues that is
consumed from has a channel of its own, so that trouble with one closes no other's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from segue.adapters.rabbitmq.address import Address
from segue.adapters.rabbitmq.connection import Channel, Connection, connect
from segue.model.errors import BrokerUnavailable
from segue.ports.broker import BrokerListener, Delivery, Found, Ticket

log = logging.getLogger(__name__)

_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_CONNECT_S = 10.0
_NO_LIMIT_FROM = 4


class _Consumer:
    """Who is given tickets of a queue: under `tags`, which together may have `prefetch` in hand. One whose number is
    raised gets another tag: to end the first one would send back what is on its way to it."""

    __slots__ = ("channel", "group", "prefetch", "tags")

    def __init__(self, group: int, channel: Channel) -> None:
        self.group = group
        self.channel = channel
        self.prefetch = 0
        self.tags: list[str] = []


class RabbitBroker:
    """Implements `Broker`."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._publisher: Connection | None = None
        self._session = 0
        self._groups: dict[int, Channel] = {}
        self._declarer: Channel | None = None
        self._consumers: dict[str, _Consumer] = {}
        self._count = 0
        self._declaring = asyncio.Lock()
        self._consuming: dict[int, asyncio.Lock] = {}
        self._listener: BrokerListener | None = None
        self._lost = asyncio.Event()
        self._closing = False
        self._tried: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    # -- the port -----------------------------------------------------------------------------------------------------

    @property
    def blocked(self) -> str:
        """See `Broker`."""
        return "" if self._publisher is None else self._publisher.blocked

    @property
    def publisher(self) -> Connection | None:
        """The connection that publishes."""
        return self._publisher

    @property
    def shown(self) -> str:
        """Where it is, for people."""
        return self._address.shown

    async def start(self, listener: BrokerListener) -> None:
        """See `Broker`."""
        self._listener = listener
        loop = asyncio.get_running_loop()
        self._tried = loop.create_future()
        self._task = loop.create_task(self._run())
        await self._tried

    async def publish(self, tickets: Sequence[Ticket]) -> None:
        """See `Broker`."""
        self._usable()
        if tickets and self._publisher is not None:
            await self._publisher.publish(list(tickets))

    async def consume(self, queue: str, group: int, prefetch: int, *, single: bool) -> Found:
        """See `Broker`."""
        async with self._consuming.setdefault(group, asyncio.Lock()):
            found = await self._declare(queue, single)
            channel = await self._channel(group)
            connection = self._usable()
            consumer = self._consumers.get(queue)
            if consumer is None:
                consumer = self._consumers[queue] = _Consumer(group, channel)
            more = min(prefetch - consumer.prefetch, 65_535)
            if more > 0:
                await channel.call(channel.raw.basic_qos, prefetch_count=more)
                self._count += 1
                consumer.tags.append(f"segue-{self._session}-{self._count}")
                consumer.prefetch += more
                await connection.consume(channel, queue, consumer.tags[-1])
            return found

    async def cancel(self, queue: str) -> None:
        """See `Broker`."""
        consumer = self._consumers.get(queue)
        if consumer is not None:
            async with self._consuming.setdefault(consumer.group, asyncio.Lock()):
                await self._cancel(queue)

    def acknowledge(self, delivery: Delivery) -> None:
        """See `Broker`."""
        if (channel := self._channel_of(delivery)) is not None:
            channel.acknowledge(delivery.tag)

    def give_back(self, delivery: Delivery) -> None:
        """See `Broker`."""
        if (channel := self._channel_of(delivery)) is not None:
            channel.give_back(delivery.tag)

    async def remove(self, queues: Sequence[str]) -> None:
        """See `Broker`."""
        for queue in queues:
            self._consumers.pop(queue, None)
        async with self._declaring:
            channel = await self._declares()
            for queue in queues:
                await channel.call(channel.raw.queue_delete, queue)

    async def close(self) -> None:
        """See `Broker`."""
        self._closing = True
        await self._stop()
        connections = [one for one in (self._publisher, self._connection) if one is not None]
        await asyncio.gather(*(connection.close() for connection in connections))

    def drop(self) -> None:
        """Cut the connection, as a fault of the network does. For tests and campaigns."""
        self._drop("cut")

    async def abandon(self) -> None:
        """End as a process that is killed: nothing is said, and no connection is made any more."""
        self._listener = None
        await self._stop()
        self.drop()

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    # -- the connection -----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Keep a connection."""
        failures, told = 0, ""
        while True:
            self._lost.clear()
            try:
                await self._connect()
            except BrokerUnavailable as error:
                if error.detail != told:
                    told = error.detail
                    log.warning("RabbitMQ cannot be used, which is tried again: %s", told)
                self._end_try()
                await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)])
                failures += 1
                continue
            if failures or told:
                log.warning("RabbitMQ can be used again: %s", self._address.shown)
            failures, told = 0, ""
            self._end_try()
            if self._listener is not None:
                self._listener.connected()
            await self._lost.wait()

    def _end_try(self) -> None:
        if self._tried is not None and not self._tried.done():
            self._tried.set_result(None)

    async def _connect(self) -> None:
        self._session += 1
        self._groups.clear()
        self._declarer = None
        made: list[Connection] = []
        try:
            made += [await connect(self, self._address, self._session, _CONNECT_S) for _ in range(2)]
            async with asyncio.timeout(_CONNECT_S):
                await made[1].open_publisher()
            if made[0].closed:
                raise BrokerUnavailable(made[0].closed)
        except BaseException as error:
            for connection in made:
                connection.abort("the other connection failed")
            if isinstance(error, TimeoutError):
                raise BrokerUnavailable(f"{self._address.shown}: no answer in time") from None
            raise
        self._connection, self._publisher = made

    def _usable(self) -> Connection:
        if self._connection is None:
            raise BrokerUnavailable(f"{self._address.shown}: not connected")
        return self._connection

    # -- channels and queues ------------------------------------------------------------------------------------------

    async def _channel(self, group: int) -> Channel:
        """The open channel of a group."""
        channel = self._groups.get(group)
        if channel is None or not channel.is_open:
            channel = self._groups[group] = await self._usable().open_channel()
        return channel

    async def _declares(self) -> Channel:
        if self._declarer is None or not self._declarer.is_open:
            self._declarer = await self._usable().open_channel()
        return self._declarer

    def _channel_of(self, delivery: Delivery) -> Channel | None:
        if self._connection is None or delivery.session != self._session:
            return None
        return self._connection.channel(delivery.channel)

    async def _declare(self, queue: str, single: bool) -> Found:
        """Make a queue, or find it. One that is there with other arguments is used as it is."""
        arguments: dict[str, object] = {"x-queue-type": "quorum"}
        if single:
            arguments["x-single-active-consumer"] = True
        if int(self._usable().version.split(".")[0]) >= _NO_LIMIT_FROM:
            arguments["x-delivery-limit"] = -1  # from 4.0 on there is one of 20 unless told otherwise
        async with self._declaring:
            channel = await self._declares()
            try:
                answer = await channel.call(channel.raw.queue_declare, queue, durable=True, arguments=arguments)
            except BrokerUnavailable as error:
                if "406" not in error.detail:
                    raise
                channel = await self._declares()
                answer = await channel.call(channel.raw.queue_declare, queue, passive=True)
        return Found(answer.message_count, answer.consumer_count)

    async def _cancel(self, queue: str) -> None:
        consumer = self._consumers.pop(queue, None)
        for tag in [] if consumer is None else consumer.tags:
            if consumer is not None and consumer.channel.is_open:
                await consumer.channel.call(consumer.channel.raw.basic_cancel, tag)

    # -- what the connection tells ------------------------------------------------------------------------------------

    def delivered(self, deliveries: list[Delivery]) -> None:
        """See `Owner`."""
        if self._listener is not None:
            self._listener.delivered(deliveries)

    def cancelled(self, consumer: str) -> None:
        """See `Owner`."""
        for queue, known in list(self._consumers.items()):
            if consumer in known.tags:
                for tag in known.tags:  # those that were given to the queue that is there now begin anew as well
                    if tag != consumer and known.channel.is_open:
                        known.channel.raw.basic_cancel(tag)
                self._interrupt([queue])

    def channel_closed(self, channel: int, reason: str) -> None:
        """See `Owner`."""
        log.info("RabbitMQ closed a channel: %s", reason)
        self._interrupt([queue for queue, known in self._consumers.items() if known.channel.number == channel])

    def lost(self, connection: Connection, reason: str) -> None:
        """See `Owner`. The other one ends as well: what one of them says of the broker is true of both."""
        if connection in {self._connection, self._publisher}:
            self._drop(reason)

    def _drop(self, reason: str) -> None:
        connections = [one for one in (self._connection, self._publisher) if one is not None]
        self._connection = self._publisher = None
        if connections and not self._closing:
            log.warning("The connection to RabbitMQ is lost: %s", reason)
        for connection in connections:
            connection.abort(reason)
        self._interrupt(list(self._consumers))
        self._lost.set()

    def _interrupt(self, queues: list[str]) -> None:
        for queue in queues:
            self._consumers.pop(queue, None)
        if self._listener is not None and queues:
            self._listener.interrupted(queues)
