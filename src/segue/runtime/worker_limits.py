"""The limits that workers have for a user's applications: asked for when an instance starts, and carried with it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from segue.model.errors import SegueError
from segue.model.events import Event, EventKind
from segue.model.versions import Version, VersionState
from segue.model.workers import Worker
from segue.ports.catalog import ProcessCatalog
from segue.ports.outside import ApplicationWorkers, Clock

log = logging.getLogger(__name__)

# What a worker said is believed for so long (ms): a person who changes a limit sees it hold for new instances then.
_FRESH_MS = 5_000
# Which applications a process uses is looked at again after so long (ms): another server may have enabled a version.
_USED_MS = 30_000
_BOUND = 10_000
_CHANGES = {EventKind.VERSION_ENABLED, EventKind.VERSION_DISABLED, EventKind.VERSION_RETIRED}

Applications = dict[str, tuple[str, ...]]
K = TypeVar("K")
T = TypeVar("T")


class WorkerLimits:
    """Knows which applications the versions of a process use, and asks their workers for the user's limits.

    A worker that does not answer does not keep an instance from starting: what it said last holds on, or nothing does.
    """

    def __init__(
        self,
        catalog: ProcessCatalog,
        asking: ApplicationWorkers,
        find: Callable[[str], Worker | None],
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._asking = asking
        self._find = find
        self._clock = clock
        self._used: dict[tuple[str, int | None], tuple[int, Applications]] = {}
        self._looking: dict[tuple[str, int | None], asyncio.Task[Applications]] = {}
        self._under_way: dict[tuple[str, str, tuple[str, ...]], asyncio.Task[tuple[str, ...]]] = {}
        self._by_version: dict[int, Applications] = {}
        self._said: OrderedDict[tuple[str, str, tuple[str, ...]], tuple[int, tuple[str, ...]]] = OrderedDict()

    def none_for(self, process: str, version: int | None) -> bool:
        """Whether it is known that no application is used, so that nobody has to be asked: the usual case."""
        known = self._used.get((process, version))
        return known is not None and not known[1] and known[0] > self._clock.now()

    async def key(self, process: str, version: int | None, user: str) -> str:
        """The header `limiter-key` for an instance; "" without limits. `version` None is the highest enabled one."""
        used = await self._applications(process, version)
        answers = await asyncio.gather(*(self._ask(worker, user, keys) for worker, keys in used.items()))
        return ";".join(limit for limits in answers for limit in limits)

    def note(self, events: Sequence[Event]) -> None:
        """Look anew at processes whose versions changed."""
        for event in events:
            if event.kind in _CHANGES:
                for known in [known for known in self._used if known[0] == event.process]:
                    del self._used[known]

    async def _applications(self, process: str, version: int | None) -> Applications:
        known = self._used.get((process, version))
        if known is not None and known[0] > self._clock.now():
            return known[1]
        return await _once(self._looking, (process, version), lambda: self._look(process, version))

    async def _look(self, process: str, version: int | None) -> Applications:
        try:
            chosen = _chosen(await self._catalog.published(process), version)
            if chosen is None:
                return {}
            found = await self._of_version(chosen.id)
        except SegueError:
            return {}  # the start itself says what is wrong
        if len(self._used) > _BOUND:
            self._used.clear()
        self._used[process, version] = (self._clock.now() + _USED_MS, found)
        return found

    async def _of_version(self, id_: int) -> Applications:
        """The applications of a version by their workers. Published versions never change, so each is read once."""
        known = self._by_version.get(id_)
        if known is not None:
            return known
        used: dict[str, set[str]] = {}
        for node in (await self._catalog.content(id_)).graph.nodes:
            if node.action is not None and node.action.application:
                used.setdefault(node.action.worker, set()).add(node.action.application)
        found = self._by_version[id_] = {worker: tuple(sorted(keys)) for worker, keys in sorted(used.items())}
        return found

    async def _ask(self, name: str, user: str, keys: tuple[str, ...]) -> tuple[str, ...]:
        """What the worker says, or said a moment ago. Those who ask at once ask once."""
        asked = (name, user, keys)
        until, limits = self._said.get(asked, (0, ()))
        worker = self._find(name)
        if self._clock.now() < until or worker is None:
            return limits
        return await _once(self._under_way, asked, lambda: self._refresh(worker, asked, limits))

    async def _refresh(
        self, worker: Worker, asked: tuple[str, str, tuple[str, ...]], last: tuple[str, ...]
    ) -> tuple[str, ...]:
        _, user, keys = asked
        limits = last
        try:
            limits = tuple(await self._asking.limits(worker, user, keys))
        except SegueError as error:
            log.warning("The limits of %s for %s are not known now: %s", ", ".join(keys), user, error.detail)
        self._said[asked] = (self._clock.now() + _FRESH_MS, limits)
        self._said.move_to_end(asked)
        if len(self._said) > _BOUND:
            self._said.popitem(last=False)
        return limits


async def _once(under_way: dict[K, asyncio.Task[T]], key: K, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do the work for all who ask for the same at once."""
    task = under_way.get(key)
    if task is None:
        task = under_way[key] = asyncio.get_running_loop().create_task(work())
        task.add_done_callback(lambda _: under_way.pop(key, None))
    return await asyncio.shield(task)


def _chosen(versions: Sequence[Version], number: int | None) -> Version | None:
    if number is not None:
        return next((version for version in versions if version.number == number), None)
    enabled = [version for version in versions if version.state is VersionState.ENABLED]
    return max(enabled, key=lambda version: version.number, default=None)
