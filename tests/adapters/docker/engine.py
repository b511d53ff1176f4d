"""A small engine of containers that fails as it is told to; what real ones do is tested with a real one."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from pathlib import Path
from typing import Any

from aiohttp import web

BEGAN = "2026-01-02T03:04:05.123456789Z"


class FakeEngine:
    """Answers on a UNIX socket. `refuse` maps the end of a path to what is answered there."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "engine.sock"
        self.images = {"segue:latest": "sha256:one"}
        self.boxes: dict[str, dict[str, Any]] = {}
        self.refuse: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []
        self._numbers = itertools.count(1)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.socket)).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def add(self, labels: dict[str, str], name: str) -> str:
        """A container that runs."""
        key = f"key{next(self._numbers)}"
        self.boxes[key] = {
            "name": name,
            "labels": labels,
            "state": "running",
            "health": "healthy",
            "files": {},
            "starts": 1,
        }
        return key

    def running(self) -> list[str]:
        return [key for key, box in self.boxes.items() if box["state"] == "running"]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/v1.41")
        if path == "/_ping":
            return web.Response(text="OK", headers={"Api-Version": "1.41"})
        self.asked.append(f"{request.method} {path}")
        for end, (status, message) in self.refuse.items():
            if path.endswith(end):
                return web.json_response({"message": message}, status=status)
        if path == "/containers/json":
            return web.json_response(self._list(json.loads(request.query["filters"])["label"]))
        if path == "/containers/create":
            body = await request.json()
            key = self.add(body["Labels"], request.query["name"])
            self.boxes[key] |= {"state": "created", "wanted": body, "starts": 0}
            return web.json_response({"Id": key}, status=201)
        if path.startswith("/images/"):
            found = self.images.get(path.removeprefix("/images/").removesuffix("/json"))
            return web.json_response(
                {"Id": found} if found else {"message": "No such image"}, status=200 if found else 404
            )
        if path == "/events":
            return web.json_response({"message": "no events here"}, status=501)
        return await self._of_one(request, path)

    async def _of_one(self, request: web.Request, path: str) -> web.Response:
        key, _, verb = path.removeprefix("/containers/").partition("/")
        box = self.boxes.get(key)
        if box is None:
            return web.json_response({"message": "No such container"}, status=404)
        if verb == "json":
            return web.json_response(self._inspected(key, box))
        if verb == "logs":
            return web.Response(body=b"\x02\0\0\0\0\0\0\x0ethe last words\n")
        if verb == "archive":
            with tarfile.open(fileobj=io.BytesIO(await request.read())) as archive:
                for entry in archive.getmembers():
                    box["files"][entry.name] = (entry.mode, entry.uid)
        elif verb in {"start", "restart"}:
            box |= {"state": "running", "health": "healthy", "starts": box["starts"] + 1}
        elif verb == "stop":
            box["state"] = "exited"
        elif request.method == "DELETE":
            del self.boxes[key]
        return web.Response(status=204)

    def _list(self, labels: list[str]) -> list[dict[str, Any]]:
        return [
            {"Id": key, "Names": ["/" + box["name"]], "Labels": box["labels"], "State": box["state"], "Created": 1}
            for key, box in self.boxes.items()
            if all(box["labels"].get(each.partition("=")[0]) == each.partition("=")[2] for each in labels)
        ]

    def _inspected(self, key: str, box: dict[str, Any]) -> dict[str, Any]:
        runs = box["state"] == "running"
        started = BEGAN.replace(":05.", f":{5 + box['starts']:02}.")
        state = {"Status": box["state"], "Running": runs, "ExitCode": 3, "Pid": 7, "StartedAt": started}
        return {"Id": key, "RestartCount": 0, "State": state | {"Health": {"Status": box["health"]}}}
