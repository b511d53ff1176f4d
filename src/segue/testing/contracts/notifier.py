"""The contract of `Notifier`, O1 to O5, for each kind of sender against a real receiver."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Protocol

import pytest
from msgspec import Struct

from segue.core.notice_text import outgoing
from segue.model.events import Event, EventKind
from segue.model.notices import Notice, NoticeState, Outgoing, SenderSettings, Told
from segue.ports.notifier import Notifier, Undelivered

SECRET = "hush-hush"
_ENOUGH_S = 30.0


class Received(Struct, frozen=True, kw_only=True):
    """What came: the key where receivers look for it, everything as one text, and to how many it went."""

    key: str
    text: str
    recipients: int = 1


class Receiver(Protocol):
    """A real receiver. `settings` send to it and hold `SECRET`; `templated` has a text from the notice wherever the
    kind of sender takes a template."""

    notifier: Notifier
    settings: SenderSettings
    templated: SenderSettings

    async def received(self, count: int) -> list[Received]:
        """What has come so far, once it is so many."""
        ...

    def at(self, host: str, port: int) -> SenderSettings:
        """The settings, but sending elsewhere."""
        ...

    def wrong_secret(self) -> SenderSettings | None:
        """The settings with another secret that the receiver refuses; None where it cannot know."""
        ...

    async def refuse(self) -> None:
        """From now on say no to whatever comes."""
        ...


class NotifierContract:
    """Needs the fixture `receiver`."""

    @pytest.fixture
    async def nowhere(self) -> AsyncIterator[tuple[str, int]]:
        """An address that takes connections and never says anything."""
        held = socket.create_server(("127.0.0.1", 0))
        yield held.getsockname()[:2]
        held.close()

    async def test_O1_what_is_sent_has_arrived(self, receiver: Receiver) -> None:
        """With what it tells."""
        await receiver.notifier.send(receiver.settings, notice(), 1)
        [came] = await receiver.received(1)
        assert "the crm said no" in came.text
        assert "orders" in came.text

    async def test_O1_what_is_refused_is_undelivered(self, receiver: Receiver) -> None:
        """And says why."""
        await receiver.refuse()
        with pytest.raises(Undelivered) as caught:
            await receiver.notifier.send(receiver.settings, notice(), 1)
        assert str(caught.value)

    async def test_O1_nobody_there_is_undelivered(self, receiver: Receiver) -> None:
        """A closed port."""
        held = socket.create_server(("127.0.0.1", 0))
        host, port = held.getsockname()[:2]
        held.close()
        with pytest.raises(Undelivered):
            await receiver.notifier.send(receiver.at(host, port), notice(), 1)

    async def test_O2_the_key_is_the_same_at_every_try(self, receiver: Receiver) -> None:
        """So the receiver can drop the repeat."""
        for _ in range(2):
            await receiver.notifier.send(receiver.settings, notice(), 1)
        await receiver.notifier.send(receiver.settings, notice("r.2"), 2)
        keys = [came.key for came in await receiver.received(3)]
        assert keys[0] == keys[1] != keys[2]
        assert "r.1" in keys[0]

    async def test_O3_a_receiver_that_hangs_is_one_that_failed(
        self, receiver: Receiver, nowhere: tuple[str, int]
    ) -> None:
        """It is given up after the time it has."""
        async with asyncio.timeout(_ENOUGH_S):
            with pytest.raises(Undelivered):
                await receiver.notifier.send(receiver.at(*nowhere), notice(), 1)

    async def test_O4_no_secret_is_in_an_error(self, receiver: Receiver, nowhere: tuple[str, int]) -> None:
        """Whatever goes wrong."""
        wrong = receiver.wrong_secret()
        tries = [receiver.at(*nowhere), *([wrong] if wrong is not None else [])]
        await receiver.refuse()
        for settings in (*tries, receiver.settings):
            with pytest.raises(Undelivered) as caught:
                await receiver.notifier.send(settings, notice(), 1)
            assert SECRET not in str(caught.value)

    async def test_O5_text_of_a_message_adds_nothing_but_text(self, receiver: Receiver) -> None:
        """No header, no recipient, no other part."""
        evil = 'x\r\nBcc: thief@example.org\r\nX-Evil: yes\r\n\r\n<b>"}]'
        await receiver.notifier.send(receiver.templated, notice(detail=evil), 1)
        [came] = await receiver.received(1)
        assert came.recipients == 1
        heads = came.text.replace("\r\n", "\n").split("\n\n")[0].split("\n")
        assert not [line for line in heads if line.lower().startswith(("bcc:", "x-evil:"))]


def notice(key: str = "r.1", detail: str = "the crm said no") -> Outgoing:
    """A notice about a message in trash."""
    event = Event(
        kind=EventKind.MESSAGE_IN_TRASH,
        at=1_700_000_000_000,
        seq=1,
        process="orders",
        version=2,
        instance="0190-i",
        node="to-crm",
        message="0190-m",
        detail=detail,
    )
    made = Notice(
        key=key,
        rule="r",
        sender="s",
        group="g",
        state=NoticeState.PENDING,
        first_at=event.at,
        last_at=event.at,
        due=event.at,
        told=(Told(event=event),),
    )
    return outgoing(made, "when something fails")
