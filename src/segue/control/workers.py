"""Workers: the services that offer actions."""

from __future__ import annotations

from urllib.parse import urlsplit

from segue.control.names import check_name
from segue.control.paging import Page, page_of_all
from segue.control.running import RunningEngine
from segue.model.errors import Invalid, NameTaken, NotFound
from segue.model.workers import OfferedAction, Worker
from segue.ports.catalog import WorkerCatalog
from segue.ports.outside import Clock, WorkerDirectory

# Fields that belong to each call and not to the worker; the transport would not send a call that has others of them.
_RESERVED = {
    "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip
_TOKEN_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


class Workers:
    """Register workers and ask them what they offer."""

    def __init__(self, catalog: WorkerCatalog, directory: WorkerDirectory, engine: RunningEngine, clock: Clock) -> None:
        self._catalog = catalog
        self._directory = directory
        self._engine = engine
        self._clock = clock

    async def find(self, after: str | None, limit: int) -> Page[Worker]:
        """Workers by name."""
        return page_of_all(await self._catalog.workers(), after, limit, lambda worker: worker.name)

    async def get(self, name: str) -> Worker:
        """Raises NotFound."""
        for worker in await self._catalog.workers():
            if worker.name == name:
                return worker
        raise NotFound(f"There is no worker {name[:100]}")

    async def add(self, name: str, url: str, headers: dict[str, str]) -> Worker:
        """Register a new worker. Raises NameTaken, or Invalid naming what is wrong."""
        if any(worker.name == name for worker in await self._catalog.workers()):
            raise NameTaken(f"A worker {name} is registered already")
        return await self._put(name, url, headers, self._clock.now())

    async def put(self, name: str, url: str, headers: dict[str, str] | None) -> Worker:
        """Register a worker or change it; without `headers` those it has stay. Raises Invalid."""
        known = {worker.name: worker for worker in await self._catalog.workers()}.get(name)
        if headers is None:
            headers = known.headers if known is not None else {}
        return await self._put(name, url, headers, known.created if known is not None else self._clock.now())

    async def delete(self, name: str) -> None:
        """Forget the worker; messages for it stay queued until one of its name is there again. Raises NotFound."""
        await self._catalog.delete_worker(name)
        await self._engine.reload_workers()

    async def actions(self, name: str) -> list[OfferedAction]:
        """Ask the worker what it offers. Raises NotFound, or WorkerTrouble when it does not say."""
        return await self._directory.list_actions(await self.get(name))

    async def check(self, name: str) -> str | None:
        """None when the worker answers as one; otherwise what is wrong. Raises NotFound."""
        return await self._directory.check_worker(await self.get(name))

    async def _put(self, name: str, url: str, headers: dict[str, str], created: int) -> Worker:
        check_name("worker", name)
        worker = Worker(name=name, url=check_url(url), headers=check_headers(headers), created=created)
        await self._catalog.put_worker(worker)
        await self._engine.reload_workers()
        return worker


def check_url(url: str) -> str:
    """`url` without a slash at its end. Raises Invalid unless it is an absolute address to call over HTTP."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError as error:
        raise Invalid(f"url {url[:200]!r}: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise Invalid(f"url {url[:200]!r}: give an absolute address such as http://host:port")
    if parts.username is not None or parts.password is not None:
        raise Invalid("url: names and passwords do not belong into an address; give an Authorization header instead")
    if parts.query or parts.fragment:
        raise Invalid(f"url {url[:200]!r}: has a query or fragment, which the paths of the actions would destroy")
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise Invalid(f"url {url[:200]!r}: has blanks or characters that are not ASCII")
    return url.rstrip("/")


def check_headers(headers: dict[str, str]) -> dict[str, str]:
    """`headers` with names in lower case. Raises Invalid for one that cannot be sent, or is not the worker's to set."""
    checked: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if not lower or not set(lower) <= _TOKEN_CHARACTERS:
            raise Invalid(f"header {name[:100]!r}: is no name of a header field (RFC 9110, 5.1)")
        if lower in _RESERVED:
            raise Invalid(f"header {name}: is set for each call and cannot be the worker's")
        if lower in checked:
            raise Invalid(f"header {name}: is given twice")
        if not value.isascii() or not value.isprintable():
            raise Invalid(f"header {name}: its value has characters that are not printable ASCII")
        checked[lower] = value
    return checked
