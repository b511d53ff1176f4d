"""`tools/find-python` takes the first Python that can carry Segue, and says clearly when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source.tree import ROOT

GOOD = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
OLD = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n'
SHIM = '#!/bin/sh\necho "python3.13: command not found" >&2\nexit 127\n'


def find(folder: Path, programs: dict[str, str], python: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run it where these programs are all there is."""
    bin_folder = folder / "a bin"
    bin_folder.mkdir()
    for name, text in programs.items():
        (bin_folder / name).write_text(text)
        (bin_folder / name).chmod(0o755)
    environment = {"PATH": str(bin_folder)} | ({} if python is None else {"PYTHON": python})
    command = ["/bin/sh", str(ROOT / "tools/find-python")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("programs", "chosen"),
    [
        ({"python3": GOOD}, "python3"),
        ({"python3": GOOD, "python3.12": GOOD}, "python3.12"),
        ({"python3": GOOD, "python3.11": GOOD, "python3.12": OLD}, "python3.11"),
        ({"python3": GOOD, "python3.13": SHIM}, "python3"),
    ],
)
def test_the_first_usable_one_is_taken(tmp_path: Path, programs: dict[str, str], chosen: str) -> None:
    done = find(tmp_path, programs)
    assert (done.returncode, done.stdout) == (0, f"{chosen}\n")


def test_a_named_one_goes_before_all_others(tmp_path: Path) -> None:
    done = find(tmp_path, {"python3": GOOD, "mine": GOOD}, python="mine")
    assert (done.returncode, done.stdout) == (0, "mine\n")


def test_a_named_one_that_does_not_serve_is_an_error(tmp_path: Path) -> None:
    done = find(tmp_path, {"python3": GOOD, "mine": OLD}, python="mine")
    assert (done.returncode, done.stdout) == (1, "")
    assert "PYTHON=mine cannot be used: Segue needs Python 3.11 or later" in done.stderr


def test_none_is_an_error_that_lists_what_was_tried(tmp_path: Path) -> None:
    done = find(tmp_path, {"python3": OLD, "python3.13": SHIM})
    assert (done.returncode, done.stdout) == (1, "")
    assert "No usable Python found" in done.stderr
    assert "python3 is Python 3.9.2" in done.stderr
    assert "python3.13: not found" in done.stderr
    assert "make setup PYTHON=" in done.stderr


def test_make_setup_ends_with_that_error(tmp_path: Path) -> None:
    # Under `make test PYTHON=…` the flags of the outer make would win over the environment.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environment = outer | {"PYTHON": str(tmp_path / "no python")}
    done = subprocess.run(["make", "setup"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no python cannot be used" in done.stderr
