"""Judges migrations: whether code of the release before goes on working on the schema that they make.

`python -m tools.migration_rules` judges those since the release before (`tools/previous_release.py`). A test does so,
too, and a campaign runs that release's code on the new schema. A step may add tables, columns that may be missing or
have a default of the server's, and indexes that are not unique, but none on a table that grows without end, which would
keep writers out while it is made. Whatever else it does, the release before has to do without already; a step that does
such things says so in `oldest`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType

from alembic.operations import Operations
from alembic.operations.ops import (
    AddColumnOp,
    CreateIndexOp,
    CreateTableOp,
    ExecuteSQLOp,
    MigrateOperation,
)
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from segue.adapters.sqlite.migrate import FOLDER
from tools.previous_release import REVISION as PREVIOUS

DIALECTS = ("sqlite", "postgresql")
GROWING = frozenset({"message", "step", "event", "instance", "log", "measure", "staged", "idempotency"})
# Statements that harm no other code: numbers that nobody else draws, and how a table is stored.
_HARMLESS = re.compile(r"CREATE SEQUENCE \w+$|ALTER TABLE \w+ SET \(|SELECT setval\(", re.IGNORECASE)


def steps_since(revision: str) -> list[ModuleType]:
    """The migrations after a revision, first one first."""
    found = [script.module for script in ScriptDirectory(str(FOLDER)).walk_revisions() if script.revision > revision]
    return list(reversed(found))


def judge(steps: Iterable[ModuleType], previous: str = PREVIOUS) -> list[str]:
    """What is wrong with steps that follow a release whose code knows the schema `previous`, in sentences."""
    wrong: dict[str, None] = {}
    for dialect in DIALECTS:
        made: set[str] = set()
        for step in steps:
            said = list(_breaks(step, dialect, made))
            if said and getattr(step, "oldest", previous + "+") <= previous:
                continue  # the release before does without it, as that release's code has to show
            wrong |= dict.fromkeys(f"{step.revision}: {each}" for each in said)
            if getattr(step, "oldest", previous) > previous:
                wrong[f"{step.revision}: oldest is {step.oldest}, and the release before knows {previous}"] = None
    return list(wrong)


def _breaks(step: ModuleType, dialect: str, made: set[str]) -> Iterator[str]:
    """What a step does that code of the release before may not survive. `made` are tables that are new to it."""
    try:
        asked = _asked(step, dialect)
    except AttributeError as error:  # there is no database to be asked
        yield f"it looks at the database, so that nobody can judge it: {error}"
        return
    for operation in asked:
        if isinstance(operation, CreateTableOp):
            made.add(operation.table_name)
        elif getattr(operation, "table_name", None) not in made:
            yield from _harm(operation)


def _harm(operation: MigrateOperation) -> Iterator[str]:
    """What an operation on a table that is there already does to old code."""
    if isinstance(operation, AddColumnOp):
        column = operation.column
        if not column.nullable and column.server_default is None:
            yield f"column {operation.table_name}.{column.name} has to be filled, and old code does not"
        if column.unique or column.primary_key:
            yield f"column {operation.table_name}.{column.name} is unique, which old code does not know"
    elif isinstance(operation, CreateIndexOp):
        if operation.unique:
            yield f"index {operation.index_name} is unique, which old code does not know"
        elif operation.table_name in GROWING:
            yield f"index {operation.index_name} keeps all out of {operation.table_name} while it is made"
    elif isinstance(operation, ExecuteSQLOp):
        if not _HARMLESS.match(str(operation.sqltext)):
            yield f"nobody can say what this does to old code: {operation.sqltext}"
    else:
        about = getattr(operation, "table_name", getattr(operation, "source_table", ""))
        yield f"{type(operation).__name__.removesuffix('Op')} of {about} takes away what old code uses"


def _asked(step: ModuleType, dialect: str) -> list[MigrateOperation]:
    """What a migration asks for; nothing of it is done."""
    asked: list[MigrateOperation] = []
    with Operations.context(MigrationContext.configure(dialect_name=dialect)) as operations:
        operations.invoke = asked.append  # type: ignore[method-assign, assignment]
        step.upgrade()
    return asked


def main() -> int:
    """Print what is wrong; exit code 1 if anything is."""
    wrong = judge(steps_since(PREVIOUS))
    print("\n".join(wrong) or f"Code that knows schema {PREVIOUS} goes on.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
