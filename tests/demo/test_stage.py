"""Processes of the demo: started, restarted beside a busy port, and ended with their parent."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from demo.children import ROOT, ChildError, Children
from demo.stage import DemoError, Stage

READY = r"ready on (\S+)"


async def test_a_server_whose_port_was_taken_meanwhile_comes_back_on_another(tmp_path: Path) -> None:
    children = Children(tmp_path)
    stage = Stage(children, tmp_path / "data")
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        try:
            await stage.start_server(taken)
            assert stage.url != f"http://127.0.0.1:{taken}"
            children.check()
        finally:
            await children.stop()


async def test_a_process_that_ends_at_once_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    children = Children(tmp_path)
    with pytest.raises(ChildError, match="sorry") as caught:
        await children.start("short", [sys.executable, "-c", "print('sorry'); raise SystemExit(3)"], READY)
    assert "code 3" in str(caught.value)
    children.check()


async def test_a_process_that_ends_later_is_noticed(tmp_path: Path) -> None:
    children = Children(tmp_path)
    code = "import sys; print('ready on here', flush=True); sys.stdin.read()"
    child = await children.start("brief", [sys.executable, "-c", code], READY)
    assert child.url == "here"
    await asyncio.to_thread(child.process.wait)
    with pytest.raises(ChildError, match="brief ended with code 0"):
        children.check()


async def test_a_command_that_fails_is_an_error_with_its_own_words(tmp_path: Path) -> None:
    stage = Stage(Children(tmp_path), tmp_path / "data")
    with pytest.raises(DemoError, match=r"`segue deploy` ended with code .*no-such-process"):
        await stage.deploy("no-such-process")


def test_a_process_ends_with_a_parent_that_was_killed() -> None:
    """The parent starts a leashed child, tells its id, and is killed; the child has to end."""
    child = "import time; print('up', flush=True); time.sleep(600)"
    parent = (
        "import os, signal, subprocess, sys\n"
        f"command = [sys.executable, '-m', 'demo.leash', str(os.getpid()), sys.executable, '-c', {child!r}]\n"
        "child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.readline()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    number = int(process.stdout.readline())
    child_end = os.pidfd_open(number)
    try:
        process.communicate("\n")
        ended, _, _ = select.select([child_end], [], [], 60)
    finally:
        os.close(child_end)
    assert ended, "the child outlived its parent"
