"""The deployer `docker`: each control service in a container of its own, which outlives the process that began it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from segue.adapters.docker.engine_api import EngineApi, EngineTrouble
from segue.adapters.docker.plan import Plan, version_of
from segue.adapters.docker.service import ContainerService
from segue.model.services import DeployerKind, Member
from segue.model.versions import Version
from segue.ports.outside import Chance, Clock
from segue.runtime.herald import Herald
from segue.tasks import end

log = logging.getLogger(__name__)

_POLL_S = 5.0
# For so long a container without a version is left alone: another process may know of a version that this one does not.
_SPARED_S = 30.0
_AT_ONCE = 4


class DockerDeployer:
    """Implements `Deployer`.

    It looks at the engine's list of containers that bear the labels of this installation and this deployer, at once
    when the engine tells that something happened to one and every few seconds in any case. Each service gets what is
    its own of the list; containers of versions that are gone are removed. Containers without these labels are never
    touched.
    """

    kind = DeployerKind.DOCKER

    def __init__(
        self,
        api: EngineApi,
        plan: Plan,
        *,
        clock: Clock,
        chance: Chance,
        herald: Herald,
        poll_s: float = _POLL_S,
        spared_s: float = _SPARED_S,
    ) -> None:
        self.api = api
        self.plan = plan
        self.clock = clock
        self.chance = chance
        self.herald = herald
        self.room = asyncio.Semaphore(_AT_ONCE)
        self._poll_s = poll_s
        self._spared_s = spared_s
        self._services: dict[int, ContainerService] = {}
        self._unwanted: dict[str, float] = {}
        self._news = asyncio.Event()
        self._image_id: str | None = None
        self._away = ""
        self._tasks: list[asyncio.Task[None]] = []

    def deploy(self, version: Version) -> ContainerService:
        """See `Deployer`."""
        service = self._services[version.id] = ContainerService(version, self)
        return service

    async def begin(self) -> None:
        """See `Deployer`."""
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._run()), loop.create_task(self._listen())]

    def hear(self, members: Sequence[Member]) -> None:
        """See `Deployer`; of two processes of one container the later one counts."""
        told = {member.container: member for member in members if member.container is not None}
        for service in self._services.values():
            service.hear(told)

    async def close(self) -> None:
        """See `Deployer`."""
        await end(*self._tasks)
        self._tasks.clear()
        await self.api.close()

    # -- what services have in common ---------------------------------------------------------------------------------

    async def image_id(self, *, anew: bool = False) -> str:
        """The digest of the image, as it was when this process began unless it is asked for `anew`."""
        if self._image_id is None or anew:
            self._image_id = await self.api.image_id(self.plan.image)
        return self._image_id

    def forget(self, version_id: int) -> None:
        """See `Home`."""
        self._services.pop(version_id, None)

    def hint(self, after_s: float = 0.0) -> None:
        """See `Home`."""
        if after_s:
            asyncio.get_running_loop().call_later(after_s, self._news.set)
        else:
            self._news.set()

    # -- the engine ---------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Look at the containers again and again."""
        while True:
            self._news.clear()
            try:
                await self._look()
            except EngineTrouble as trouble:
                self._lost(str(trouble))
            except Exception:
                log.exception("Looking at the containers")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._news.wait()

    async def _look(self) -> None:
        listed = monotonic()
        found: dict[int | None, list[Mapping[str, Any]]] = defaultdict(list)
        for each in await self.api.containers(self.plan.labels):
            found[version_of(each)].append(each)
        if self._away:
            log.warning("The engine of containers answers again")
            self._away = ""
        for version, service in list(self._services.items()):
            service.seen(found.pop(version, []), listed)
        await self._sweep([each for of_one in found.values() for each in of_one], listed)

    async def _sweep(self, unwanted: Sequence[Mapping[str, Any]], now: float) -> None:
        """Remove containers of ours that no version needs, and has not needed for a while."""
        self._unwanted = {each["Id"]: self._unwanted.get(each["Id"], now) for each in unwanted}
        for container, since in list(self._unwanted.items()):
            if now - since >= self._spared_s:
                log.info("Removing a container whose version is not run here any more: %s", container[:12])
                await self.api.stop(container, self.plan.grace_s)
                await self.api.remove(container)
                del self._unwanted[container]

    def _lost(self, why: str) -> None:
        if not self._away:
            log.warning("Containers: %s", why)
        self._away = why
        for service in self._services.values():
            service.lost(why)

    async def _listen(self) -> None:
        """Look at once when something happened; an engine that does not tell is asked every few seconds anyway."""
        while True:
            with contextlib.suppress(EngineTrouble):
                async for _ in self.api.events(self.plan.labels):
                    self.hint()
            await asyncio.sleep(self._poll_s)
