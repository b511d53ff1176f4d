"""The editor in a browser on a real server: the life of a process, by mouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.web.files import BUILT
from tests.skipping import needs_command
from tests.ui.stage import ROOT, browse, stage

FOREIGN = ROOT / "tests" / "data" / "bpmn" / "miwg" / "SAP-Signavio-Process-Manager-19.9.0" / "A.2.0-export.bpmn"


@pytest.fixture(scope="module")
def chromium() -> str:
    needs_command("node", "nodejs")
    if not (ROOT / "ui" / "node_modules").is_dir() or not (BUILT / "index.html").is_file():
        pytest.skip("the admin is not built: make ui")
    return needs_command("chromium", "chromium")


@pytest.mark.timeout(400)
def test_a_process_lives_in_the_editor(tmp_path: Path, chromium: str) -> None:
    """By mouse, from a file drawn elsewhere to a switch back."""
    with stage(tmp_path / "data") as where:
        done = browse("editor.mjs", where, chromium, FOREIGN_FILE=str(FOREIGN))
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("ok: ") == 13, done.stdout
