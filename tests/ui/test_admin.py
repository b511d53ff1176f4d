"""The admin: its own tests, its generated client, its size, and the whole of it in a browser on a real server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from segue.model.events import EventKind
from segue.web.files import BUILT
from tests.skipping import needs_command
from tests.ui.stage import ROOT, browse, stage

UI = ROOT / "ui"


@pytest.fixture(scope="module", autouse=True)
def node() -> str:
    path = needs_command("node", "nodejs")
    if not (UI / "node_modules").is_dir() or not (BUILT / "index.html").is_file():
        pytest.skip("the admin is not built: make ui")
    return path


@pytest.fixture(scope="module")
def chromium() -> str:
    return needs_command("chromium", "chromium")


def node_run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["node", *command], cwd=UI, capture_output=True, text=True, check=False)


def test_the_client_is_that_of_the_openapi_document(tmp_path: Path) -> None:
    made = tmp_path / "schema.d.ts"
    done = node_run("node_modules/.bin/openapi-typescript", "../src/segue/api/openapi.json", "-o", str(made))
    assert done.returncode == 0, done.stderr
    kept = (UI / "src" / "api" / "schema.d.ts").read_text(encoding="utf-8")
    assert made.read_text(encoding="utf-8") == kept, "run: npm --prefix ui run client"


def test_the_logic_of_the_pages() -> None:
    done = node_run("node_modules/.bin/vitest", "run")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_first_load_is_small() -> None:
    done = node_run("scripts/size.mjs")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stream_listens_to_every_kind_of_event() -> None:
    text = (UI / "src" / "live" / "events.ts").read_text(encoding="utf-8")
    listed = re.search(r"export const KINDS = \[(.*?)\]", text, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"'([\w-]+)'", listed[1])) == {kind.value for kind in EventKind}


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((UI / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all("resolved" not in entry and "integrity" in entry for entry in packages.values())
    wanted = json.loads((UI / "package.json").read_text(encoding="utf-8"))
    for version in (wanted["dependencies"] | wanted["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)


@pytest.mark.timeout(300)
def test_the_life_of_a_process_in_the_browser(tmp_path: Path, chromium: str) -> None:
    with stage(tmp_path / "data") as where:
        done = browse("life.mjs", where, chromium)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok: ") == 20


@pytest.mark.timeout(300)
def test_every_page_is_accessible_and_fits(tmp_path: Path, chromium: str) -> None:
    with stage(tmp_path / "data") as where:
        done = browse("pages.mjs", where, chromium)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "looked at 126 views" in done.stdout
