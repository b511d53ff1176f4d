"""The table of guarantees and stores is what the test modules say, and every suite that is left out has its reason."""

from __future__ import annotations

import pytest

from tests.contract import test_postgres
from tools import contract_table
from tools.contract_table import PAGE, page


def test_the_table_is_what_the_tests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tools.contract_table"


def test_a_suite_that_is_left_out_needs_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(contract_table.SKIPPED, ("BacklogContract", "memory"))
    with pytest.raises(ValueError, match="BacklogContract is not run on memory"):
        page()
    monkeypatch.undo()
    monkeypatch.delattr(test_postgres, "TestMeeting")
    with pytest.raises(ValueError, match="MeetingContract is not run on PostgreSQL"):
        page()
