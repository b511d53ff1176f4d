"""All kinds of senders behind one port."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from segue.adapters.senders.amqp import AmqpNotifier
from segue.adapters.senders.email import EmailNotifier
from segue.adapters.senders.url import UrlNotifier
from segue.model.notices import AmqpSender, EmailSender, Outgoing, SenderSettings
from segue.ports.notifier import Undelivered


class Senders:
    """Implements `Notifier` for every kind of sender. `ca_file`: authorities to trust besides the system's."""

    def __init__(self, ca_file: Path | None = None) -> None:
        trust = ssl.create_default_context()
        if ca_file is not None:
            trust.load_verify_locations(ca_file)
        self._url = UrlNotifier(trust)
        self._email = EmailNotifier(trust)
        self._amqp = AmqpNotifier(trust)

    async def send(self, settings: SenderSettings, outgoing: Outgoing, now: int) -> None:
        """See `Notifier`."""
        try:
            async with asyncio.timeout(settings.timeout_s):
                if isinstance(settings, EmailSender):
                    await self._email.send(settings, outgoing)
                elif isinstance(settings, AmqpSender):
                    await self._amqp.send(settings, outgoing)
                else:
                    await self._url.send(settings, outgoing, now)
        except TimeoutError:
            raise Undelivered(f"no answer within {settings.timeout_s:g} s") from None

    async def close(self) -> None:
        """Close what is open."""
        await self._url.close()
        await self._amqp.close()
        self._email.close()
