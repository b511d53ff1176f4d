"""One request to a worker, and what may come of it. Not the data path, so plain aiohttp does it."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import aiohttp
import msgspec
from msgspec import Struct

from segue.model.errors import Invalid, WorkerTrouble
from segue.model.workers import Worker

LONGEST_SAYING = 300
_DOUBLED = re.compile(r"(?:Error occurred: )?(.+?)\w*Error: \1")


class Told(Struct, frozen=True):
    """An answer: its status, its media type as the worker wrote it, and its body."""

    status: int
    media_type: str
    body: bytes


class _Said(Struct):
    message: str


class Asker:
    """Makes requests, each on a connection of its own: workers close idle ones, and one of their answers resets it.

    A request takes at most `timeout_ms`, an answer at most `answer_limit` bytes; redirects are not followed. `ca_file`
    names certificates (PEM) that are trusted besides the system's; Invalid is raised if it cannot be read.
    """

    def __init__(self, *, timeout_ms: int, answer_limit: int, ca_file: Path | None) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_ms / 1000)
        self._answer_limit = answer_limit
        self._tls = ssl.create_default_context()
        if ca_file is not None:
            try:
                self._tls.load_verify_locations(cafile=ca_file)
            except OSError as error:
                raise Invalid(f"ca_file {ca_file} cannot be read as certificates: {error}") from error

    async def ask(self, worker: Worker, method: str, path: str, body: bytes | None = None) -> Told:
        """Make a request; a body is JSON. Raises WorkerTrouble when there is no answer."""
        headers = {"accept-encoding": "identity"} | worker.headers
        if body is not None:
            headers["content-type"] = "application/json"
        connector = aiohttp.TCPConnector(force_close=True, ssl=self._tls)
        where = f"{method} {path.partition('?')[0]}"
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=self._timeout, auto_decompress=False) as session,
                session.request(
                    method, worker.url.rstrip("/") + path, headers=headers, data=body, allow_redirects=False
                ) as response,
            ):
                told = await self._body(worker, where, response)
                return Told(response.status, response.headers.get("content-type", ""), told)
        except TimeoutError as error:
            raise trouble(worker, where, f"did not answer within {self._timeout.total:g} s") from error
        except aiohttp.InvalidURL as error:
            raise trouble(worker, where, "has an address that cannot be called") from error
        except aiohttp.ClientConnectorError as error:
            raise trouble(worker, where, f"could not be reached: {error.os_error}") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise trouble(worker, where, f"could not be asked: {str(error) or type(error).__name__}") from error

    async def _body(self, worker: Worker, where: str, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > self._answer_limit:
                raise trouble(worker, where, f"answered more than {self._answer_limit} bytes")
        return bytes(body)


def trouble(worker: Worker, where: str, what: str) -> WorkerTrouble:
    """What went wrong with a request."""
    return WorkerTrouble(f"Worker {worker.name!r} {what} ({where})")


def said(status: int, body: bytes) -> str:
    """The status, and what the worker said about it if it said so as the SDKs do."""
    text = f"answered with HTTP status {status}"
    words = words_of(body)
    return f"{text}: {words}" if words else text


def words_of(body: bytes) -> str:
    """The first line of what the worker said, "" if it said nothing as the SDKs do."""
    try:
        lines = msgspec.json.decode(body, type=_Said).message.strip().splitlines()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    if not lines:
        return ""
    # The Node SDK puts the stack behind the message, and the stack begins with the message again.
    doubled = _DOUBLED.fullmatch(lines[0])
    return (doubled[1] if doubled else lines[0])[:LONGEST_SAYING]
