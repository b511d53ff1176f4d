"""The import contracts of pyproject.toml find planted imports that go against the arrows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source.tree import ROOT

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
PACKAGES = ("tasks", "model", "core", "bpmn", "ports", "runtime", "control", "adapters", "api", "web", "testing", "cli")


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter with the contracts of the clone on the package under `root`."""
    shutil.copy(ROOT / "pyproject.toml", root)
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, "-c", LINT, "--no-cache"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return an empty copy of Segue's layers."""
    folder = tmp_path / "segue"
    for name in PACKAGES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
    (tmp_path / "segue_sdk").mkdir()
    (tmp_path / "segue_sdk" / "__init__.py").touch()
    for name in ("__init__.py", "__main__.py", "config.py", "bootstrap.py", "files.py"):
        (folder / name).touch()
    return folder


def test_imports_along_the_arrows_are_kept(package: Path) -> None:
    (package / "core/a.py").write_text("import segue.model\nimport datetime\n")
    (package / "runtime/a.py").write_text("import segue.core.a, segue.ports, asyncio\n")
    (package / "adapters/one.py").write_text("import segue.ports, sqlite3\n")
    (package / "adapters/two.py").write_text("import segue.ports\n")
    (package / "adapters/sql").mkdir()
    (package / "adapters/sql/__init__.py").touch()
    (package / "adapters/sql/tables.py").touch()
    (package / "adapters/three").mkdir()
    (package / "adapters/three/__init__.py").touch()
    (package / "adapters/three/store.py").write_text("import segue.adapters.sql.tables, segue.adapters.sql\n")
    (package / "bpmn/a.py").write_text("import segue.core.a\n")
    (package / "testing/a.py").write_text("import segue.adapters.one, segue.runtime.a\n")
    (package / "bootstrap.py").write_text("import segue.config, segue.api, segue.adapters.one\n")
    (package / "cli/a.py").write_text("import segue.bootstrap, segue.testing.a\n")
    done = lint(package.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "text", "contract"),
    [
        ("model/a.py", "import segue.core", "Arrows between the layers point down"),
        ("core/a.py", "import segue.ports", "Arrows between the layers point down"),
        ("runtime/a.py", "import segue.control", "Arrows between the layers point down"),
        ("api/a.py", "import segue.adapters", "Arrows between the layers point down"),
        ("control/a.py", "import segue.config", "Arrows between the layers point down"),
        ("config.py", "import segue.bootstrap", "Arrows between the layers point down"),
        ("bootstrap.py", "import segue.cli", "Arrows between the layers point down"),
        ("drawer/__init__.py", "", "Arrows between the layers point down"),
        ("files.py", "import segue.runtime", "Arrows between the layers point down"),
        ("core/a.py", "import segue.bpmn", "Arrows between the layers point down"),
        ("adapters/sql.py", "import segue.adapters.one", "Adapters do not know each other"),
        ("adapters/two.py", "import segue.adapters.one", "Adapters do not know each other"),
        ("core/a.py", "import time", "core and bpmn are pure: no I/O, no clock, no dice"),
        ("bpmn/a.py", "from asyncio import sleep", "core and bpmn are pure: no I/O, no clock, no dice"),
        ("core/a.py", "import random", "core and bpmn are pure: no I/O, no clock, no dice"),
        ("bpmn/a.py", "import segue.model.b", "core and bpmn are pure: no I/O, no clock, no dice"),
        ("runtime/a.py", "import segue.testing", "Only the command line may use segue.testing"),
        ("testing/a.py", "import segue_sdk", "The engine and the worker SDK meet on the wire alone"),
        ("../segue_sdk/a.py", "import segue.model", "The engine and the worker SDK meet on the wire alone"),
        ("bootstrap.py", "import segue.testing", "Only the command line may use segue.testing"),
    ],
)
def test_an_import_against_the_arrows_is_found(package: Path, file: str, text: str, contract: str) -> None:
    (package / "adapters/one.py").touch()
    (package / "model/b.py").write_text("import socket\n")
    (package / file).parent.mkdir(exist_ok=True)
    (package / file).write_text(f"{text}\n")
    done = lint(package.parent)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in done.stdout
    assert done.stdout.count("BROKEN") == 1
