"""What a worker offers: its actions by name, its hooks, its settings."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from segue_sdk.action import Action, Handler, Kind
from segue_sdk.performing import Reply, perform
from segue_sdk.pool import Pool
from segue_sdk.results import is_text, is_whole

F = TypeVar("F", bound=Handler)
Hook = Callable[[], Awaitable[object] | object]
H = TypeVar("H", bound=Hook)

MAX_BODY = 64 * 1024 * 1024
THREADS = 32


class Registry:
    """The actions of one worker and how they are run.

    `secret`: callers must send it (`Authorization: Bearer ...`). `max_body`: bytes of a request, more is refused with
    413. `threads`: how many sync actions run at a time; more wait their turn. `debug`: answers carry tracebacks.
    """

    def __init__(
        self,
        name: str,
        *,
        secret: str | None = None,
        max_body: int = MAX_BODY,
        threads: int = THREADS,
        debug: bool = False,
    ) -> None:
        if not is_text(name) or not name.isprintable() or name != name.strip():
            raise ValueError(f"A worker's name is a printable text that is not empty, not {name!r}")
        if secret is not None and not secret:
            raise ValueError("The secret is empty; leave it out to accept every caller")
        for setting, value in (("max_body", max_body), ("threads", threads)):
            if not is_whole(value, 1):
                raise ValueError(f"{setting} must be a whole number, at least 1, not {value!r}")
        self.name = name
        self.secret = secret
        self.max_body = max_body
        self.threads = threads
        self.debug = debug
        self.actions: dict[tuple[Kind, str], Action] = {}
        self._by_path: dict[str, Action] = {}
        self._start_hooks: list[Hook] = []
        self._stop_hooks: list[Hook] = []
        self._pool = Pool(threads, name)

    def connector(self, name: str, *, application: str | None = None) -> Callable[[F], F]:
        """Offer the decorated function as a connector: an action that talks to another service."""
        return self._decorator(Kind.CONNECTOR, name, application)

    def custom(self, name: str, *, application: str | None = None) -> Callable[[F], F]:
        """Offer the decorated function as a custom action: one that computes, maps or decides."""
        return self._decorator(Kind.CUSTOM, name, application)

    def batch(self, name: str, *, application: str | None = None) -> Callable[[F], F]:
        """Offer the decorated function as a batch: an action that makes many messages of one."""
        return self._decorator(Kind.BATCH, name, application)

    def on_start(self, function: H) -> H:
        """Run the decorated function, sync or async, before the first call; if it raises, the worker does not start."""
        self._start_hooks.append(function)
        return function

    def on_stop(self, function: H) -> H:
        """Run the decorated function, sync or async, after the last call; the last registered one comes first."""
        self._stop_hooks.insert(0, function)
        return function

    @property
    def unfinished(self) -> int:
        """How many calls of sync actions run or wait for a thread."""
        return self._pool.unfinished

    def find(self, path: str) -> Action | None:
        """The action that an engine calls at this path."""
        return self._by_path.get(path)

    def listed(self, kind: Kind) -> list[dict[str, str]]:
        """The kind's actions as the Orchesty list routes show them: by name without case, `app` if there is one."""
        actions = sorted((a for a in self.actions.values() if a.kind is kind), key=lambda a: (a.name.lower(), a.name))
        return [{"name": a.name} | ({"app": a.application} if a.application else {}) for a in actions]

    async def perform(self, action: Action, raw: bytes) -> Reply:
        """Run the action on an envelope; see `segue_sdk.performing.perform`."""
        return await perform(action, raw, self._pool, debug=self.debug)

    async def started(self) -> None:
        """Run the start hooks in the order of registration. What a hook raises goes on to the caller."""
        for hook in self._start_hooks:
            await _call(hook)

    async def stopped(self) -> None:
        """Run the stop hooks, all of them even if one raises. Raises the first error."""
        errors: list[Exception] = []
        for hook in self._stop_hooks:
            try:
                await _call(hook)
            except Exception as error:  # noqa: BLE001 - the others still have something to close
                errors.append(error)
        if errors:
            raise errors[0]

    def _decorator(self, kind: Kind, name: str, application: str | None) -> Callable[[F], F]:
        def register(function: F) -> F:
            action = Action(kind, name, function, application)
            if (kind, name) in self.actions:
                raise ValueError(f'The worker "{self.name}" has a {kind} "{name}" already')
            self.actions[kind, name] = action
            self._by_path[action.path] = action
            return function

        return register


async def _call(hook: Callable[[], Any]) -> None:
    value = hook()
    if inspect.isawaitable(value):
        await value
