"""The part of the Docker Engine API that the deployer needs, over a UNIX socket or TCP with TLS.

The version spoken is the engine's own: what is used here has been the same since 1.25.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from segue.model.errors import Invalid

_TIMEOUT_S = 30.0
_CONNECT_S = 5.0
_FORMS = "unix:///var/run/docker.sock, or tcp://host:2376 with docker_certs"
_CERTIFICATES = ("ca.pem", "cert.pem", "key.pem")
_LOG_HEADER = 8
# Not all of them: health checks alone are some a second with many containers.
_EVENTS = ["die", "destroy", "oom", "pause", "unpause", "health_status"]


class EngineTrouble(Exception):
    """The engine does not answer, or refuses; the text says which and why, for people. `status` is what it answered."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status

    @property
    def gone(self) -> bool:
        """Whether what was asked for is not there."""
        return self.status == 404


class EngineAddress:
    """Where the engine listens. Raises Invalid for an address that makes no sense, or over which anybody could give
    orders to the engine, who is root on its host."""

    def __init__(self, host: str, certificates: str = "") -> None:
        parts = urlsplit(host)
        self.shown = host
        self.socket = ""
        self._certificates = certificates
        if parts.scheme == "unix":
            self.socket, self.base = parts.path, "http://engine"
            if not parts.path or parts.netloc or certificates:
                raise Invalid(f"docker_host is {host!r}; write it as in {_FORMS}")
            return
        try:
            name, port = parts.hostname, parts.port
        except ValueError:
            name = port = None
        if parts.scheme != "tcp" or not name or not port or parts.path.strip("/") or "@" in parts.netloc:
            raise Invalid(f"docker_host is {host!r}; write it as in {_FORMS}")
        if not certificates and not _loopback(name):
            raise Invalid(
                f"docker_host {host} is reached without TLS, so anybody on the way could give orders to the engine;"
                f" docker_certs names the folder with {', '.join(_CERTIFICATES)}"
            )
        self.base = f"{'https' if certificates else 'http'}://{parts.netloc}"

    def check(self) -> None:
        """Raises Invalid when the certificates cannot be used."""
        self._context()

    def connector(self) -> aiohttp.BaseConnector:
        """Connections to it."""
        if self.socket:
            return aiohttp.UnixConnector(self.socket)
        context = self._context()
        return aiohttp.TCPConnector() if context is None else aiohttp.TCPConnector(ssl=context)

    def _context(self) -> ssl.SSLContext | None:
        if not self._certificates:
            return None
        authority, certificate, key = (Path(self._certificates) / name for name in _CERTIFICATES)
        try:
            context = ssl.create_default_context(cafile=str(authority))
            context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise Invalid(f"docker_certs {self._certificates} cannot be used: {error}") from None
        return context


