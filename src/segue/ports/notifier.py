"""Sending notices: what a way out into the world has to do."""

from __future__ import annotations

from typing import Protocol

from segue.model.notices import Outgoing, SenderSettings


class Undelivered(Exception):
    """The notice did not arrive, or it is not known that it did; the text says why, without any secret."""


class Notifier(Protocol):
    """Sends notices through one kind of sender.

    O1 `send` returns only once the receiver has taken the notice over; otherwise it raises `Undelivered`.
    O2 What is sent carries the notice's key, the same at every try, where receivers look for such a thing.
    O3 `send` takes no longer than the sender's `timeout_s` (and 1 s); a receiver that hangs is one that failed.
    O4 No secret of the sender is in an error.
    O5 What a template does with text from messages cannot add headers, recipients or other parts to what is sent.
    """

    async def send(self, settings: SenderSettings, outgoing: Outgoing, now: int) -> None: ...

    async def close(self) -> None: ...
