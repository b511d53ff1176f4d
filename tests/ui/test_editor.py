"""The whole life of a process in a browser on a real server: by mouse, and by keyboard alone; and how the editor looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segue.web.files import BUILT
from tests.skipping import needs_command
from tests.ui.stage import FOREIGN, ROOT, browse, stage


@pytest.fixture(scope="module")
def chromium() -> str:
    needs_command("node", "nodejs")
    if not (ROOT / "ui" / "node_modules").is_dir() or not (BUILT / "index.html").is_file():
        pytest.skip("the admin is not built: make ui")
    return needs_command("chromium", "chromium")


@pytest.mark.timeout(400)
def test_a_process_lives_by_mouse(tmp_path: Path, chromium: str) -> None:
    """From a file drawn elsewhere to a switch back; then every view of what was made, seen by axe-core."""
    with stage(tmp_path / "data") as where:
        done = browse("editor.mjs", where, chromium, FOREIGN_FILE=str(FOREIGN))
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("ok: ") == 16, done.stdout
        looked = browse("editor-views.mjs", where, chromium)
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert "looked at 22 views" in looked.stdout


@pytest.mark.timeout(400)
def test_a_process_lives_by_keyboard_alone(tmp_path: Path, chromium: str) -> None:
    """The same life: nothing is clicked, and nothing gets the focus but by keys."""
    with stage(tmp_path / "data") as where:
        done = browse("keys.mjs", where, chromium, FOREIGN_FILE=str(FOREIGN))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok: ") == 13, done.stdout


@pytest.mark.parametrize("script", ["keys.mjs", "keyboard.mjs"])
def test_by_keyboard_alone_means_it(script: str) -> None:
    text = (ROOT / "ui" / "e2e" / script).read_text(encoding="utf-8")
    assert not re.search(r"\.(click|dblclick|tap|check|uncheck|fill|focus|hover|selectOption|dispatchEvent|mouse)\b", text)
