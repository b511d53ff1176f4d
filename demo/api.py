"""Segue's HTTP interface, as far as the demo uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

TRY_AGAIN = frozenset({429, 503})


class ApiError(Exception):
    """Segue refused a request; the text is its own explanation."""


class Api:
    """A client with a token. Every call raises ApiError for what Segue refuses, aiohttp.ClientError for no answer."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self.url = url
        self._session = session
        self._fields = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    async def get(self, path: str, **query: str | int) -> Any:
        """Return the answer to a GET below /api/v1."""
        return await self._call("GET", f"/api/v1{path}", params=query)

    async def put(self, path: str, body: object) -> Any:
        """Return the answer to a PUT below /api/v1."""
        return await self._call("PUT", f"/api/v1{path}", data=msgspec.json.encode(body))

    async def post(self, path: str, body: object = msgspec.UNSET) -> Any:
        """Return the answer to a POST below /api/v1, None for an empty one."""
        data = None if body is msgspec.UNSET else msgspec.json.encode(body)
        return await self._call("POST", f"/api/v1{path}", data=data)

    async def items(self, path: str, **query: str | int) -> AsyncIterator[Any]:
        """Yield all items of a list, page by page."""
        page = await self.get(path, **query)
        while True:
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            page = await self.get(path, **query, cursor=page["next"])

    async def start(self, process: str, body: object, key: str) -> str:
        """Start an instance and return its id; asked again under the same key until there is an answer.

        A server that is down or busy is asked again; the key makes sure that this starts one instance only.
        """
        path = f"/processes/{quote(process, safe='')}/start"
        while True:
            try:
                async with self._session.post(
                    self.url + path, data=msgspec.json.encode(body), headers={**self._fields, "idempotency-key": key}
                ) as answer:
                    content = await answer.read()
                if answer.status == 202:
                    return str(msgspec.json.decode(content)["instance"])
                if answer.status not in TRY_AGAIN:
                    raise ApiError(f"POST {path}: {answer.status} {_said(content)}")
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                pass
            await asyncio.sleep(0.1)

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        async with self._session.request(method, self.url + path, headers=self._fields, **options) as answer:
            content = await answer.read()
        if answer.status >= 300:
            raise ApiError(f"{method} {path}: {answer.status} {_said(content)}")
        return msgspec.json.decode(content) if content else None


def _said(content: bytes) -> str:
    try:
        problem = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError:
        return content[:300].decode(errors="replace")
    return str(problem.get("detail") or problem)
