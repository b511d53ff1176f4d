"""What holds for all tests: skips are judged, and property tests are not judged by the clock."""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# Where single tests take half a minute and more.
LONGEST = ("tests/containers/", "tests/ui/", "tests/acceptance/")

pytest_plugins = ("tests.skipping", "tests.postgres", "tests.rabbit")

# No deadline: how fast the machine is decides no test. Where the tests gate a change they are the same each time, and
# look at more.
settings.register_profile("here", deadline=None, print_blob=True, max_examples=40)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("SEGUE_CI") == "1" else "here")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, in every process: each is given an equal piece of this list, in its order."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    longest = [item for item in items if item.nodeid.startswith(LONGEST)]
    others = iter([item for item in items if not item.nodeid.startswith(LONGEST)])
    ordered: list[pytest.Item] = []
    for number in range(processes):
        ordered += longest[number::processes]
        ordered += itertools.islice(others, max(0, len(items) * (number + 1) // processes - len(ordered)))
    items[:] = [*ordered, *others]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports travel between processes as UTF-8; what a test logged need not be that."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
