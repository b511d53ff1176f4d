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

FOLDER = Path(sql.__file__).parent / "migrations"


def steps_from(found: str, wanted: str) -> Sequence[Script] | None:
    """Return the steps from a revision to another, first one first; None when the first one is not known."""
    scripts = ScriptDirectory(str(FOLDER))
    if found not in {script.revision for script in scripts.walk_revisions()}:
        return None
    return list(reversed(list(scripts.iterate_revisions(wanted, found))))


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
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
