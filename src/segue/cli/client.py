"""The client of the HTTP API that the commands share. Standard library, because its start-up is every command's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

import typer

from segue.model.errors import Invalid, ScopeMissing, SegueError, Unauthenticated

Url = Annotated[str | None, typer.Option("--url", help="Address of the server. [env: SEGUE_URL]", show_default=False)]
Token = Annotated[str | None, typer.Option("--token", help="Token to send. [env: SEGUE_TOKEN]", show_default=False)]

_TIMEOUT_S = 30.0
_PAGE = "500"


class UnreachableError(SegueError):
    """The server cannot be reached, or what answers there is not Segue."""

    code = "unreachable"
    status = 502


class RefusedError(SegueError):
    """The server said no; `problem` is its whole answer, and `code` the code in it."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail", "the server refused")))
        self.problem = problem
        self.code = str(problem.get("code", "internal"))


class Client:
    """Asks one server, one request at a time."""

    def __init__(self, url: str | None, token: str | None) -> None:
        from segue.config import load  # noqa: PLC0415 - most of the start-up of the commands that need no server

        settings = load(flags={"url": url, "token": token}, file=False).settings
        parts = urlsplit(settings.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Invalid(f"{settings.url} is no address of a server; give one such as http://127.0.0.1:8080")
        self._url = settings.url
        self._kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port = parts.hostname, parts.port
        self._base = parts.path.rstrip("/")
        self._token = settings.token

    def get(self, path: str, **query: object) -> Any:
        """The answer as data. Raises UnreachableError, RefusedError, Unauthenticated or ScopeMissing."""
        given = {key.rstrip("_"): str(value) for key, value in query.items() if value is not None}
        return self._json("GET", path + (f"?{urlencode(given)}" if given else ""))

    def items(self, path: str, **query: object) -> Iterator[Any]:
        """All items of a list, page after page."""
        cursor = None
        while True:
            page = self.get(path, limit=_PAGE, cursor=cursor, **query)
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def send(self, method: str, path: str, value: object = None) -> Any:
        """Send data as JSON, or nothing for None; the answer as data."""
        if value is None:
            return self._json(method, path)
        return self._json(method, path, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def upload(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout_s: float = _TIMEOUT_S
    ) -> Any:
        """Send bytes as they are; the answer as data."""
        return self._json(method, path, body, headers, timeout_s)

    def _json(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Any:
        status, answer = self._ask(method, path, body, headers or {}, timeout_s)
        try:
            value = json.loads(answer) if answer else None
        except ValueError:
            raise UnreachableError(f"What answers at {self._url} is not Segue (status {status})") from None
        if status < 400:
            return value
        if not isinstance(value, dict) or "code" not in value:
            raise UnreachableError(f"What answers at {self._url} is not Segue (status {status})")
        if status == 401:
            raise Unauthenticated(f"{value['detail']} (--token or SEGUE_TOKEN)")
        if status == 403:
            raise ScopeMissing(str(value["detail"]))
        raise RefusedError(value)

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[int, bytes]:
        connection = self._kind(self._host, self._port, timeout=timeout_s)
        fields = {"Accept": "application/json", **headers}
        if self._token:
            fields["Authorization"] = f"Bearer {self._token}"
        try:
            connection.request(method, self._base + path, body=body, headers=fields)
            response = connection.getresponse()
            return response.status, response.read()
        except TimeoutError:
            raise UnreachableError(f"The server at {self._url} did not answer within {timeout_s:g} s") from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "strerror", None) or error
            raise UnreachableError(f"No server answers at {self._url}: {reason}") from None
        except ValueError as error:
            raise Invalid(f"The request cannot be sent: {error}") from None
        finally:
            connection.close()


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")
