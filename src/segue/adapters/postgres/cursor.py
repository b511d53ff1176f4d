"""The cursor that shared code writes with: it looks synchronous, and awaits the database underneath.

Shared code runs in a greenlet (`bridged`); each statement hands control to the event loop until its answer is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.util import await_only, greenlet_spawn

from segue.adapters.postgres.connect import Connection
from segue.adapters.sql.rows import ArrayCursor

P = ParamSpec("P")
T = TypeVar("T")

_MARK = re.compile(r"\?")


async def bridged(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run synchronous code whose cursors await underneath."""
    return await greenlet_spawn(partial(function, *args, **kwargs))


class Answer:
    """Implements `Result`."""

    __slots__ = ("_at", "_rows", "_status")

    def __init__(self, rows: Sequence[Any], status: str) -> None:
        self._rows = rows
        self._status = status
        self._at = 0

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed, or found."""
        return int(self._status.rpartition(" ")[2])

    def fetchone(self) -> Any:
        """The next row, or None."""
        if self._at >= len(self._rows):
            return None
        self._at += 1
        return self._rows[self._at - 1]

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        rows, self._at = self._rows[self._at :], len(self._rows)
        return list(rows)


class BridgedCursor(ArrayCursor):
    """Executes statements on `connection`. `clean`: take the characters out of texts that PostgreSQL does not store."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.clean = False

    def execute(self, text: str, values: Sequence[Any] = (), /) -> Answer:
        """Execute a statement whose values stand for `?`."""
        if self.clean:
            values = [_clean(value) for value in values]
        return self._answer(numbered(text), values)

    def execute_arrays(self, text: str, arrays: Sequence[Sequence[Any]]) -> Answer:
        """Execute a statement on arrays."""
        if self.clean:
            arrays = [[_clean(value) for value in array] for array in arrays]
        return self._answer(text, arrays)

    def command(self, text: str) -> None:
        """Execute statements that have no values and answer no rows, all on one way."""
        if self.connection is None:
            raise RuntimeError("no transaction is open")
        await_only(self.connection.execute(text))

    def _answer(self, text: str, values: Sequence[Any]) -> Answer:
        answer: Answer = await_only(self._fetch(text, values))
        return answer

    async def _fetch(self, text: str, values: Sequence[Any]) -> Answer:
        if self.connection is None:
            raise RuntimeError("no transaction is open")
        statement = await self.connection.prepared(text)
        rows = await statement.fetch(*values)
        return Answer(rows, statement.get_statusmsg() or "0")


def _clean(value: Any) -> Any:
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


@lru_cache(maxsize=512)
def numbered(text: str) -> str:
    """Return the statement with `$1`, `$2` in the place of each `?`."""
    count = 0

    def number(_: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"${count}"

    return _MARK.sub(number, text)
