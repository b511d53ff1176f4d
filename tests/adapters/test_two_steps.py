"""Schema changes in two steps: what a migration may do while code of the release before works on the same store."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from segue.adapters.sql import revisions
from tools.migration import existing
from tools.migration_rules import judge, steps_since
from tools.previous_release import ARCHIVE, REVISION, unpack

STEP = """
import sqlalchemy as sa
from alembic import op
revision = "9001"
def upgrade():
    {work}
"""


def step(work: str, oldest: str | None = None) -> ModuleType:
    """A migration that nobody has written."""
    made = ModuleType("step")
    exec(STEP.format(work=work), made.__dict__)
    if oldest is not None:
        made.__dict__["oldest"] = oldest
    return made


def test_the_release_before_goes_on_with_all_steps_since() -> None:
    """If not: see docs/decisions/0013-schema-in-two-steps.md."""
    assert judge(steps_since(REVISION)) == []


def test_the_code_of_the_release_before_knows_the_schema_that_is_said(tmp_path: Path) -> None:
    assert ARCHIVE.stat().st_size > 100_000
    folder = unpack(tmp_path)
    steps = (folder / "segue" / "adapters" / "sql" / "migrations" / "versions").glob("[0-9]*.py")
    assert max(path.name[:4] for path in steps) == REVISION


def test_what_a_new_store_says_is_what_the_migrations_say() -> None:
    assert revisions.oldest_of(script.module for script in existing()) == revisions.OLDEST


@pytest.mark.parametrize(
    "work",
    [
        'op.create_table("new", sa.Column("x", sa.Text())); op.create_index("u", "new", ["x"], unique=True)',
        'op.add_column("message", sa.Column("colour", sa.Text(), nullable=True))',
        'op.add_column("worker", sa.Column("colour", sa.Text(), nullable=False, server_default="red"))',
        'op.create_index("worker_created", "worker", ["created"])',
        'op.execute("CREATE SEQUENCE extra_number")',
    ],
)
def test_adding_is_free(work: str) -> None:
    assert judge([step(work)]) == []


BREAKING = {
    'op.add_column("message", sa.Column("colour", sa.Text(), nullable=False))': "message.colour has to be filled",
    'op.add_column("worker", sa.Column("n", sa.Integer(), unique=True))': "worker.n is unique",
    'op.drop_column("message", "body")': "DropColumn of message takes away",
    'op.drop_table("trash_cause")': "DropTable of trash_cause takes away",
    'op.rename_table("worker", "helper")': "RenameTable of worker takes away",
    'op.alter_column("worker", "url", new_column_name="address")': "AlterColumn of worker takes away",
    'op.create_index("u", "worker", ["url"], unique=True)': "index u is unique",
    'op.create_index("i", "step", ["parent"])': "index i keeps all out of step",
    'op.create_check_constraint("c", "worker", "url > 1")': "of worker takes away",
    'op.execute("ALTER TABLE message DROP COLUMN body")': "nobody can say what this does to old code",
    'op.get_bind().execute("SELECT 1")': "nobody can judge it",
}


@pytest.mark.parametrize("work", BREAKING)
def test_what_breaks_the_release_before_is_refused(work: str) -> None:
    assert any(BREAKING[work] in said and said.startswith("9001: ") for said in judge([step(work)]))
    assert any("oldest is 9001" in said for said in judge([step(work, oldest="9001")]))


@pytest.mark.parametrize("work", BREAKING)
def test_what_the_release_before_does_without_may_go(work: str) -> None:
    assert judge([step(work, oldest=REVISION)]) == []


def test_code_is_let_in_by_what_the_store_says() -> None:
    assert revisions.lets_in("0013", "0013")
    assert revisions.lets_in("0014", "0013")
    assert not revisions.lets_in("0013", "0014")
    assert not revisions.lets_in("0013", None)
