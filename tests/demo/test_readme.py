"""What the README shows is what the files say."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from demo.children import ROOT
from demo.command import FIRST, LAST
from demo.data import between, read_orders
from examples.first.worker import worker
from segue.bpmn.reader import read_file
from segue_sdk.testing import run_action

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_worker_in_the_readme_is_the_one_in_the_file() -> None:
    source = (ROOT / "examples" / "first" / "worker.py").read_text(encoding="utf-8")
    assert blocks("python")
    for block in blocks("python"):
        assert block in source


def test_the_element_in_the_readme_is_in_the_file() -> None:
    source = (ROOT / "examples" / "first" / "offer.bpmn").read_text(encoding="utf-8")
    assert [block.strip() in source for block in blocks("xml")] == [True]


def test_the_first_process_can_be_published_and_its_actions_are_offered() -> None:
    file = ROOT / "examples" / "first" / "offer.bpmn"
    result = read_file(file.read_bytes(), name=file.name)
    assert result.findings == ()
    named = [(node.action.kind.value, node.action.name) for node in result.processes[0].nodes if node.action]
    assert named == [("custom", "to-euro"), ("connector", "file-offer")]
    assert {(str(kind), name) for kind, name in worker.actions} == set(named)


def test_the_first_actions_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.first.worker.FOLDER", tmp_path)
    mapped = run_action(worker, "to-euro", body={"article": "A Love Supreme", "usd": 16.98})
    assert mapped.json() == {"article": "A Love Supreme", "usd": 16.98, "eur": 15.62}
    for _ in range(2):
        assert run_action(worker, "file-offer", body=mapped.body).ok
    files = list(tmp_path.iterdir())
    assert [file.read_bytes() for file in files] == [mapped.body]
    assert run_action(worker, "to-euro", body={"article": "A Love Supreme"}).failed


def test_the_number_of_orders_in_the_texts_is_true() -> None:
    orders = between(read_orders(), FIRST, LAST)
    page = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    assert f"{len(orders):,} real orders" in README
    assert f"{len(orders):,} orders on {len({order.day for order in orders})} trading days" in page
    assert f"{len(read_orders()):,} real purchases" in page


def ready(process: subprocess.Popen[str]) -> str:
    """Return the address that a process prints once it is ready."""
    assert process.stdout is not None
    for line in process.stdout:
        if " is ready on " in line:
            return line.rpartition(" ")[2].strip()
    raise AssertionError("it ended before it was ready")


def test_the_commands_of_the_first_process_do_what_the_readme_says(tmp_path: Path) -> None:
    """As they stand, only on free ports, and beside the clone rather than in it."""
    for name in (".venv", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    _, worker_command, server_command, commands = blocks("sh")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    served = [
        subprocess.Popen(command.split(), cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        for command in (worker_command.replace("9001", "0"), server_command.strip() + " --port 0")
    ]
    try:
        worker_url, server_url = (ready(process) for process in served)
        done = subprocess.run(
            ["sh", "-e"],
            input=commands.replace("http://127.0.0.1:9001", worker_url),
            cwd=tmp_path,
            env=environment | {"SEGUE_URL": server_url},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for process in served:
            process.terminate()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"eur":15.62' in done.stdout
    assert "balance" in done.stdout
