"""Control services: what runs each version, where, and how."""

from __future__ import annotations

from segue.control.running import RunningEngine
from segue.model.errors import Conflict
from segue.model.services import DeployerKind, Member, ServiceSeen
from segue.model.versions import Process
from segue.ports.catalog import ProcessCatalog
from segue.ports.outside import Clock

_ALONE = (
    "A control service in a process or a container of its own needs a store that processes can share: PostgreSQL"
    " (`segue migrate` takes the installation there)"
)
_NO_ENGINE = (
    "No process of the installation can start containers: give one that has the role control the setting docker_host"
)


class Services:
    """Look at control services, restart them, and choose how they are run."""

    def __init__(self, catalog: ProcessCatalog, engine: RunningEngine, clock: Clock) -> None:
        self._catalog = catalog
        self._engine = engine
        self._clock = clock

    async def find(self, process: str | None) -> list[ServiceSeen]:
        """The control services of one process or of all, every copy. Raises ProcessNotFound."""
        if process is not None:
            await self._catalog.process(process)
        return [seen for seen in await self._engine.all_services() if process in {None, seen.state.process}]

    async def members(self) -> list[Member]:
        """The processes of the installation, oldest first."""
        return await self._engine.members()

    async def restart(self, id: str) -> ServiceSeen:
        """Have a control service finish what is in flight, and start anew; as it was before. Raises NotFound."""
        return await self._engine.restart_service(id)

    async def choose(self, process: str, deployer: DeployerKind | None) -> Process:
        """Run the control services of a process so from now on (None: as the installation does).

        Raises ProcessNotFound, and Conflict where it cannot be done.
        """
        if deployer is not None and deployer not in (offered := await self._engine.deployers()):
            # Only a store that processes share has more than one.
            raise Conflict(_NO_ENGINE if len(offered) > 1 and deployer is DeployerKind.DOCKER else _ALONE)
        changed = await self._catalog.choose_deployer(process, deployer, self._clock.now())
        await self._engine.match_deployers()
        return changed
