"""The port `ApplicationWorkers`: the application routes of Orchesty's worker SDKs.

They come in two ways of addressing: SDK 5 and PHP have the worker's name in the path, SDK 4 has not. Which one a worker
understands is asked once in a while: the list of its applications is at one address or at the other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from segue.adapters.worker_directory import wire
from segue.adapters.worker_directory.asking import Asker, Told, said, trouble, words_of
from segue.model.applications import Application, InstalledApplication, MethodAnswer
from segue.model.errors import WorkerRefused, WorkerTrouble
from segue.model.workers import Worker

T = TypeVar("T")

_MIB = 1024 * 1024
_KNOWN_S = 60.0
_EMPTY = b"{}"


class HttpApplicationWorkers:
    """Asks workers about applications; A1 to A3 hold."""

    def __init__(self, *, timeout_ms: int = 30_000, answer_limit: int = 16 * _MIB, ca_file: Path | None = None) -> None:
        self._asker = Asker(timeout_ms=timeout_ms, answer_limit=answer_limit, ca_file=ca_file)
        self._quick = Asker(timeout_ms=5_000, answer_limit=answer_limit, ca_file=ca_file)
        self._named: dict[tuple[str, str], tuple[float, bool]] = {}

    async def applications(self, worker: Worker) -> list[Application]:
        """See `ApplicationWorkers`."""
        tail = await self._tail(worker)
        path = f"/applications{tail}"
        told = await self._quick.ask(worker, "GET", path)
        _check(worker, path, told)
        listed: wire.Listed = _decoded(worker, path, told, wire.Listed)
        return [wire.application_of(worker.name, each) for each in listed.items]

    async def application(self, worker: Worker, key: str) -> Application:
        """See `ApplicationWorkers`."""
        path = f"/applications/{_part(key)}{await self._tail(worker)}"
        return wire.application_of(worker.name, await self._get(worker, path, wire.Application))

    async def installed(self, worker: Worker, key: str, user: str) -> InstalledApplication:
        """See `ApplicationWorkers`."""
        path = await self._install_path(worker, key, user)
        return wire.installed_of(worker.name, user, await self._get(worker, path, wire.Installed))

    async def install(self, worker: Worker, key: str, user: str) -> None:
        """See `ApplicationWorkers`."""
        await self._do(worker, "POST", await self._install_path(worker, key, user) + "/install", _EMPTY)
        await self._tell(worker, key, user, "afterInstallCallback")

    async def uninstall(self, worker: Worker, key: str, user: str) -> None:
        """See `ApplicationWorkers`."""
        await self._do(worker, "DELETE", await self._install_path(worker, key, user) + "/uninstall", None)
        await self._tell(worker, key, user, "afterUninstallCallback")

    async def set_enabled(self, worker: Worker, key: str, user: str, enabled: bool) -> None:
        """See `ApplicationWorkers`."""
        path = await self._install_path(worker, key, user)
        await self._do(worker, "PUT", f"{path}/changeState", msgspec.json.encode({"enabled": enabled}))
        await self._tell(worker, key, user, "afterEnableCallback" if enabled else "afterDisableCallback")

    async def save_settings(
        self, worker: Worker, key: str, user: str, settings: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """See `ApplicationWorkers`."""
        path = await self._install_path(worker, key, user)
        await self._do(worker, "PUT", f"{path}/settings", msgspec.json.encode(settings))

    async def save_password(  # noqa: PLR0917 - where the password belongs
        self, worker: Worker, key: str, user: str, form: str, field: str, password: str
    ) -> None:
        """See `ApplicationWorkers`."""
        path = await self._install_path(worker, key, user)
        body = {"formKey": form, "fieldKey": field, "password": password}
        await self._do(worker, "PUT", f"{path}/password", msgspec.json.encode(body))

    async def authorize(self, worker: Worker, key: str, user: str, back: str) -> str:
        """See `ApplicationWorkers`."""
        path = f"{await self._install_path(worker, key, user)}/authorize?{urlencode({'redirect_url': back})}"
        return (await self._get(worker, path, wire.Authorize)).authorize_url

    async def authorized(self, worker: Worker, key: str, user: str, answer: Mapping[str, str]) -> None:
        """See `ApplicationWorkers`."""
        path = f"{await self._install_path(worker, key, user)}/authorize/token?{urlencode(answer)}"
        await self._do(worker, "GET", path, None)

    async def call(self, worker: Worker, key: str, method: str, body: Any) -> MethodAnswer:
        """See `ApplicationWorkers`."""
        path = f"/applications/{_part(key)}{await self._tail(worker)}/sync/{_part(method)}"
        payload = None if body is None else msgspec.json.encode(body)
        told = await self._asker.ask(worker, "GET" if payload is None else "POST", path, payload)
        _check(worker, "sync", told)
        return MethodAnswer(status=told.status, media_type=told.media_type, body=told.body)

    async def subscribe(  # noqa: PLR0917 - what is subscribed, and where it shall lead
        self, worker: Worker, key: str, user: str, event: str, process: str, node: str | None
    ) -> None:
        """See `ApplicationWorkers`."""
        body = {"name": event, "topology": process} | ({} if node is None else {"node": node})
        path = await self._webhook_path(worker, key, user)
        await self._do(worker, "POST", f"{path}/subscribe", msgspec.json.encode(body))

    async def unsubscribe(self, worker: Worker, key: str, user: str, event: str, process: str) -> None:
        """See `ApplicationWorkers`."""
        body = {"name": event, "topology": process}
        path = await self._webhook_path(worker, key, user)
        await self._do(worker, "POST", f"{path}/unsubscribe", msgspec.json.encode(body))

    async def limits(self, worker: Worker, user: str, keys: Sequence[str]) -> list[str]:
        """See `ApplicationWorkers`."""
        path = f"/applications{await self._tail(worker)}/limits"
        payload = msgspec.json.encode({"user": user, "applications": list(keys)})
        told = await self._quick.ask(worker, "POST", path, payload)
        _check(worker, path, told)
        # The PHP SDK answers an object with numbers as keys when it left some out.
        answer = _decoded(worker, path, told, list[Any] | dict[str, Any])
        values = answer.values() if isinstance(answer, dict) else answer
        return [value for value in values if isinstance(value, str) and value]

    async def close(self) -> None:
        """Nothing is kept between requests."""

    async def _tail(self, worker: Worker) -> str:
        """What stands in the paths for the worker: nothing, or its name."""
        key = (worker.name, worker.url)
        known = self._named.get(key)
        if known is None or known[0] <= time.monotonic():
            told = await self._quick.ask(worker, "GET", f"/applications/sdk/{_part(worker.name)}")
            if told.status not in {200, 400, 404}:
                raise trouble(worker, "GET /applications", said(told.status, told.body))
            known = self._named[key] = (time.monotonic() + _KNOWN_S, told.status == 200)
        return f"/sdk/{_part(worker.name)}" if known[1] else ""

    async def _install_path(self, worker: Worker, key: str, user: str) -> str:
        return f"/applications/{_part(key)}/users/{_part(user)}{await self._tail(worker)}"

    async def _webhook_path(self, worker: Worker, key: str, user: str) -> str:
        return f"/webhook/applications/{_part(key)}/users/{_part(user)}{await self._tail(worker)}"

    async def _tell(self, worker: Worker, key: str, user: str, callback: str) -> None:
        """Tell the application what was done; one that does not listen answers an error, which means nothing."""
        tail = await self._tail(worker)
        body = {"user": user, "name": key} | ({"sdk": worker.name} if tail else {})
        path = f"/applications/{_part(key)}{tail}/sync/{callback}"
        try:
            await self._asker.ask(worker, "POST", path, msgspec.json.encode(body))
        except WorkerTrouble:
            return

    async def _get(self, worker: Worker, path: str, shape: type[T]) -> T:
        told = await self._asker.ask(worker, "GET", path)
        _check(worker, path, told)
        answer: T = _decoded(worker, path, told, shape)
        return answer

    async def _do(self, worker: Worker, method: str, path: str, body: bytes | None) -> None:
        _check(worker, path, await self._asker.ask(worker, method, path, body))


def _part(text: str) -> str:
    return quote(text, safe="")


def _check(worker: Worker, path: str, told: Told) -> None:
    """Raises WorkerRefused for an answer that is a refusal, WorkerTrouble for one that is none."""
    if 200 <= told.status < 300:
        return
    words = words_of(told.body).removeprefix("Error occurred: ")
    if words and told.status < 500:
        raise WorkerRefused(f"Worker {worker.name!r} refused: {words}")
    raise trouble(worker, path.partition("?")[0], said(told.status, told.body))


def _decoded(worker: Worker, path: str, told: Told, shape: Any) -> Any:
    try:
        return msgspec.json.decode(told.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise trouble(worker, path.partition("?")[0], f"answered with something unexpected: {error}") from error
