"""What a test may miss on a machine, and that the build machine may miss nothing.

`needs_command` and `needs_module` skip a test with the reason. With SEGUE_CI=1 every skip is a failure, so nothing is
left out unseen there; only a test that cannot apply to the platform (reason begins with "not applicable") may skip.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Generator

import pytest

NOT_APPLICABLE = "not applicable"


def needs_command(name: str, package: str) -> str:
    """Return the path of a command; skip the test when it is missing, naming the system package that has it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"the command {name} is missing (system package {package})")
    return path


def needs_module(name: str) -> None:
    """Skip the test when a Python module that is no requirement of Segue is missing."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"the Python module {name} is missing")


def strict() -> bool:
    """Tell whether a skip counts as a failure here."""
    return os.environ.get("SEGUE_CI") == "1"


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why a report is a skip, in the words of the test."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(text).removeprefix("Skipped: ")


def refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure where nothing may be skipped; leaves expected failures alone."""
    if not strict() or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = reason_of(report)
    if not reason.startswith(NOT_APPLICABLE):
        report.outcome = "failed"
        report.longrepr = f"skipped, which SEGUE_CI=1 does not allow: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the skips of tests."""
    report = yield
    refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge the skips of whole modules."""
    report = yield
    refuse(report)
    return report
