"""docs/walk.md is true: a real instance runs through just the pieces it names, in just its order."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segue_sdk import Message, Worker
from segue_sdk.testing import serve
from tests.files import chain

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "walk.md"
# `12. [file](link) `Name.of.function`: …`
LINE = re.compile(r"^\d+\. \[([\w./]+)\]\([\w./]+\)\s+`([\w.]+)`", re.MULTILINE)

worker = Worker("w")


@worker.connector("echo")
def echo(message: Message) -> bytes:
    return message.body


def steps(text: str) -> list[tuple[str, str]]:
    """The file and the function of each numbered line."""
    return [(match[1], match[2]) for match in LINE.finditer(text)]


def out_of_order(walk: list[tuple[str, str]], ran: list[tuple[str, str]]) -> list[str]:
    """What the page says and the run does not: a piece that did not run, or ran before the one above it."""
    problems = []
    last = -1
    for file, name in walk:
        if (file, name) not in ran:
            problems.append(f"{file} {name} did not run")
            continue
        at = ran.index((file, name))
        if at < last:
            problems.append(f"{file} {name} ran before the piece named above it")
        last = at
    return problems


@contextmanager
def recorded_server(data: Path, output: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.walk.recorder", str(output), "serve", "--data", str(data), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = next(line for line in process.stdout if " is ready on " in line)
        yield ready.rsplit(" ", 1)[1].strip()
    finally:
        process.terminate()
        process.wait(30)


def run_one_instance(data: Path, output: Path, folder: Path) -> None:
    command = [str(Path(sys.executable).with_name("segue"))]
    file = folder / "orders.bpmn"
    file.write_text(chain("echo", "echo"))
    with serve(worker) as served, recorded_server(data, output) as url:
        token = subprocess.run(
            [*command, "token", "create", "--data", data, "--name", "walk"], check=True, capture_output=True, text=True
        ).stdout.strip()
        server = ["--url", url, "--token", token]
        subprocess.run([*command, "worker", "add", "w", served.url, *server], check=True, capture_output=True)
        subprocess.run([*command, "deploy", file, "--process", "orders", "--enable", *server], check=True)
        started = ask("POST", f"{url}/processes/orders/start", token, b"{}")
        wait_for(lambda: ask("GET", f"{url}/api/v1/instances/{started['instance']}", token)["state"] == "finished")


def ask(method: str, url: str, token: str, body: bytes | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60) as answer:
        return json.load(answer)


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)  # not synchronisation: between two looks at a condition with a deadline


def test_the_walk_is_what_a_real_instance_does(tmp_path: Path) -> None:
    walk = steps(PAGE.read_text())
    assert len(walk) == PAGE.read_text().count("`: ") > 20, "a line that the test does not understand"
    output = tmp_path / "ran"
    run_one_instance(tmp_path / "data", output, tmp_path)
    ran = [(file, name) for file, name in (line.split("\t") for line in output.read_text().splitlines())]
    assert out_of_order(walk, ran) == []


def test_a_walk_that_is_not_true_is_noticed() -> None:
    ran = [("a.py", "one"), ("b.py", "Two.three")]
    page = "1. [a.py](../a.py) `one`: first\n2. [b.py](../b.py)\n   `Two.three`: then\n"
    assert steps(page) == ran
    assert out_of_order(ran, ran) == []
    assert out_of_order([ran[1], ran[0]], ran) == ["a.py one ran before the piece named above it"]
    assert out_of_order([*ran, ("c.py", "four")], ran) == ["c.py four did not run"]
