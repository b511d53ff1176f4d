"""Deployment: which control services run in this process, by which deployer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from segue.model.services import DeployerKind, LaneState, Member, ServiceState
from segue.model.versions import Version
from segue.ports.catalog import ProcessCatalog
from segue.ports.deployer import Deployed, Deployer


class Deployment:
    """Runs one control service for each published version, or for `only` one of them, and none at all without
    deployers."""

    def __init__(
        self,
        catalog: ProcessCatalog,
        deployers: Mapping[DeployerKind, Deployer],
        default: DeployerKind = DeployerKind.INLINE,
        only: int | None = None,
    ) -> None:
        self._catalog = catalog
        self._deployers = deployers
        self._default = default
        self._only = only
        self._services: dict[int, Deployed] = {}
        self._kinds: dict[int, DeployerKind] = {}
        self._leaving: list[Deployed] = []
        self._changing = asyncio.Lock()

    async def prepare(self) -> None:
        """Make a control service for every published version, and let all limits be known before the first call."""
        chosen = await self._chosen()
        for version in await self._catalog.published():
            service = self._make(version, chosen)
            if service is not None:
                await service.prepare()

    async def begin(self) -> None:
        """Take what is in the queues."""
        for service in list(self._services.values()):  # one may be published meanwhile
            await service.begin()
        for deployer in self._deployers.values():
            await deployer.begin()

    async def ensure(self, version: Version) -> None:
        """Run the control service of a published version, if it does not run yet."""
        if version.id in self._services or not self._wanted(version):
            return
        service = self._make(version, await self._chosen())
        if service is not None:
            await service.prepare()
            await service.begin()

    async def drop(self, version_id: int, grace_s: float) -> None:
        """Stop the control service of a retired version."""
        service = self._services.pop(version_id, None)
        if service is None:
            return
        self._leaving.append(service)
        try:
            await service.stop(grace_s)
        finally:
            self._leaving.remove(service)

    async def match(self, grace_s: float) -> None:
        """Run what is published now, by the deployers that are chosen now: what changed elsewhere is found here."""
        async with self._changing:  # one after the other, or what was read first could be kept last
            published = {version.id: version for version in await self._catalog.published()}
            chosen = await self._chosen()
            for key in [key for key in self._services if key not in published]:
                await self.drop(key, grace_s)
            for version in published.values():
                if version.id in self._services and self._kinds[version.id] is not self._kind(version, chosen):
                    await self.drop(version.id, grace_s)
                if version.id not in self._services and self._kind(version, chosen) is not None:
                    await self.ensure(version)

    async def restart(self, version_id: int, grace_s: float) -> bool:
        """Stop a control service and start it anew; whether it runs here."""
        service = self._services.get(version_id)
        if service is None:
            return False
        await service.restart(grace_s)
        return True

    async def leave(self, grace_s: float) -> None:
        """This process ends: every control service that needs it is stopped, each within the same grace."""
        leaving = [each.leave(grace_s) for each in self._services.values()]
        await asyncio.gather(*leaving, *(each.stop(grace_s) for each in self._leaving))
        self._services.clear()
        for deployer in self._deployers.values():
            await deployer.close()

    def wake(self, version: int, node: str) -> None:
        """Something may be ready before a node."""
        service = self._services.get(version)
        if service is not None:
            service.wake(node)

    @property
    def kinds(self) -> tuple[DeployerKind, ...]:
        """How control services can be run here."""
        return tuple(self._deployers)

    def hear(self, members: Sequence[Member]) -> None:
        """What the processes of the installation say of themselves."""
        for deployer in self._deployers.values():
            deployer.hear(members)

    def sample(self) -> None:
        """Look at what each service does."""
        for service in list(self._services.values()):
            service.sample()

    def lanes(self, version_id: int) -> tuple[LaneState, ...]:
        """The lanes of a version's control service; none when it does not run here."""
        service = self._services.get(version_id)
        return service.state().lanes if service is not None else ()

    def place(self, version_id: int) -> tuple[str, int] | None:
        """Process and number of a version whose control service runs here; None for any other."""
        service = self._services.get(version_id)
        if service is None:
            return None
        state = service.state()
        return state.process, state.version

    def states(self) -> list[ServiceState]:
        """The control services as people see them."""
        return [service.state() for service in self._services.values()]

    def _wanted(self, version: Version) -> bool:
        return bool(self._deployers) and self._only in {None, version.id}

    def _make(self, version: Version, chosen: Mapping[str, DeployerKind]) -> Deployed | None:
        if version.id in self._services or not self._wanted(version):
            return None
        kind = self._kind(version, chosen)
        if kind is None:
            return None
        service = self._services[version.id] = self._deployers[kind].deploy(version)
        self._kinds[version.id] = kind
        return service

    def _kind(self, version: Version, chosen: Mapping[str, DeployerKind]) -> DeployerKind | None:
        """How a version is run: as its process says, if there is such a deployer here.

        A container is for the processes that have an engine for it, so None elsewhere: not at all. A process for one
        version runs that one, whatever is chosen: it is what was chosen.
        """
        kind = chosen.get(version.process, self._default)
        if kind in self._deployers:
            return kind
        if kind is DeployerKind.DOCKER and self._only is None:
            return None
        return next(iter(self._deployers), None)

    async def _chosen(self) -> dict[str, DeployerKind]:
        """What processes say, where they say something."""
        if len(self._deployers) < 2:
            return {}
        found: dict[str, DeployerKind] = {}
        after: str | None = None
        while page := await self._catalog.processes(after, 200):
            found |= {process.name: process.deployer for process in page if process.deployer is not None}
            after = page[-1].name
        return found
