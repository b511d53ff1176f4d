"""The log book: lines about messages as they are stored, how far each destination has got, and levels of processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from segue.ports.views import StoredLog


class LogFilter(Struct, frozen=True, kw_only=True):
    """Lines to list. None is no condition.

    `levels` are the levels wanted; `words` have to be in the text, each of them, whatever their case. Instants are ms:
    `since` included, `until` not. `after` and `before` are numbers of lines, which are not included. Without `newest`
    the oldest lines come first. `complete`: only lines before which none can come any more, so that whoever goes on
    after the last one misses none; other processes may be storing some.
    """

    levels: Sequence[str] | None = None
    words: Sequence[str] = ()
    process: str | None = None
    version: int | None = None
    node: str | None = None
    instance: str | None = None
    message: str | None = None
    since: int | None = None
    until: int | None = None
    after: int = 0
    before: int | None = None
    newest: bool = False
    complete: bool = False
    limit: int = 50


class SinkPosition(Struct, frozen=True, kw_only=True):
    """How far a destination has got: every line up to number `seq` was sent, refused by it, dropped, or not for it.

    `levels` are those of the lines that are for it. `sent`, `refused` and `dropped` count lines since the destination
    was first used.
    """

    name: str
    levels: tuple[str, ...]
    seq: int = 0
    sent: int = 0
    refused: int = 0
    dropped: int = 0


class LogBook(Protocol):
    """Lines are stored by the settle that they belong to, and by `Line`s of scripts; here they are read and let go.

    B1 `find_logs` gives every line that fits, each once, in the order asked for, with the names it belongs to.
    B2 A position comes back as it was put.
    B3 `trim_logs` removes the oldest lines, and counts, in the same transaction, those among them that a destination
       had still to be sent as `dropped` for it; so does `Retention.prune` with the lines of its instances.
    B4 The level of a process comes back as it was put; it is gone when put as None.
    """

    async def find_logs(self, wanted: LogFilter) -> list[StoredLog]: ...

    async def last_log(self) -> int:
        """The number of the newest line before which none can come any more; 0 without any."""
        ...

    async def count_logs(self, after: int, levels: Sequence[str]) -> int:
        """How many lines of these levels have a higher number."""
        ...

    async def sink_positions(self) -> list[SinkPosition]: ...

    async def put_sink_position(self, position: SinkPosition) -> None: ...

    async def forget_sink(self, name: str) -> None:
        """Forget a destination that is no longer configured."""
        ...

    async def trim_logs(self, keep: int, limit: int, held: Mapping[str, int]) -> int:
        """Remove up to `limit` of the lines whose number is `keep` or more below the newest one's; how many there were.

        `held` says up to which number the lines for a destination are just being sent, or were and are to be sent
        again: these stay, so that each line is either sent or counted.
        """
        ...

    async def log_levels(self) -> dict[str, str]:
        """The least level of each process that has one of its own."""
        ...

    async def put_log_level(self, process: str, level: str | None) -> None:
        """Raises ProcessNotFound."""
        ...
