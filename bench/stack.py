"""The processes a bench needs, started on free ports of loopback, or of where they are told, and ended by their ids."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SEGUE = Path(sys.executable).with_name("segue")
BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def chain(actions: int, prefetch: int, worker: str = "bench", action: str = "echo") -> bytes:
    """A process file: start, `actions` connectors in a row, end."""
    ids = [f"call{index}" for index in range(actions)]
    tasks = "".join(
        f'<b:serviceTask id="{task}"><b:extensionElements><segue:action kind="connector" worker="{worker}"'
        f' name="{action}" prefetch="{prefetch}"/></b:extensionElements></b:serviceTask>'
        for task in ids
    )
    stops = ["start", *ids, "end"]
    flows = "".join(
        f'<b:sequenceFlow id="f{index}" sourceRef="{source}" targetRef="{target}"/>'
        for index, (source, target) in enumerate(itertools.pairwise(stops))
    )
    return (
        f'<b:definitions xmlns:b="{BPMN}" xmlns:segue="https://segue.dev/bpmn/1" targetNamespace="bench">'
        f'<b:process id="chain" isExecutable="true"><b:startEvent id="start"/>{tasks}<b:endEvent id="end"/>{flows}'
        "</b:process></b:definitions>"
    ).encode()


def _ready(process: subprocess.Popen[str], what: str) -> str:
    """Read the process's output up to its ready line; the URL it names."""
    assert process.stdout is not None
    for line in process.stdout:
        if " is ready on " in line:
            return line.rsplit(" ", 1)[1].strip()
    raise RuntimeError(f"{what} ended before it was ready, with status {process.wait()}")


@contextlib.contextmanager
def running(command: list[str], what: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a process, wait until it says that it is ready, end it afterwards. Gives it and its URL."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        yield process, _ready(process, what)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Server:
    """A running Segue on a data folder."""

    def __init__(self, data: Path, url: str, pid: int, store: str = "") -> None:
        self.data = data
        self.url = url
        self.pid = pid
        made = subprocess.run(
            [SEGUE, "token", "create", "--data", data, "--name", "bench", "--scope", "admin"],
            env={**os.environ, "SEGUE_STORE": store},
            check=True,
            capture_output=True,
            text=True,
        )
        self.token = made.stdout.strip()

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        """One request to the API; the answer's JSON."""
        request = urllib.request.Request(self.url + path, data=body, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def deploy(self, process: str, file: bytes) -> int:
        """Publish and enable a file; the version's number."""
        self.call("POST", "/api/v1/processes", json.dumps({"name": process}).encode(), Content_Type="application/json")
        draft = self.call("PUT", f"/api/v1/processes/{process}/draft", file, Content_Type="application/xml")
        number = int(draft["version"])
        base = f"/api/v1/processes/{process}/versions/{number}"
        self.call("POST", base + "/publish", b"")
        self.call("POST", base + "/enable", b"")
        return number

    def add_worker(self, name: str, url: str, secret: str = "") -> None:
        """Register a worker."""
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        body = json.dumps({"name": name, "url": url, "headers": headers}).encode()
        self.call("POST", "/api/v1/workers", body, Content_Type="application/json")

    def memory_mb(self) -> float:
        """Resident memory of the server now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def cpu_s(self) -> float:
        """Processor time the server has used."""
        return cpu_s(self.pid)


@contextlib.contextmanager
def server(
    data: Path, store: str = "", program: tuple[str, ...] = (str(SEGUE),), roles: str | None = None, broker: str = ""
) -> Iterator[Server]:
    """`segue serve` on a data folder and a free port; `store` is the URL of a database, if it is to be one, `broker`
    that of a RabbitMQ beside it."""
    command = [*program, "serve", "--data", str(data), "--port", "0", *(["--roles", roles] if roles else [])]
    with running(command, "segue serve", SEGUE_STORE=store, SEGUE_BROKER=broker) as (process, url):
        yield Server(data, url, process.pid, store)


@contextlib.contextmanager
def control_service(data: Path, store: str, version: str, where: tuple[str, ...] = ()) -> Iterator[int]:
    """One more control service of a version, in a process of its own; its id. `where` is the command that becomes it
    in another place."""
    command = [*where, str(SEGUE), "control-service", "--data", str(data), "--port", "0", "--version", version]
    with running(command, "segue control-service", SEGUE_STORE=store) as (process, _):
        yield process.pid


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def worker(address: str = "127.0.0.1", secret: str = "") -> Iterator[str]:
    """The bench's worker in a process of its own, for those who know its secret, if it has one; its URL."""
    with running(
        [sys.executable, "-m", "bench.worker", "0", address], "the bench's worker", SEGUE_WORKER_SECRET=secret
    ) as (_, url):
        yield url
