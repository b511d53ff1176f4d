"""Statements that write or read many rows at once, on every database.

SQLite: each statement hands the interpreter lock over twice, and may wait to get it back. So the data path uses few,
with up to 128 rows each; `executemany` would hand it over for each row. To have few different texts, only some sizes
are used, and what is missing to the next one is filled with rows that do nothing.

PostgreSQL: each statement is a way there and back, so all rows go in one, as an array for each column.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text

from segue.adapters.sql.tables import metadata

_SIZES = (*range(1, 9), 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128)
_MOST = _SIZES[-1]
_ARRAYS = {"number": "bigint[]", "small": "integer[]", "text": "text[]", "bytes": "bytea[]"}
_KINDS: dict[type, str] = {BigInteger: "number", Integer: "small", Text: "text", LargeBinary: "bytes"}


class Result(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...


class Cursor(Protocol):
    """Executes statements, whose values stand for `?`, in the transaction that is open."""

    def execute(self, text: str, values: Sequence[Any] = ..., /) -> Result:
        """Execute a statement."""
        ...


class ArrayCursor:
    """A cursor of a database that takes all rows of a statement at once, as an array for each column (`$1`, `$2`).

    No abstract base class: whether a cursor is one is asked for every statement, and of those that is slow to ask.
    """

    def execute(self, text: str, values: Sequence[Any] = (), /) -> Result:
        """Execute a statement; see `Cursor`."""
        raise NotImplementedError

    def execute_arrays(self, text: str, arrays: Sequence[Sequence[Any]]) -> Result:
        """Execute a statement on arrays."""
        raise NotImplementedError


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
    """A statement on rows of values, which stand for `{}` in its text as a table; an alias may follow it.

    The table's columns are `column1` and so on; rows whose first one is NULL are to be left out. `kinds` are those of
    the columns: number, small (a number of 32 bits), text, bytes.
    """

    def __init__(self, text: str, kinds: str) -> None:
        names = kinds.split()
        self._sized = _Sized(text.replace("{}", "(VALUES {})"), f"({', '.join('?' * len(names))})")
        self._nothing = (None,) * len(names)
        self.arrays = _with_arrays(text, names)

    def write(self, cursor: Cursor, rows: Sequence[Sequence[object]]) -> int:
        """Execute it for all rows; return how many it changed."""
        if not rows:
            return 0
        if isinstance(cursor, ArrayCursor):
            return cursor.execute_arrays(self.arrays, list(zip(*rows, strict=True))).rowcount
        changed = 0
        for begin, end, size in _portions(len(rows)):
            changed += self._execute(cursor, rows[begin:end], size).rowcount
        return changed

    def read(self, cursor: Cursor, rows: Sequence[Sequence[object]]) -> list[Sequence[Any]]:
        """Execute it for all rows; return what it finds."""
        if not rows:
            return []
        if isinstance(cursor, ArrayCursor):
            return cursor.execute_arrays(self.arrays, list(zip(*rows, strict=True))).fetchall()
        found: list[Sequence[Any]] = []
        for begin, end, size in _portions(len(rows)):
            found += self._execute(cursor, rows[begin:end], size).fetchall()
        return found

    def _execute(self, cursor: Cursor, rows: Sequence[Sequence[object]], size: int) -> Result:
        values = list(chain.from_iterable(rows))
        values += self._nothing * (size - len(rows))
        return cursor.execute(self._sized.of(size), values)


def _with_arrays(text: str, kinds: Sequence[str]) -> str:
    """Return the statement with arrays in the place of rows, under the alias that the text gives the table."""
    given = ", ".join(f"${n}::{_ARRAYS[kind]}" for n, kind in enumerate(kinds, 1))
    columns = ", ".join(f"column{n}" for n in range(1, len(kinds) + 1))
    if "{} d" in text:
        return text.replace("{} d", f"unnest({given}) d({columns})")
    return text.replace("{}", f"unnest({given}) given({columns})")


def insert(table: str, columns: str) -> Rows:
    """An INSERT of rows with these columns, of which the first one is never NULL."""
    names = columns.split()
    text = f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM {{}} WHERE column1 IS NOT NULL"  # noqa: S608
    return Rows(text, kinds_of(table, columns))


def kinds_of(table: str, columns: str) -> str:
    """Return the kinds of columns, as `Rows` wants them."""
    return " ".join(_kind(metadata.tables[table].c[name]) for name in columns.split())


def _kind(column: Column[Any]) -> str:
    return next(kind for type_, kind in _KINDS.items() if isinstance(column.type, type_))


class Listed:
    """A statement on the rows with the numbers (or, as `kind` says, texts) of a list, which stands for `{}` in its
    text, after IN."""

    def __init__(self, text: str, kind: str = "number") -> None:
        self._sized = _Sized(text, "?")
        self.arrays = text.replace("IN ({})", f"= ANY($1::{_ARRAYS[kind]})")

    def write(self, cursor: Cursor, numbers: Sequence[int] | Sequence[str]) -> int:
        """Execute it for all numbers; return how many rows it changed."""
        if not numbers:
            return 0
        if isinstance(cursor, ArrayCursor):
            return cursor.execute_arrays(self.arrays, [numbers]).rowcount
        return sum(
            self._execute(cursor, numbers[begin:end], size).rowcount for begin, end, size in _portions(len(numbers))
        )

    def read(self, cursor: Cursor, numbers: Sequence[int] | Sequence[str]) -> list[Sequence[Any]]:
        """Execute it for all numbers; return all rows."""
        if not numbers:
            return []
        if isinstance(cursor, ArrayCursor):
            return cursor.execute_arrays(self.arrays, [numbers]).fetchall()
        found: list[Sequence[Any]] = []
        for begin, end, size in _portions(len(numbers)):
            found += self._execute(cursor, numbers[begin:end], size).fetchall()
        return found

    def _execute(self, cursor: Cursor, numbers: Sequence[int] | Sequence[str], size: int) -> Result:
        # A number that is in the list twice counts once.
        padded: list[int | str] = [*numbers, *[numbers[-1]] * (size - len(numbers))]
        return cursor.execute(self._sized.of(size), padded)