class EngineApi:
    """Speaks to one engine. Every method raises EngineTrouble."""

    def __init__(self, address: EngineAddress) -> None:
        self._address = address
        self._session: aiohttp.ClientSession | None = None
        self._prefix: str | None = None

    async def containers(self, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """All containers with these labels, whether they run or not."""
        found: list[dict[str, Any]] = await self._json(
            "GET", "/containers/json", params={"all": "true", "filters": _filters(labels)}
        )
        return found

    async def inspect(self, id: str) -> dict[str, Any]:
        """All about a container."""
        found: dict[str, Any] = await self._json("GET", f"/containers/{id}/json")
        return found

    async def image_id(self, name: str) -> str:
        """The digest of an image that is there."""
        try:
            found = await self._json("GET", f"/images/{name}/json")
        except EngineTrouble as trouble:
            if trouble.gone:
                raise EngineTrouble(f"the image {name} is not there; build it or pull it", trouble.status) from None
            raise
        return str(found["Id"])

    async def create(self, name: str, wanted: Mapping[str, Any]) -> str:
        """Make a container, which does not run yet; its id."""
        made = await self._json("POST", "/containers/create", params={"name": name}, json=wanted)
        return str(made["Id"])

    async def put_files(self, id: str, folder: str, archive: bytes) -> None:
        """Unpack a tar archive in a folder of a container."""
        await self._json("PUT", f"/containers/{id}/archive", params={"path": folder}, data=archive)

    async def start(self, id: str) -> None:
        """Start it; it may run already."""
        await self._json("POST", f"/containers/{id}/start")

    async def stop(self, id: str, grace_s: int) -> None:
        """Ask it to end, and end it after the grace; it may have ended already."""
        await self._json("POST", f"/containers/{id}/stop", params={"t": str(grace_s)}, extra_s=grace_s)

    async def restart(self, id: str, grace_s: int) -> None:
        """Stop and start it."""
        await self._json("POST", f"/containers/{id}/restart", params={"t": str(grace_s)}, extra_s=grace_s)

    async def remove(self, id: str) -> None:
        """Remove a container with its volume; it may be gone, or going, already."""
        try:
            await self._json("DELETE", f"/containers/{id}", params={"force": "true", "v": "true"})
        except EngineTrouble as trouble:
            if trouble.status not in {404, 409}:
                raise

    async def last_words(self, id: str, lines: int) -> str:
        """The last lines that a container wrote."""
        params = {"stdout": "true", "stderr": "true", "tail": str(lines)}
        return plain_log(await self._bytes("GET", f"/containers/{id}/logs", params=params))

    async def events(self, labels: Mapping[str, str]) -> AsyncIterator[None]:
        """One item whenever a container with these labels ends or changes its health, until the connection ends."""
        filters = json.dumps({"label": _labels(labels), "type": ["container"], "event": _EVENTS})
        async with self._answer("GET", "/events", params={"filters": filters}, endless=True) as response:
            try:
                async for _ in response.content:
                    yield
            except (aiohttp.ClientError, OSError) as error:
                raise self._away(error) from error

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # -- the wire -----------------------------------------------------------------------------------------------------

    async def _json(self, method: str, path: str, **options: Any) -> Any:
        body = await self._bytes(method, path, **options)
        try:
            return json.loads(body) if body.strip() else None
        except ValueError:
            raise EngineTrouble(f"the engine at {self._address.shown} answered {method} {path} with no JSON") from None

    async def _bytes(self, method: str, path: str, **options: Any) -> bytes:
        async with self._answer(method, path, **options) as response:
            return await response.read()

    @contextlib.asynccontextmanager
    async def _answer(
        self, method: str, path: str, *, endless: bool = False, extra_s: float = 0.0, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is no refusal."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=self._address.connector())
        total = None if endless else _TIMEOUT_S + extra_s
        timeout = aiohttp.ClientTimeout(total=total, sock_connect=_CONNECT_S)
        try:
            if self._prefix is None:
                self._prefix = await self._version()
            url = f"{self._address.base}{self._prefix}{path}"
            async with self._session.request(method, url, timeout=timeout, **options) as response:
                if response.status >= 400:
                    said = _reason(await response.read())
                    raise EngineTrouble(
                        f"the engine refused {method} {path} ({response.status}): {said}", response.status
                    )
                yield response
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._prefix = None  # another release may come up
            raise self._away(error) from error

    async def _version(self) -> str:
        assert self._session is not None  # noqa: S101 - its caller made it
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S, sock_connect=_CONNECT_S)
        async with self._session.get(f"{self._address.base}/_ping", timeout=timeout) as response:
            version = response.headers.get("Api-Version")
        if response.status != 200 or not version:
            raise EngineTrouble(f"what answers at {self._address.shown} is no engine of containers")
        return f"/v{version}"

    def _away(self, error: BaseException) -> EngineTrouble:
        why = "it took too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return EngineTrouble(f"the engine at {self._address.shown} does not answer: {why}")


def plain_log(body: bytes) -> str:
    """The text of a log, which is framed (a header of 8 bytes before each piece) unless there is a terminal."""
    pieces = []
    at = 0
    while at + _LOG_HEADER <= len(body) and body[at] in {0, 1, 2} and body[at + 1 : at + 4] == b"\0\0\0":
        size = int.from_bytes(body[at + 4 : at + 8], "big")
        pieces.append(body[at + _LOG_HEADER : at + _LOG_HEADER + size])
        at += _LOG_HEADER + size
    pieces.append(body[at:])
    return b"".join(pieces).decode(errors="replace")


def _filters(labels: Mapping[str, str]) -> str:
    return json.dumps({"label": _labels(labels)})


def _labels(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in labels.items()]


def _reason(body: bytes) -> str:
    """Why an engine refused, in its words."""
    with contextlib.suppress(ValueError, AttributeError):
        said = json.loads(body)
        if text := said.get("message") or said.get("cause"):
            return str(text)[:500]
    return body.decode(errors="replace").strip()[:500] or "it did not say why"


def _loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
