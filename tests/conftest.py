"""What holds for all tests: skips are judged, and property tests are not judged by the clock."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# Where single tests take half a minute and more.
LONGEST = ("tests/containers/", "tests/ui/", "tests/acceptance/")

pytest_plugins = ("tests.skipping", "tests.postgres")

# No deadline: how fast the machine is decides no test. Where the tests gate a change they are the same each time.
settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("SEGUE_CI") == "1" else "here")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: otherwise one process works at the end and the others wait."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8; what a test logged need not be that."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
