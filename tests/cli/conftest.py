"""A server started by the installed command, a worker beside it, and the command line inside the test's process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from segue.cli.app import run

SEGUE = Path(sys.executable).parent / "segue"
READY = "Segue is ready on "


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def segue(*arguments: str, stdin: str = "", **environment: str) -> Result:
    """Run one command inside this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SEGUE_")]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["segue", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                run()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return Result(code, out.getvalue(), err.getvalue())


@dataclass
class Server:
    process: subprocess.Popen[str]
    data: Path
    url: str
    token: str = ""

    def segue(self, *arguments: str, stdin: str = "") -> Result:
        """Run a client command against this server."""
        return segue(*arguments, stdin=stdin, SEGUE_URL=self.url, SEGUE_TOKEN=self.token)

    def tasks(self, *ids: str) -> None:
        """Wait until these messages are user tasks; they need their turn to get there from the start."""
        while not set(ids) <= {each["id"] for each in self.segue("task", "list", "--json").json}:
            pass

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; the exit code and what was said on stderr but for the invitation to make a first user."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=10)
        said = [line for line in err.splitlines() if not line.startswith("Nobody can sign in yet")]
        return self.process.returncode, "\n".join(said)


Starting = Callable[..., Server]


def serve(data: Path, *options: str, **environment: str) -> Server:
    """Start a server on a free port and wait until it says that it is ready."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    process = subprocess.Popen(
        [SEGUE, "serve", "--data", data, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean | environment,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith(READY):
        process.kill()
        _, err = process.communicate(timeout=10)
        raise AssertionError(f"no server: {line!r} {err}")
    return Server(process, data, line.removeprefix(READY).strip())


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers that end with the test."""
    started: list[Server] = []

    def start(data: Path | None = None, *options: str, with_token: bool = True, **environment: str) -> Server:
        folder = data or tmp_path / "data"
        made = segue("token", "create", "--data", str(folder), "--name", "test").out if with_token else ""
        token = made.strip()
        started.append(serve(folder, *options, **environment))
        started[-1].token = token
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate(timeout=10)


@dataclass
class Worker:
    """A worker over HTTP: `echo` answers with the body that came, `refuse` says that the message failed."""

    url: str
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    found = Worker("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            envelope = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found.seen.append((self.path, envelope))
            good = "refuse" not in self.path or "corrected" in envelope["body"]
            headers = {"result-code": "0"} if good else {"result-code": "1006", "result-message": "no such customer"}
            body = json.dumps({"headers": headers, "body": envelope["body"]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, worker: Worker) -> Iterator[Server]:
    """One server for the tests of a module that only add to it, with the worker `w` registered."""
    data = tmp_path_factory.mktemp("server") / "data"
    token = segue("token", "create", "--data", str(data), "--name", "test").out.strip()
    running = serve(data)
    running.token = token
    try:
        added = running.segue("worker", "add", "w", worker.url)
        assert added.code == 0, added.err
        yield running
        assert running.stop() == (0, "")
    finally:
        # Whatever went wrong, in the set-up too, the server does not outlive the tests.
        if running.process.poll() is None:
            running.process.kill()
            running.process.communicate(timeout=10)
