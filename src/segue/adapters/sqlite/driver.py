"""Runs scripts on a SQLite connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import ClauseElement

from segue.adapters.sql.scripts import Discarded, Line, Note, Row, Script

T = TypeVar("T")

_dialect = sqlite.dialect(paramstyle="qmark")


def _refuse(said: Note | Discarded | Line) -> None:
    raise TypeError(f"a script that only reads said {said}")


def drive(
    script: Script[T],
    connection: sqlite3.Connection,
    note: Callable[[Note], None] = _refuse,
    discarded: Callable[[Discarded], None] = _refuse,
    line: Callable[[Line], None] = _refuse,
) -> T:
    """Run a script to its end; `note`, `discarded` and `line` take what it says besides statements."""
    try:
        wanted = next(script)
        while True:
            rows: list[Row] = []
            if isinstance(wanted, Note):
                note(wanted)
            elif isinstance(wanted, Discarded):
                discarded(wanted)
            elif isinstance(wanted, Line):
                line(wanted)
            else:
                rows = _execute(wanted, connection)
            wanted = script.send(rows)
    except StopIteration as end:
        value: T = end.value
        return value


def _execute(statement: ClauseElement, connection: sqlite3.Connection) -> list[Row]:
    compiled = statement.compile(dialect=_dialect, compile_kwargs={"render_postcompile": True})
    parameters = compiled.params
    values = [parameters[name] for name in getattr(compiled, "positiontup", None) or ()]
    return connection.execute(str(compiled), values).fetchall()
