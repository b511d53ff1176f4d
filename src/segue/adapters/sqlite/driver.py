"""Runs scripts on a SQLite connection."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import ClauseElement

from segue.adapters.sql import driver
from segue.adapters.sql.scripts import Row, Script

if TYPE_CHECKING:
    from segue.adapters.sql.changes import Changes

T = TypeVar("T")

_dialect = sqlite.dialect(paramstyle="qmark")


def drive(script: Script[T], connection: sqlite3.Connection, changes: Changes | None = None) -> T:
    """Run a script to its end; `changes` takes what it says besides statements, without it the script only reads."""
    return driver.drive(script, partial(_execute, connection), changes)


def _execute(connection: sqlite3.Connection, statement: ClauseElement) -> list[Row]:
    compiled = statement.compile(dialect=_dialect, compile_kwargs={"render_postcompile": True})
    parameters = compiled.params
    values = [parameters[name] for name in getattr(compiled, "positiontup", None) or ()]
    return connection.execute(str(compiled), values).fetchall()
