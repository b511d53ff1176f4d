"""Bringing a file of an older Segue forward, with the steps in `adapters/sql/migrations`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from segue.adapters import sql
from segue.adapters.sql.revisions import FACT, oldest_of

FOLDER = Path(sql.__file__).parent / "migrations"


def steps_from(found: str, wanted: str) -> Sequence[Script]:
    """Return the steps from a revision to another, first one first."""
    return list(reversed(list(ScriptDirectory(str(FOLDER)).iterate_revisions(wanted, found))))


def _oldest() -> str:
    return oldest_of(script.module for script in ScriptDirectory(str(FOLDER)).walk_revisions())


def run(connection: sqlite3.Connection, steps: Sequence[Script], wanted: str) -> None:
    """Take the steps in one transaction; when one fails nothing has changed."""
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as through:
        connection.execute("BEGIN IMMEDIATE")
        try:
            context = MigrationContext.configure(through, opts={"transactional_ddl": True})
            with Operations.context(context):
                for step in steps:
                    step.module.upgrade()
            connection.execute("UPDATE fact SET value = ? WHERE name = 'revision'", (wanted,))
            connection.execute("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", (FACT, _oldest()))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
