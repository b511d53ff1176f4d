"""Destinations of log lines outside the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from segue.ports.views import StoredLog


class SinkTrouble(Exception):
    """Nothing could be sent now; the text says what is wrong, without credentials. The same lines are tried again."""


class Sent(Struct, frozen=True, kw_only=True):
    """What became of the lines of one call: taken ones, and refused ones, which will be refused for ever.

    `reason` is what the destination says of the first refused one.
    """

    taken: int
    refused: int = 0
    reason: str | None = None


class LogSink(Protocol):
    """Takes lines in the order of their numbers.

    S1 Lines that `send` counts as taken are with the destination, as far as its protocol can say so.
    S2 Where `knows_ids`, sending a line twice leaves one.
    S3 What is wrong with the destination is SinkTrouble; a line that it will never take does not hold up the others.
    S4 A line arrives with its level, text, instant and every name and id it belongs to.
    """

    name: str
    kind: str
    address: str
    """Where it leads, for people: without credentials."""
    levels: tuple[str, ...]
    """The levels it is to be sent."""
    knows_ids: bool
    link: str | None
    """An address that shows an instance's lines there, with {instance}, {process} and {message} to be filled in."""

    async def send(self, lines: Sequence[StoredLog]) -> Sent:
        """Send lines, oldest first. Raises SinkTrouble."""
        ...

    async def close(self) -> None: ...


class SinkState(Struct, frozen=True, kw_only=True):
    """A destination as people see it.

    `status` holds since the instant `since`; `trouble` says what is wrong, `refusal` what the destination said of the
    last line that it will never take. `waiting` lines are still to be sent.
    """

    name: str
    kind: str
    address: str
    levels: tuple[str, ...]
    link: str | None
    status: Literal["ok", "trouble"]
    since: int
    trouble: str | None
    refusal: str | None
    waiting: int
    sent: int
    refused: int
    dropped: int
