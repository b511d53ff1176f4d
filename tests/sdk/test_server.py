"""A real server on a real socket: the command, its ready line, its end."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from segue_sdk import Message, StartError, Worker
from segue_sdk.server import listen
from segue_sdk.testing import outcome_of, serve

Envelope = Callable[..., bytes]

MODULE = '''
"""A worker for tests: its slow actions tell through a pipe that they have begun and wait for a byte of another one."""
import asyncio, os, sys
from segue_sdk import Worker

worker = Worker("crm")
BEGUN, GO_ON = int(os.environ["BEGUN"]), int(os.environ["GO_ON"])


@worker.connector("echo")
async def echo(message): ...


@worker.connector("slow")
async def slow(message):
    os.write(BEGUN, b"a")
    readable = asyncio.Event()
    asyncio.get_running_loop().add_reader(GO_ON, readable.set)
    await readable.wait()
    asyncio.get_running_loop().remove_reader(GO_ON)
    os.read(GO_ON, 1)
    return {"finished": True}


@worker.connector("slow-sync")
def slow_sync(message):
    os.write(BEGUN, b"s")
    os.read(GO_ON, 1)
    return {"finished": True}


@worker.on_stop
def goodbye():
    print("stopped", flush=True)


no_worker = 7
'''


class Running:
    """The command as a child process, and the two pipes into its slow actions."""

    def __init__(self, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        (folder / "crm_actions.py").write_text(MODULE)
        self.begun, begun = os.pipe()
        go_on, self.go_on = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "segue_sdk.cli", "crm_actions:worker", "--port", "0", *arguments],
            cwd=folder,
            env={**os.environ, **(env or {}), "BEGUN": str(begun), "GO_ON": str(go_on)},
            pass_fds=(begun, go_on),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(begun)
        os.close(go_on)
        assert self.process.stdout is not None
        self.ready_line = ""
        for line in self.process.stdout:
            if line.startswith("Worker"):
                self.ready_line = line.strip()
                break
        assert self.ready_line, self.process.communicate()[1]
        self.url = self.ready_line.rpartition(" ")[2]

    def wait_begun(self) -> None:
        assert os.read(self.begun, 1)

    def let_go_on(self) -> None:
        os.write(self.go_on, b"x")

    def stop(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@contextmanager
def running(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Running]:
    command = Running(folder, *arguments, env=env)
    try:
        yield command
    finally:
        command.process.kill()
        command.process.communicate()
        os.close(command.begun)
        os.close(command.go_on)


def connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)


def post(connection: http.client.HTTPConnection, path: str, raw: bytes, **headers: str) -> tuple[int, bytes]:
    connection.request("POST", path, raw, headers)
    response = connection.getresponse()
    return response.status, response.read()


def test_the_command_serves_and_stops_cleanly(tmp_path: Path, envelope: Envelope) -> None:
    with running(tmp_path) as command:
        assert re.fullmatch(r"Worker crm is ready on http://127\.0\.0\.1:[1-9]\d+", command.ready_line)
        connection = connect(command.url)
        for size in (10, 5_000_000):  # twice over one connection, the second larger than any buffer
            status, content = post(connection, "/connector/echo/action", envelope("č" * size, mine="1"))
            assert status == 200
            outcome = outcome_of(status, content)
            assert outcome.body.decode() == "č" * size
            assert outcome.headers["mine"] == "1"
        code, out, err = command.stop()
        assert (code, out.splitlines()[-1], err) == (0, "stopped", "")


@pytest.mark.parametrize("name", ["slow", "slow-sync"])
def test_a_stop_finishes_what_is_in_flight(tmp_path: Path, envelope: Envelope, name: str) -> None:
    with running(tmp_path) as command:
        answers: list[tuple[int, bytes]] = []

        def call() -> None:
            answers.append(post(connect(command.url), f"/connector/{name}/action", envelope()))

        caller = threading.Thread(target=call)
        caller.start()
        command.wait_begun()
        command.process.send_signal(signal.SIGTERM)
        wait_until_refused(command.url)
        command.let_go_on()
        caller.join()
        assert outcome_of(*answers[0]).json() == {"finished": True}
        code, out, _ = command.ended()
        assert (code, out.splitlines()[-1]) == (0, "stopped")


def wait_until_refused(url: str) -> None:
    """Until the server has closed its listening socket: it has taken notice of the signal."""
    parts = urlsplit(url)
    while True:
        try:
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60).close()
        except OSError:
            return


def test_a_call_that_never_ends_does_not_hold_the_process(tmp_path: Path, envelope: Envelope) -> None:
    with running(tmp_path, "--grace", "0") as command:
        connection = connect(command.url)
        connection.request("POST", "/connector/slow-sync/action", envelope())
        command.wait_begun()
        code, _, err = command.stop()
        assert code == 1
        assert "left 1 unfinished calls behind" in err


def test_the_secret_comes_from_the_environment(tmp_path: Path, envelope: Envelope) -> None:
    with running(tmp_path, env={"SEGUE_WORKER_SECRET": "s3cret"}) as command:
        connection = connect(command.url)
        assert post(connection, "/connector/echo/action", envelope())[0] == 401
        status, _ = post(connection, "/connector/echo/action", envelope(), authorization="Bearer s3cret")
        assert status == 200


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        ("no_such_module:worker", 'There is no module "no_such_module" in '),
        ("crm_actions:nope", 'The module "crm_actions" has no "nope"'),
        ("crm_actions:no_worker", '"no_worker" in the module "crm_actions" is no Worker but int'),
        (":worker", '"" is no name of a module'),
    ],
)
def test_a_wrong_reference_is_named(tmp_path: Path, reference: str, complaint: str) -> None:
    (tmp_path / "crm_actions.py").write_text(MODULE)
    ended = subprocess.run(
        [sys.executable, "-m", "segue_sdk.cli", reference],
        check=False, cwd=tmp_path, env={**os.environ, "BEGUN": "1", "GO_ON": "0"}, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"segue-worker: {complaint}")
    assert len(ended.stderr.splitlines()) == 1


def test_an_error_inside_the_module_shows_itself(tmp_path: Path) -> None:
    (tmp_path / "crm_actions.py").write_text("import no_such_dependency\n")
    ended = subprocess.run(
        [sys.executable, "-m", "segue_sdk.cli", "crm_actions"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "No module named 'no_such_dependency'" in ended.stderr


def test_a_taken_port_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf"Cannot listen on 127.0.0.1:{port}: .*in use"):
            Worker("crm").run(port=port)
    for host, port in (("no.such.host.invalid", 8080), ("127.0.0.1", 70_000)):
        with pytest.raises(StartError, match=f"Cannot listen on {host}:{port}"):
            Worker("crm").run(host, port)


def test_a_start_hook_that_fails_keeps_the_worker_from_starting() -> None:
    worker = Worker("crm")

    @worker.on_start
    async def connect_to_database() -> None:
        raise LookupError("no database")

    with pytest.raises(StartError, match="did not start: no database") as caught, serve(worker):
        pytest.fail("it started")
    assert isinstance(caught.value.__cause__, LookupError)


def test_serve_of_the_test_kit_can_be_used_again(envelope: Envelope) -> None:
    worker = Worker("crm")
    seen = []
    worker.on_start(lambda: seen.append("start"))
    worker.on_stop(lambda: seen.append("stop"))

    @worker.connector("add")
    def add(message: Message) -> int:
        return sum(message.json(list[int]))

    for _ in range(2):
        with serve(worker) as served:
            status, content = post(connect(served.url), "/connector/add/action", envelope("[1,2]"))
            assert (status, json.loads(content)["body"]) == (200, "3")
        with pytest.raises(ConnectionRefusedError):
            connect(served.url).request("GET", "/status")
    assert seen == ["start", "stop", "start", "stop"]


def test_a_request_that_is_too_large_is_answered_and_the_connection_lives_on(envelope: Envelope) -> None:
    worker = Worker("crm", max_body=1_000)
    worker.connector("echo")(lambda message: None)
    with serve(worker) as served:
        connection = connect(served.url)
        status, content = post(connection, "/connector/echo/action", envelope("x" * 3_000_000))
        assert status == 413
        assert outcome_of(status, content).reason == "The request is larger than 1000 bytes"
        assert post(connection, "/connector/echo/action", envelope("small"))[0] == 200


def test_listening_beyond_this_machine_without_a_secret_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker("crm")
    worker.on_start(lambda: 1 // 0)
    for secret, warned in ((None, True), ("s3cret", False)):
        worker.secret = secret
        caplog.clear()
        with pytest.raises(StartError):
            worker.run("0.0.0.0", 0)
        assert ("without a secret" in caplog.text) is warned
