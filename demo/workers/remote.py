"""How the demo's workers call the systems behind them."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from segue_sdk import Fail, Message, Repeat, Worker

TRY_AGAIN = frozenset({408, 423, 429, 502, 503, 504})


class Remote:
    """A system's HTTP API, its address in the environment variable `variable`; opened and closed with the worker."""

    def __init__(self, worker: Worker, variable: str) -> None:
        self._variable = variable
        self._session: aiohttp.ClientSession | None = None
        self._host = ""
        worker.on_start(self._open)
        worker.on_stop(self._close)

    async def get(self, message: Message, path: str, **query: str) -> Any:
        """Return the answer to a GET as parsed JSON; see `post` for what is raised."""
        return await self._call(message, "GET", path, params=query)

    async def post(self, message: Message, path: str, body: object) -> Any:
        """Return the answer to a POST as parsed JSON. The message's id goes along, so a second call is known as one.

        Raises Repeat when another try may help (busy, locked, not reachable) and Fail with the system's own words
        when it refuses the request.
        """
        return await self._call(message, "POST", path, data=msgspec.json.encode(body))

    async def _call(self, message: Message, method: str, path: str, **options: Any) -> Any:
        if self._session is None:
            raise RuntimeError("The worker has not been started")
        headers = {"content-type": "application/json", "idempotency-key": message.id}
        try:
            with message.remote(self._host) as call:
                async with self._session.request(method, path, headers=headers, **options) as answer:
                    call.status = answer.status
                    content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Repeat(after=1, at_most=30, reason=f"{self._host} does not answer: {error!r}") from error
        if answer.status < 300:
            return msgspec.json.decode(content)
        reason = f"{answer.status}: {_said(content)}"
        if answer.status in TRY_AGAIN:
            message.log.info("%s, again in a second", reason)
            raise Repeat(after=1, at_most=30, reason=reason)
        raise Fail(reason)

    def _open(self) -> None:
        base = os.environ.get(self._variable, "")
        if not base.startswith("http"):
            raise RuntimeError(f"{self._variable} has to hold the address of the system, it holds {base!r}")
        self._host = urlsplit(base).netloc
        self._session = aiohttp.ClientSession(base, timeout=aiohttp.ClientTimeout(total=30))

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _said(content: bytes) -> str:
    try:
        answer = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError:
        return content[:200].decode(errors="replace")
    return str(answer.get("error", answer))
