"""A clone to set up, in which commands are recorded instead of run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import setup


class World:
    """The clone at `root`; `commands` are the ones that were run, `fails` names the one that does not succeed."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.commands: list[str] = []
        self.fails = ""
        locks = [f"requirements/{name}" for name in (*setup.LOCKS, setup.DATA_LOCK)]
        for place in ("pyproject.toml", "sdk/pyproject.toml", *locks):
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_text(place)
        venv = root / ".venv"
        for name, value in {
            "ROOT": root,
            "VENV": venv,
            "PYTHON": venv / "bin" / "python",
            "STAMP": venv / "segue-setup.json",
            "DATA": venv / "share" / "segue-demo",
            "run": self.run,
        }.items():
            monkeypatch.setattr(setup, name, value)

    def again(self) -> tuple[int, list[str]]:
        """Set up once more; return the exit code and what was run this time."""
        self.commands.clear()
        return setup.main(), list(self.commands)

    def run(self, *command: str | Path) -> None:
        """Record a command by its telling word; making an environment leaves a Python that starts."""
        telling = ("venv", "target", "require-hashes", "editable", "check")
        name = next(word for word in telling if any(word in str(part).split("=")[0] for part in command[2:]))
        self.commands.append(name)
        if name == self.fails:
            raise setup.SetupError(f"`pip {name}` ended with exit code 1")
        if name == "venv":
            setup.PYTHON.parent.mkdir(parents=True)
            setup.PYTHON.write_text("#!/bin/sh\nexit 0\n")
            setup.PYTHON.chmod(0o755)
