"""Scripts: database work as generators that yield statements and receive rows.

A script knows tables and rules, but not how statements reach the database, so the same one serves a driver that blocks
(SQLite) and one that awaits.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct
from sqlalchemy.sql.expression import ClauseElement

from segue.model.events import Event

T = TypeVar("T")
Row: TypeAlias = Sequence[Any]


class Note(Struct, frozen=True):
    """Asks the driver to store an event and to tell it after the commit. `version` is the number in the store of the
    version that it is about, None for none."""

    event: Event
    version: int | None


class Discarded(Struct, frozen=True):
    """Tells the driver that all messages of a version have left their queues."""

    version: int


class Line(Struct, frozen=True):
    """Asks the driver to store a log line under the next number; queue and instance are numbers in the store."""

    at: int
    level: str
    text: str
    queue: int
    instance: int
    message: str


Script: TypeAlias = Generator[ClauseElement | Note | Discarded | Line, list[Row], T]
