"""Segue's HTTP interface, as far as the campaigns use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

NO_ANSWER = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError, OSError)
"""What a caller meets whose server is killed: nobody there, or an answer that breaks off."""


class RefusedError(Exception):
    """Segue refused a request: with this status, code and explanation."""

    def __init__(self, what: str, status: int, content: bytes) -> None:
        try:
            problem = msgspec.json.decode(content, type=dict[str, Any])
        except msgspec.MsgspecError:
            problem = {"detail": content[:300].decode(errors="replace")}
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail", problem))
        super().__init__(f"{what}: {status} {self.code}: {self.detail}")


class Api:
    """A client with a token. Calls raise RefusedError for what Segue refuses, one of NO_ANSWER when it is not there."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self.url = url
        self._session = session
        self._fields = {"authorization": f"Bearer {token}"}

    async def call(self, method: str, path: str, body: object = None, **query: str | int) -> Any:
        """The answer to a request below /api/v1. A body of bytes goes as it is, any other as JSON."""
        data = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        fields = self._fields if body is None else self._fields | {"content-type": _type_of(body)}
        url = f"{self.url}/api/v1{path}"
        async with self._session.request(method, url, data=data, headers=fields, params=query) as answer:
            content = await answer.read()
        if answer.status >= 300:
            raise RefusedError(f"{method} {path}", answer.status, content)
        return msgspec.json.decode(content) if content else None

    async def ask(self, path: str, **query: str | int) -> Any:
        """The answer to a GET; asked again, for a while, from a server that is just being started again."""
        for _ in range(50):
            try:
                return await self.call("GET", path, **query)
            except NO_ANSWER:
                await asyncio.sleep(0.1)  # the server is not back yet
        return await self.call("GET", path, **query)

    async def scrape(self) -> str:
        """What a scrape of the figures of now answers."""
        async with self._session.get(f"{self.url}/metrics", headers=self._fields) as answer:
            answer.raise_for_status()
            return await answer.text()

    async def items(self, path: str, **query: str | int) -> AsyncIterator[Any]:
        """All items of a list, page by page."""
        page = await self.ask(path, limit=500, **query)
        while True:
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            page = await self.ask(path, limit=500, cursor=page["next"], **query)

    async def start(self, process: str, body: bytes, key: str, wait_s: int | None = None) -> Any:
        """Start an instance, once, and perhaps wait for its end; what Segue says of it."""
        fields = self._fields | {"content-type": "application/json", "idempotency-key": key}
        if wait_s is not None:
            fields["prefer"] = f"wait={wait_s}"
        path = f"/processes/{process}/start"
        async with self._session.post(self.url + path, data=body, headers=fields) as answer:
            content = await answer.read()
        if answer.status not in {200, 202}:
            raise RefusedError(f"POST {path}", answer.status, content)
        return msgspec.json.decode(content)

    async def deploy(self, process: str, file: bytes, *, enable: bool = True) -> int:
        """Put and publish a file as the next version of a process; its number."""
        draft = await self.call("PUT", f"/processes/{process}/draft", file)
        base = f"/processes/{process}/versions/{draft['version']}"
        await self.call("POST", f"{base}/publish")
        if enable:
            await self.call("POST", f"{base}/enable")
        return int(draft["version"])


def _type_of(body: object) -> str:
    return "application/xml" if isinstance(body, bytes) else "application/json"
