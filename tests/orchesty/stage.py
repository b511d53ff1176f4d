"""A server, the worker beside it, and another system: everything that a process of an Orchesty user needs."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.cli.conftest import Server, segue, serve
from tests.orchesty.drawing import Drawing
from tests.orchesty.packages import FOLDER


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Reply:
    """Ask over HTTP; the path goes out as it is written."""
    where = urlsplit(url)
    assert where.hostname is not None
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    fields = dict(headers or {})
    data: bytes | None = body if isinstance(body, bytes) else None
    if body is not None and data is None:
        data = json.dumps(body).encode()
        fields.setdefault("Content-Type", "application/json")
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in fields.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(data or b"")))
    connection.endheaders(data)
    answer = connection.getresponse()
    reply = Reply(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
    connection.close()
    return reply


@dataclass
class OtherSystem:
    """The shop and the CRM that the worker's applications stand for. `tokens` counts what it gave out."""

    url: str = ""
    subscribed: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[dict[str, str]] = field(default_factory=list)
    lasting_s: int = 3600

    def answer(self, method: str, path: str, body: str) -> tuple[int, Any, dict[str, str]]:
        """What it answers."""
        self.asked.append((method, path))
        place = urlsplit(path)
        if place.path == "/subscribe":
            key = f"hook-{len(self.subscribed) + 1}"
            self.subscribed[key] = json.loads(body)["url"]
            return 200, {"id": key}, {}
        if place.path == "/unsubscribe":
            self.subscribed.pop(json.loads(body)["id"], None)
            return 200, {}, {}
        if place.path == "/token":
            self.tokens.append({name: values[0] for name, values in parse_qs(body).items()})
            number = len(self.tokens)
            token = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "token_type": "bearer"}
            return 200, token | {"expires_in": self.lasting_s}, {}
        if place.path == "/wp-json/wc/v3/products":
            page = int(parse_qs(place.query)["page"][0])
            return 200, [{"id": page * 10 + n} for n in range(2)], {"x-wp-totalpages": "2"}
        if place.path.startswith("/wp-json/wc/v3/products/"):
            return 200, {"id": int(place.path.rpartition("/")[2]), "name": "a product"}, {}
        return 404, {"message": "nothing here"}, {}


@contextmanager
def other_system() -> Iterator[OtherSystem]:
    """Run it on a free port."""
    system = OtherSystem()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            status, value, headers = system.answer(self.command, self.path, body)
            data = json.dumps(value).encode()
            self.send_response(status)
            fields = {"content-type": "application/json", "content-length": str(len(data))} | headers
            for name, text in fields.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _answer  # noqa: N815 - names of the base class

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    system.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield system
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Stage:
    server: Server
    worker: str
    other: OtherSystem

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """Ask the server with the token of a person who may do everything."""
        fields = {"Authorization": f"Bearer {self.server.token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return ask(self.server.url, method, path, body, fields)

    def get(self, path: str) -> Any:
        reply = self.ask("GET", path)
        assert reply.status == 200, (path, reply.status, reply.body)
        return reply.json

    def do(self, method: str, path: str, body: object = None) -> Any:
        reply = self.ask(method, path, body)
        assert reply.status < 300, (path, reply.status, reply.body)
        return json.loads(reply.body) if reply.body else None

    def tell(self, **acts: list[dict[str, Any]]) -> None:
        """What actions of the worker do from now on; `con_1` is the action con-1."""
        told = {name.replace("_", "-"): what for name, what in acts.items()}
        assert ask(self.worker, "POST", "/told", told).status == 200

    def seen(self, name: str) -> list[dict[str, Any]]:
        """How an action was called: headers and body of each call."""
        return list(ask(self.worker, "GET", "/seen").json.get(name, []))

    def deploy(self, process: str, drawing: Drawing | str, *, enable: bool = True) -> int:
        """Publish a drawing as the process; its version number."""
        if self.ask("GET", f"/api/v1/processes/{process}").status == 404:
            self.do("POST", "/api/v1/processes", {"name": process})
        text = drawing if isinstance(drawing, str) else drawing.text()
        name = f"{process}.tplg.json" if text.startswith("{") else f"{process}.tplg"
        reply = self.ask("PUT", f"/api/v1/processes/{process}/draft?file={name}", text.encode())
        assert reply.status == 200, reply.body
        number = int(reply.json["version"])
        self.do("POST", f"/api/v1/processes/{process}/versions/{number}/publish")
        if enable:
            self.do("POST", f"/api/v1/processes/{process}/versions/{number}/enable")
        return number

    def run(self, process: str, body: object = None) -> Any:
        """Start an instance by the original's route, and wait until it has ended or needs a person."""
        reply = ask(
            self.server.url,
            "POST",
            f"/topologies/{process}/nodes/start/run-by-name",
            {} if body is None else body,
            {"orchesty-api-key": self.server.token},
        )
        assert reply.status == 200, reply.body
        return self.ended(reply.json["correlation_id"])

    def kill_and_restart(self) -> None:
        """End the server at once, and start it again at the same address."""
        before = self.server
        before.process.kill()
        before.process.communicate(timeout=10)
        self.server = serve(before.data, "--port", str(urlsplit(before.url).port))
        self.server.token = before.token

    def ended(self, instance: str) -> Any:
        """Wait until it has ended or needs a person."""
        while (found := self.get(f"/api/v1/instances/{instance}"))["state"] == "running":
            pass
        return found

    def trash(self, instance: str) -> Any:
        """The one message of the instance that is in trash."""
        [item] = self.get(f"/api/v1/trash?instance={instance}")["items"]
        return self.get(f"/api/v1/trash/{item['id']}")


def _environment(server: Server, other: OtherSystem) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {
        "CRYPT_SECRET": "a secret of the tests",
        "BACKEND_URL": server.url,
        "STARTING_POINT_URL": server.url,
        "WORKER_API_HOST": server.url,
        "ORCHESTY_API_KEY": server.token,
        "OTHER_SYSTEM": other.url,
        "APP_PORT": "0",
        "NO_PROXY": "127.0.0.1",
    }


@contextmanager
def stage(data: Path, node: str) -> Iterator[Stage]:
    """A server of its own on a folder, with the worker registered as `worker`."""
    token = segue("token", "create", "--data", str(data), "--name", "test").out.strip()
    server = serve(data)
    server.token = token
    made: Stage | None = None
    with other_system() as other:
        worker = subprocess.Popen(
            [node, "index.js"], cwd=FOLDER, env=_environment(server, other), stdout=subprocess.PIPE, text=True
        )
        assert worker.stdout is not None
        port = next((line.split()[1] for line in worker.stdout if line.startswith("PORT ")), None)
        assert port is not None, "the worker ended before it listened"
        threading.Thread(target=worker.stdout.read, daemon=True).start()
        url = f"http://127.0.0.1:{port}"
        try:
            made = Stage(server, url, other)
            made.do("POST", "/api/v1/workers", {"name": "worker", "url": url})
            yield made
        finally:
            worker.kill()
            worker.wait()
            for each in {id(one): one for one in (server, made.server if made else server)}.values():
                each.process.kill()
                each.process.communicate(timeout=10)


def plain_of(text: str) -> bytes:
    """Undo base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
