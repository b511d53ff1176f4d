"""`tools/setup.py` does what is missing, no more, and recovers from whatever was left of an earlier set-up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.frame.world import World
from tools import setup

MAKE = ["venv"]
FILL = ["require-hashes", "editable", "check", "target"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a clone (with a space in its path) whose commands are recorded instead of run."""
    return World(tmp_path / "a clone", monkeypatch)


def test_a_fresh_clone_is_set_up_and_stamped(world: World) -> None:
    assert setup.main() == 0
    assert world.commands == MAKE + FILL
    assert setup.finished() == setup.wanted()


def test_the_second_time_nothing_is_done(world: World) -> None:
    setup.main()
    assert world.again() == (0, [])


@pytest.mark.parametrize(
    "place", ["requirements/dev.txt", "requirements/demo.txt", "pyproject.toml", "sdk/pyproject.toml"]
)
def test_a_changed_input_is_installed_into_the_same_environment(world: World, place: str) -> None:
    setup.main()
    (world.root / place).write_text("changed")
    assert world.again() == (0, FILL)
    assert world.again() == (0, [])


def test_a_half_made_environment_is_made_afresh(world: World) -> None:
    world.fails = "require-hashes"
    assert setup.main() == 1
    (setup.VENV / "left").touch()
    world.fails = ""
    assert world.again() == (0, MAKE + FILL)
    assert not (setup.VENV / "left").exists()


def test_an_update_that_was_cut_short_is_made_afresh(world: World) -> None:
    setup.main()
    (world.root / "pyproject.toml").write_text("changed")
    world.fails = "editable"
    assert world.again() == (1, ["require-hashes", "editable"])
    world.fails = ""
    assert world.again() == (0, MAKE + FILL)


@pytest.mark.parametrize("damage", ["no python", "stamp is no JSON", "stamp of another place", "a file in its place"])
def test_a_damaged_environment_is_made_afresh(world: World, damage: str) -> None:
    setup.main()
    if damage == "no python":
        setup.PYTHON.unlink()
    elif damage == "stamp is no JSON":
        setup.STAMP.write_text("{")
    elif damage == "stamp of another place":
        setup.STAMP.write_text(json.dumps(setup.wanted() | {"venv": "elsewhere"}))
    else:
        setup.STAMP.unlink()
        setup.PYTHON.unlink()
        setup.PYTHON.parent.rmdir()
        setup.VENV.rmdir()
        setup.VENV.touch()
    assert world.again() == (0, MAKE + FILL)


def test_a_failure_is_one_clear_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.fails = "require-hashes"
    assert setup.main() == 1
    assert capsys.readouterr().err == "make setup: `pip require-hashes` ended with exit code 1\n"


def test_a_clone_that_is_not_whole_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (world.root / "requirements/build.txt").unlink()
    assert setup.main() == 1
    assert capsys.readouterr().err == "make setup: requirements/build.txt is missing: is this a whole clone?\n"


def test_a_command_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    with pytest.raises(setup.SetupError, match=r"`false` ended with exit code 1"):
        setup.run("false")


def test_what_would_mislead_pip_is_kept_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PIP_TARGET", "PIP_USER", "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "x")
    environment = setup.clean_environment()
    assert "PIP_INDEX_URL" in environment
    assert not {"PYTHONPATH", "PIP_TARGET", "PIP_USER"} & set(environment)
