"""The port `WorkerDirectory`: asks a worker over HTTP what it offers.

Paths and shapes are those of the Orchesty worker SDKs, which Segue's own SDK shares.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import msgspec

from segue.adapters.worker_directory.asking import Asker, said, trouble
from segue.model.errors import WorkerTrouble
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


class _Listed(msgspec.Struct):
    """One action as a worker lists it; what else it says is of no use here."""

    name: str
    app: str | None = None


class HttpWorkerDirectory:
    """Asks workers with GET requests, each on a connection of its own; D1 and D2 of `WorkerDirectory` hold.

    A request takes at most `timeout_ms`, an answer at most `answer_limit` bytes; redirects are not followed. `ca_file`
    names certificates (PEM) that are trusted besides the system's; Invalid is raised if it cannot be read.
    """

    def __init__(self, *, timeout_ms: int = 10_000, answer_limit: int = 4 * _MIB, ca_file: Path | None = None) -> None:
        self._asker = Asker(timeout_ms=timeout_ms, answer_limit=answer_limit, ca_file=ca_file)

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
            told = await self._asker.ask(worker, "GET", path)
        except WorkerTrouble as trouble:
            return trouble.detail
        if told.status == 200:
            return None
        return f"Worker {worker.name!r} cannot offer the {kind.value} {name!r}: {said(told.status, told.body)}"

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
        told = await self._asker.ask(worker, "GET", path)
        if told.status != 200:
            raise trouble(worker, f"GET {path}", said(told.status, told.body))
        try:
            listed = msgspec.json.decode(told.body, type=list[_Listed])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise trouble(
                worker, f"GET {path}", f"answered with something that is no list of actions: {error}"
            ) from error
        names = [action.name for action in listed]
        if not all(names):
            raise trouble(worker, f"GET {path}", f"answered with an action without a name, at [{names.index('')}]")
        return [OfferedAction(name=action.name, kind=kind, application=action.app or None) for action in listed]
