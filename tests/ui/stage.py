"""A real server and a real worker, started by the installed commands, for a browser to use."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = Path(sys.executable).parent
FOREIGN = ROOT / "tests" / "data" / "bpmn" / "miwg" / "SAP-Signavio-Process-Manager-19.9.0" / "A.2.0-export.bpmn"
ORDERS = ROOT / "tests" / "data" / "ui" / "orders.bpmn"
PATIENCE_S = 60


@dataclass
class Stage:
    url: str
    first: str
    worker: str


@contextlib.contextmanager
def stage(data: Path) -> Iterator[Stage]:
    """Start both on free ports; they are ended by their ids."""
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(
            _running([str(COMMANDS / "segue-worker"), "tests.ui.worker:worker", "--host", "127.0.0.1", "--port", "0"])
        )
        server = stack.enter_context(_running([str(COMMANDS / "segue"), "serve", "--data", str(data), "--port", "0"]))
        yield Stage(
            worker=_line(worker, r"is ready on (http://\S+)"),
            url=_line(server, r"Segue is ready on (http://\S+)"),
            first=_line(server, r"this link works once: (http://\S+)"),
        )


def browser_environment(chromium: str, **more: str) -> dict[str, str]:
    """What the scripts in ui/e2e read, whatever they do."""
    return os.environ | {"CHROMIUM": chromium, **more}


def browse(script: str, where: Stage, chromium: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts in ui/e2e against the stage."""
    environment = browser_environment(
        chromium,
        SEGUE_URL=where.url,
        FIRST_LINK=where.first,
        WORKER_URL=where.worker,
        ORDERS_FILE=str(ORDERS),
        **more,
    )
    return subprocess.run(
        ["node", f"e2e/{script}"], cwd=ROOT / "ui", env=environment, capture_output=True, text=True, check=False
    )


_Lines = tuple["queue.Queue[str | None]", list[str]]


@contextlib.contextmanager
def _running(command: Sequence[str]) -> Iterator[_Lines]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines))
    reader.start()
    try:
        yield lines, []
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        reader.join()
        process.stdout.close()


def _read(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _line(running: _Lines, pattern: str) -> str:
    """The first group of a line that the process prints, or has printed already."""
    lines, seen = running
    while True:
        if found := re.search(pattern, "".join(seen)):
            return found[1]
        line = lines.get(timeout=PATIENCE_S)
        if line is None:
            raise AssertionError("it ended; it printed:\n" + "".join(seen))
        seen.append(line)
