"""Publishing notices to an exchange of an AMQP 0-9-1 broker, with the broker's confirmation."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from datetime import UTC, datetime

import aio_pika
import msgspec
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError, DeliveryError

from segue.core.notice_text import fill, in_json, iso, one_line, plain
from segue.model.notices import AmqpSender, Outgoing
from segue.ports.notifier import Undelivered

_LONGEST_KEY = 255
_KEPT = 16


class AmqpNotifier:
    """Publishes durable messages. Delivered is what the broker confirmed and could route to a queue.

    A connection is kept for each set of settings, and made anew after trouble.
    """

    def __init__(self, trust: ssl.SSLContext) -> None:
        # They write a stack trace for each connection that breaks; what is wrong is said by who sends.
        for library in ("aiormq", "aio_pika"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        self._trust = trust
        self._kept: dict[AmqpSenderKey, tuple[AbstractConnection, AbstractChannel]] = {}
        self._connecting = asyncio.Lock()

    async def send(self, settings: AmqpSender, outgoing: Outgoing) -> None:
        """See `Notifier`."""
        message = message_of(settings, outgoing)
        routing_key = one_line(fill(settings.routing_key, outgoing.data, plain), _LONGEST_KEY)
        try:
            channel = await self._channel(settings)
            exchange = await channel.get_exchange(settings.exchange, ensure=False) if settings.exchange else None
            target = exchange or channel.default_exchange
            await target.publish(message, routing_key, mandatory=True, timeout=settings.timeout_s)
        except DeliveryError:
            place = f"exchange {settings.exchange!r} with routing key {routing_key!r}"
            raise Undelivered(f"the broker has no queue for {place}, or refused the message") from None
        except (AMQPError, OSError, RuntimeError, ValueError) as error:
            await self._drop(settings)
            raise Undelivered(f"{type(error).__name__}: {_said(error, settings)}") from None
        except BaseException:  # also a timeout: what is on its way on this channel is not known
            await self._drop(settings)
            raise

    async def close(self) -> None:
        """Close connections that are kept."""
        for connection, _ in self._kept.values():
            with contextlib.suppress(Exception):
                await connection.close()
        self._kept.clear()

    async def _channel(self, settings: AmqpSender) -> AbstractChannel:
        key = msgspec.json.encode(settings)
        async with self._connecting:
            kept = self._kept.get(key)
            if kept is not None and not kept[0].is_closed and not kept[1].is_closed:
                return kept[1]
            await self._drop(settings)
            while len(self._kept) >= _KEPT:
                connection, _ = self._kept.pop(next(iter(self._kept)))
                await connection.close()
            connection = await aio_pika.connect(
                host=settings.host,
                port=settings.port,
                login=settings.username,
                password=settings.password,
                virtualhost=settings.vhost,
                ssl=settings.tls,
                ssl_context=self._trust if settings.tls else None,
                timeout=settings.timeout_s,
                client_properties={"connection_name": "segue"},
            )
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            self._kept[key] = (connection, channel)
            return channel

    async def _drop(self, settings: AmqpSender) -> None:
        kept = self._kept.pop(msgspec.json.encode(settings), None)
        if kept is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(kept[0].close(), 1.0)


AmqpSenderKey = bytes
"""The settings of a sender as one value."""


def message_of(settings: AmqpSender, outgoing: Outgoing) -> aio_pika.Message:
    """The message; its id is the notice's key, the same at every try."""
    if settings.template:
        encode = in_json if "json" in settings.content_type else plain
        body = fill(settings.template, outgoing.data, encode).encode()
    else:
        body = msgspec.json.encode({"type": outgoing.type, "timestamp": iso(outgoing.at), "data": outgoing.data})
    return aio_pika.Message(
        body,
        message_id=outgoing.key,
        type=outgoing.type,
        app_id="segue",
        content_type=settings.content_type,
        content_encoding="utf-8",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        timestamp=datetime.fromtimestamp(outgoing.at / 1000, UTC),
        headers={"segue-notice": outgoing.key},
    )


def _said(error: BaseException, settings: AmqpSender) -> str:
    text = str(error)
    return text.replace(settings.password, "********") if settings.password else text
