"""The demo itself in a short form, through the script that `make demo` runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from demo.children import ROOT
from demo.data import between, read_orders

FIRST, LAST = "1997-02-22", "1997-02-23"


def start(temporary: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the demo with its temporary files in a folder with a space in its name."""
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [ROOT / "demo" / "run", *arguments],
        env=os.environ | {"TMPDIR": str(temporary), "EXIT": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of all processes that have the folder in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def test_every_record_arrives_although_the_server_is_killed(tmp_path: Path) -> None:
    temporary = tmp_path / "with a space"
    printed, complained = start(temporary, "--first", FIRST, "--last", LAST).communicate()
    result = json.loads(printed.splitlines()[-1])
    orders = len(between(read_orders(), FIRST, LAST))
    assert result["problems"] == [], printed + complained
    assert (result["orders"], result["arrived"], result["doubled"]) == (orders, orders, 0)
    assert result["accepted"] == result["finished"] >= 3
    assert (result["failed"], result["trash"], result["balanced"]) == (0, 0, True)
    assert "kill -9: Segue is gone" in printed
    assert "In the trash: 1" in printed
    assert "corrected to 2 parcels" in printed
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_stays_behind_when_it_is_told_to_end_on_the_way(tmp_path: Path, number: signal.Signals) -> None:
    temporary = tmp_path / "demo"
    demo = start(temporary)
    assert demo.stdout is not None
    while "Real orders on their way" not in demo.stdout.readline():
        assert demo.poll() is None
    assert processes_of(temporary)
    demo.send_signal(number)
    demo.communicate()
    assert demo.returncode == 130
    assert processes_of(temporary) == []
    assert list(temporary.iterdir()) == []


def test_days_without_orders_are_an_error(tmp_path: Path) -> None:
    demo = start(tmp_path, "--first", "2001-01-01", "--last", "2001-01-31")
    _, complained = demo.communicate()
    assert demo.returncode == 1
    assert "no orders from 2001-01-01" in complained


def test_a_data_folder_that_cannot_be_is_an_error_with_the_servers_words(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    demo = start(tmp_path / "demo", "--data", str(file / "data"), "--first", FIRST, "--last", LAST)
    _, complained = demo.communicate()
    assert demo.returncode == 1
    assert "segue ended with code" in complained
    assert str(file) in complained
    assert processes_of(tmp_path) == []
