"""A skip is shown with its reason, and is a failure where nothing may be skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source.tree import ROOT

HEAD = "import pytest\nfrom tests.skipping import needs_command, needs_module\n\n"
BODIES = {
    "command": "def test_it():\n    needs_command('no-such-command', 'nothing')\n",
    "module": "def test_it():\n    needs_module('no_such_module')\n",
    "mark": "@pytest.mark.skip(reason='too lazy')\ndef test_it():\n    pass\n",
    "whole file": "pytest.skip('not today', allow_module_level=True)\n",
}
REASONS = {
    "command": "the command no-such-command is missing (system package nothing)",
    "module": "the Python module no_such_module is missing",
    "mark": "too lazy",
    "whole file": "not today",
}


def run(folder: Path, body: str, ci: str) -> subprocess.CompletedProcess[str]:
    """Run one test file with the plugin, in a pytest of its own."""
    file = folder / "test_planted.py"
    file.write_text(HEAD + body)
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "tests.skipping", "-p", "no:cacheprovider"]
    command += [f"--rootdir={folder}", f"--override-ini=pythonpath={ROOT}", "-c", os.devnull, str(file)]
    environment = os.environ | {"SEGUE_CI": ci, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", BODIES)
def test_a_skip_shows_its_reason(tmp_path: Path, kind: str) -> None:
    done = run(tmp_path, BODIES[kind], "")
    assert done.returncode in {0, 5}, done.stdout + done.stderr
    assert REASONS[kind] in done.stdout


@pytest.mark.parametrize("kind", BODIES)
def test_a_skip_fails_on_the_build_machine(tmp_path: Path, kind: str) -> None:
    done = run(tmp_path, BODIES[kind], "1")
    assert done.returncode in {1, 2}, done.stdout + done.stderr
    assert f"skipped, which SEGUE_CI=1 does not allow: {REASONS[kind]}" in done.stdout


@pytest.mark.parametrize(
    "body",
    [
        "@pytest.mark.skip(reason='not applicable: another kernel')\ndef test_it():\n    pass\n",
        "@pytest.mark.xfail(reason='known')\ndef test_it():\n    assert False\n",
        "def test_it():\n    needs_module('json')\n    assert needs_command('sh', 'dash')\n",
    ],
)
def test_what_is_no_skip_passes_on_the_build_machine(tmp_path: Path, body: str) -> None:
    done = run(tmp_path, body, "1")
    assert done.returncode == 0, done.stdout + done.stderr
