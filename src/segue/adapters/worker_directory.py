"""The port `WorkerDirectory`: asks a worker over HTTP what it offers. Not the data path, so plain aiohttp does it.

Paths and shapes are those of the Orchesty worker SDKs, which Segue's own SDK shares.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import quote

import aiohttp
import msgspec

from segue.model.errors import Invalid, WorkerTrouble
from segue.model.graph import ActionKind
from segue.model.workers import OfferedAction, Worker

_LISTS = {
    ActionKind.BATCH: "/batch/list",
    ActionKind.CONNECTOR: "/connector/list",
    ActionKind.CUSTOM: "/custom-node/list",
}
_TESTS = {
    ActionKind.BATCH: "/batch/{}/action/test",
    ActionKind.CONNECTOR: "/connector/{}/action/test",
    ActionKind.CUSTOM: "/custom-node/{}/process/test",
}
_MIB = 1024 * 1024
_LONGEST_SAYING = 300


class _Listed(msgspec.Struct):
    """One action as a worker lists it; what else it says is of no use here."""

    name: str
    app: str | None = None


class _Said(msgspec.Struct):
    message: str


class HttpWorkerDirectory:
    """Asks workers with GET requests, each on a connection of its own; D1 and D2 of `WorkerDirectory` hold.

    A request takes at most `timeout_ms`, an answer at most `answer_limit` bytes; redirects are not followed. `ca_file`
    names certificates (PEM) that are trusted besides the system's; Invalid is raised if it cannot be read.
    """

    def __init__(self, *, timeout_ms: int = 10_000, answer_limit: int = 4 * _MIB, ca_file: Path | None = None) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_ms / 1000)
        self._answer_limit = answer_limit
        self._tls = ssl.create_default_context()
        if ca_file is not None:
            try:
                self._tls.load_verify_locations(cafile=ca_file)
            except OSError as error:
                raise Invalid(f"ca_file {ca_file} cannot be read as certificates: {error}") from error

    async def list_actions(self, worker: Worker) -> list[OfferedAction]:
        """All actions of the worker, ordered by kind and name. Raises WorkerTrouble."""
        actions: dict[tuple[ActionKind, str], OfferedAction] = {}
        for kind, path in _LISTS.items():
            for action in await self._list(worker, kind, path):
                actions.setdefault((kind, action.name), action)
        return sorted(actions.values(), key=lambda action: (action.kind, action.name.casefold(), action.name))

    async def check_action(self, worker: Worker, kind: ActionKind, name: str) -> str | None:
        """None if the worker offers the action and can make it; otherwise what is wrong, for people."""
        path = _TESTS[kind].format(quote(name, safe=""))
        try:
            status, body = await self._get(worker, path)
        except WorkerTrouble as trouble:
            return trouble.detail
        if status == 200:
            return None
        return f"Worker {worker.name!r} cannot offer the {kind.value} {name!r}: {_said(status, body)}"

    async def check_worker(self, worker: Worker) -> str | None:
        """None if the worker answers as a worker; otherwise what is wrong, for people."""
        try:
            await self._list(worker, ActionKind.CONNECTOR, _LISTS[ActionKind.CONNECTOR])
        except WorkerTrouble as trouble:
            return trouble.detail
        return None

    async def close(self) -> None:
        """Nothing is kept between requests."""

    async def _list(self, worker: Worker, kind: ActionKind, path: str) -> list[OfferedAction]:
        status, body = await self._get(worker, path)
        if status != 200:
            raise _trouble(worker, path, _said(status, body))
        try:
            listed = msgspec.json.decode(body, type=list[_Listed])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _trouble(worker, path, f"answered with something that is no list of actions: {error}") from error
        names = [action.name for action in listed]
        if not all(names):
            raise _trouble(worker, path, f"answered with an action without a name, at [{names.index('')}]")
        return [OfferedAction(name=action.name, kind=kind, application=action.app or None) for action in listed]

    async def _get(self, worker: Worker, path: str) -> tuple[int, bytes]:
        headers = {"accept-encoding": "identity"} | worker.headers
        connector = aiohttp.TCPConnector(force_close=True, ssl=self._tls)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=self._timeout, auto_decompress=False) as session,
                session.get(worker.url.rstrip("/") + path, headers=headers, allow_redirects=False) as response,
            ):
                return response.status, await self._body(worker, path, response)
        except TimeoutError as error:
            raise _trouble(worker, path, f"did not answer within {self._timeout.total:g} s") from error
        except aiohttp.InvalidURL as error:
            raise _trouble(worker, path, "has an address that cannot be called") from error
        except aiohttp.ClientConnectorError as error:
            raise _trouble(worker, path, f"could not be reached: {error.os_error}") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise _trouble(worker, path, f"could not be asked: {str(error) or type(error).__name__}") from error

    async def _body(self, worker: Worker, path: str, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > self._answer_limit:
                raise _trouble(worker, path, f"answered more than {self._answer_limit} bytes")
        return bytes(body)


def _trouble(worker: Worker, path: str, what: str) -> WorkerTrouble:
    return WorkerTrouble(f"Worker {worker.name!r} {what} (GET {path})")


def _said(status: int, body: bytes) -> str:
    """The status, and what the worker said about it if it said so as the SDKs do."""
    text = f"answered with HTTP status {status}"
    try:
        lines = msgspec.json.decode(body, type=_Said).message.strip().splitlines()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text
    return f"{text}: {lines[0][:_LONGEST_SAYING]}" if lines else text
