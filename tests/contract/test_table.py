"""The table of guarantees and stores is what the test modules say, and every suite that is left out has its reason."""

from __future__ import annotations

from tools.contract_table import PAGE, page


def test_the_table_is_what_the_tests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tools.contract_table"
