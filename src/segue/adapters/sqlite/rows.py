"""Rows of the data path, and statements that write many of them at once.

Each statement hands the interpreter lock over twice, so the data path writes up to 128 rows with one; `executemany`
would do so for each row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

CHUNK = 128


def sizes(count: int, most: int = CHUNK) -> Iterator[int]:
    """Split a count into powers of two, so that few different statements serve any count."""
    size = most
    while count:
        while size > count:
            size >>= 1
        yield size
        count -= size


class Insert:
    """An INSERT of any number of rows of one table."""

    def __init__(self, table: str, columns: str, tail: str = "") -> None:
        names = columns.split()
        self._head = f"INSERT INTO {table} ({', '.join(names)}) VALUES "  # noqa: S608  names of ours
        self._row = f"({', '.join('?' * len(names))})"
        self._tail = tail
        self._texts: dict[int, str] = {}

    def write(self, cursor: sqlite3.Cursor, rows: Sequence[Sequence[object]]) -> None:
        """Insert all rows."""
        at = 0
        for size in sizes(len(rows)):
            cursor.execute(self._text(size), list(chain.from_iterable(rows[at : at + size])))
            at += size

    def _text(self, size: int) -> str:
        text = self._texts.get(size)
        if text is None:
            text = self._texts[size] = self._head + ", ".join([self._row] * size) + self._tail
        return text


class Listed:
    """A statement on all rows of a list of numbers; `{}` in its text stands for the list."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._texts: dict[int, str] = {}

    def _of(self, size: int) -> str:
        text = self._texts.get(size)
        if text is None:
            text = self._texts[size] = self._text.format(", ".join("?" * size))
        return text

    def write(self, cursor: sqlite3.Cursor, numbers: Sequence[int]) -> int:
        """Execute it for all numbers; return how many rows it changed."""
        at = changed = 0
        for size in sizes(len(numbers)):
            changed += cursor.execute(self._of(size), numbers[at : at + size]).rowcount
            at += size
        return changed

    def read(self, cursor: sqlite3.Cursor, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        """Execute it for all numbers; return all rows."""
        at = 0
        found: list[tuple[Any, ...]] = []
        for size in sizes(len(numbers)):
            found += cursor.execute(self._of(size), numbers[at : at + size]).fetchall()
            at += size
        return found
