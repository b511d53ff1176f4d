"""Writes the migration from the newest one to what `adapters/sql/tables.py` says: `tools/migration.py add_a_column`.

With `--again` the newest migration is written anew instead; only before it was in a release. Look at what was written:
a column that is to hold something needs its old rows filled, and code of the release before has to go on
(`tools/migration_rules.py`). Then set `REVISION` in `adapters/sqlite/schema.py`.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import groupby

from alembic.autogenerate import produce_migrations
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import render_op
from alembic.operations import Operations
from alembic.operations.ops import CreateIndexOp, DropIndexOp, MigrateOperation, ModifyTableOps
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, create_engine

from segue.adapters.sql.tables import metadata
from segue.adapters.sqlite.migrate import FOLDER

HEAD = '''"""Schema {number:04}: {title}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision = {before}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
{calls}
'''


def existing() -> list[Script]:
    """All migrations, first one first."""
    return list(reversed(list(ScriptDirectory(str(FOLDER)).walk_revisions())))


def missing(connection: Connection, before: list[Script]) -> list[MigrateOperation]:
    """What has to be done after these migrations to get what the tables say."""
    context = MigrationContext.configure(connection)
    with Operations.context(context):
        for script in before:
            script.module.upgrade()
    found = produce_migrations(context, metadata).upgrade_ops
    if found is None:
        return []
    flat: list[MigrateOperation] = []
    for one in found.ops:
        flat += one.ops if isinstance(one, ModifyTableOps) else [one]
    return flat


def source(connection: Connection, number: int, title: str, work: list[MigrateOperation]) -> str:
    """The migration as a module: a function for each table, so that none is long."""
    context = AutogenContext(
        MigrationContext.configure(connection),
        opts={"sqlalchemy_module_prefix": "sa.", "alembic_module_prefix": "op.", "user_module_prefix": None,
              "render_item": None, "render_as_batch": False},
    )  # fmt: skip
    calls, functions = [], []
    for table, steps in groupby(work, key=_part):
        lines = [line for step in steps for line in render_op(context, step)]
        calls.append(f"    _{table}()")
        functions.append(f"\n\ndef _{table}() -> None:\n" + "\n".join(f"    {line}" for line in lines) + "\n")
    before = f'"{number - 1:04}"' if number > 1 else None
    head = HEAD.format(title=title.replace("_", " "), number=number, before=before, calls="\n".join(calls))
    return head + "".join(functions)


def _part(step: MigrateOperation) -> str:
    """What a step is about: a table, or its indexes."""
    table = str(getattr(step, "table_name", "rest"))
    return f"{table}_indexes" if isinstance(step, CreateIndexOp | DropIndexOp) else table


def main() -> int:
    """Write the migration; exit code 1 when there is nothing to write."""
    again = "--again" in sys.argv
    titles = [word for word in sys.argv[1:] if word != "--again"]
    before = existing()
    if again:
        last = before.pop()
        titles = [last.path.rsplit("/", 1)[1][len("0001_") : -len(".py")]]
    if len(titles) != 1:
        print(__doc__, file=sys.stderr)
        return 1
    number = len(before) + 1
    with create_engine("sqlite://").connect() as connection:
        work = missing(connection, before)
        text = source(connection, number, titles[0], work)
    if not work:
        print("The tables are what the migrations make of them; there is nothing to write.", file=sys.stderr)
        return 1
    path = FOLDER / "versions" / f"{number:04}_{titles[0]}.py"
    path.write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", path], check=True)
    print(f"Written: {path.relative_to(FOLDER.parents[4])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
