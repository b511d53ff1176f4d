"""Statements that write or read many rows at once.

Each statement hands the interpreter lock over twice, and may wait to get it back. So the data path uses few, with up
to 128 rows each; `executemany` would hand it over for each row. To have few different texts, only some sizes are used,
and what is missing to the next one is filled with rows that do nothing.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

_SIZES = (*range(1, 9), 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
_MOST = _SIZES[-1]


def _portions(count: int) -> Iterator[tuple[int, int, int]]:
    """Split a count: from where, to where, and of which size the statement is."""
    for begin in range(0, count, _MOST):
        end = min(begin + _MOST, count)
        yield begin, end, _SIZES[bisect_left(_SIZES, end - begin)]


class _Sized:
    """Texts of a statement by the number of rows; the rows stand for `{}`, separated by commas."""

    def __init__(self, text: str, row: str) -> None:
        self._text = text
        self._row = row
        self._texts: dict[int, str] = {}

    def of(self, size: int) -> str:
        text = self._texts.get(size)
        if text is None:
            text = self._texts[size] = self._text.format(", ".join([self._row] * size))
        return text


class Rows:
    """A statement on rows of values, which stand for `{}` in its text as the table of a VALUES clause.

    Its columns are `column1` and so on; rows whose first one is NULL are to be left out.
    """

    def __init__(self, text: str, width: int) -> None:
        self._sized = _Sized(text.replace("{}", "(VALUES {})"), f"({', '.join('?' * width)})")
        self._nothing = (None,) * width

    def write(self, cursor: sqlite3.Cursor, rows: Sequence[Sequence[object]]) -> int:
        """Execute it for all rows; return how many it changed."""
        changed = 0
        for begin, end, size in _portions(len(rows)):
            changed += self._execute(cursor, rows[begin:end], size).rowcount
        return changed

    def read(self, cursor: sqlite3.Cursor, rows: Sequence[Sequence[object]]) -> list[tuple[Any, ...]]:
        """Execute it for all rows; return what it finds."""
        found: list[tuple[Any, ...]] = []
        for begin, end, size in _portions(len(rows)):
            found += self._execute(cursor, rows[begin:end], size).fetchall()
        return found

    def _execute(self, cursor: sqlite3.Cursor, rows: Sequence[Sequence[object]], size: int) -> sqlite3.Cursor:
        values = list(chain.from_iterable(rows))
        values += self._nothing * (size - len(rows))
        return cursor.execute(self._sized.of(size), values)


def insert(table: str, columns: str) -> Rows:
    """An INSERT of rows with these columns, of which the first one is never NULL."""
    names = columns.split()
    text = f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM {{}} WHERE column1 IS NOT NULL"  # noqa: S608
    return Rows(text, len(names))


class Listed:
    """A statement on the rows with the numbers of a list; the list stands for `{}` in its text."""

    def __init__(self, text: str) -> None:
        self._sized = _Sized(text, "?")

    def write(self, cursor: sqlite3.Cursor, numbers: Sequence[int]) -> int:
        """Execute it for all numbers; return how many rows it changed."""
        return sum(
            self._execute(cursor, numbers[begin:end], size).rowcount for begin, end, size in _portions(len(numbers))
        )

    def read(self, cursor: sqlite3.Cursor, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        """Execute it for all numbers; return all rows."""
        found: list[tuple[Any, ...]] = []
        for begin, end, size in _portions(len(numbers)):
            found += self._execute(cursor, numbers[begin:end], size).fetchall()
        return found

    def _execute(self, cursor: sqlite3.Cursor, numbers: Sequence[int], size: int) -> sqlite3.Cursor:
        # A number that is in the list twice counts once.
        padded = [*numbers, *[numbers[-1]] * (size - len(numbers))]
        return cursor.execute(self._sized.of(size), padded)
