"""The deployer `inline`: control services as tasks of this process, restarted on their own when they fail (P8)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from segue.model.services import DeployerKind, Member, ServiceState, ServiceStatus
from segue.model.versions import Version
from segue.ports.catalog import ProcessCatalog
from segue.runtime.control_service import ControlService, Surroundings
from segue.runtime.rates import Meter, memory_of
from segue.tasks import end

RESTART_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
CALM_MS = 60_000


class InlineDeployer:
    """Implements `Deployer`: a service costs some tens of KB, and shares a core with the others."""

    kind = DeployerKind.INLINE

    def __init__(self, catalog: ProcessCatalog, around: Surroundings) -> None:
        self._catalog = catalog
        self._around = around

    def deploy(self, version: Version) -> Supervised:
        """See `Deployer`."""
        return Supervised(version, self._catalog, self._around)

    async def begin(self) -> None:
        """See `Deployer`; nothing is left of a process that is gone."""

    def hear(self, members: Sequence[Member]) -> None:
        """See `Deployer`."""

    async def close(self) -> None:
        """See `Deployer`."""


class Supervised:
    """Implements `Deployed`: keeps the control service of one version running until it is told to stop."""

    def __init__(self, version: Version, catalog: ProcessCatalog, around: Surroundings) -> None:
        self.version = version
        self._catalog = catalog
        self._around = around
        self._service: ControlService | None = None
        self._status = ServiceStatus.STOPPED
        self._since = around.clock.now()
        self._restarts = 0
        self._failures_in_a_row = 0
        self._last_error: str | None = None
        self._restart: asyncio.Task[None] | None = None
        self._stopped = False
        self._meter = Meter()
        self._before = (0, 0)

    async def start(self) -> None:
        """Start the service; if that fails it is tried again, later and later."""
        await self.prepare()
        await self.begin()

    async def prepare(self) -> None:
        """Make the service, and let its limits be known, without taking anything yet."""
        try:
            content = await self._catalog.content(self.version.id)
            if self._stopped:
                return
            rules = [rule for node in content.graph.nodes for rule in node.limits]
            await self._around.limits.declare(self.version.id, rules)
            self._service = ControlService(self.version, content.graph, self._around, self._crashed)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one version must not reach the others
            self._crashed(error)

    async def begin(self) -> None:
        """Take what is in the queues."""
        service = self._service
        if service is None:
            return
        try:
            self._become(ServiceStatus.RUNNING)
            await service.start()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one version must not reach the others
            # One that crashed while it still began is being replaced already; two at once would break the order.
            if service is self._service:
                self._crashed(error)

    async def stop(self, grace_s: float) -> None:
        """Stop for good, as `ControlService.stop` does."""
        self._stopped = True
        if self._restart is not None:
            self._restart.cancel()
        if self._service is not None:
            await self._service.stop(grace_s)
        self._become(ServiceStatus.STOPPED)

    async def leave(self, grace_s: float) -> None:
        """See `Deployed`; it does not outlive this process."""
        await self.stop(grace_s)

    async def restart(self, grace_s: float) -> None:
        """Stop the service, which may finish what is in flight, and start another."""
        if self._stopped:
            return
        if self._restart is not None:  # it failed, and waits to be started again: no longer
            await end(self._restart)
        self._become(ServiceStatus.RESTARTING)
        self._restart = asyncio.get_running_loop().create_task(self._start_again(0.0, grace_s, "restarted by hand"))
        await asyncio.wait({self._restart})

    def wake(self, node: str) -> None:
        """Something may be ready before `node`."""
        if self._service is not None:
            self._service.wake(node)

    def sample(self) -> None:
        """See `Deployed`; a service that has not its queues alone looks into them as well."""
        handled, cpu_ns = self._counts()
        self._meter.sample(handled, cpu_ns)
        if self._service is not None and not self._around.alone and self._status is ServiceStatus.RUNNING:
            self._service.look_again()

    def state(self) -> ServiceState:
        """What people see."""
        handled, _ = self._counts()
        return ServiceState(
            version_id=self.version.id,
            process=self.version.process,
            version=self.version.number,
            status=self._status,
            since=self._since,
            restarts=self._restarts,
            last_error=self._last_error,
            lanes=tuple(self._service.lanes()) if self._service is not None else (),
            pid=os.getpid(),
            handled=handled,
            rate=self._meter.rate,
            cpu=self._meter.cpu,
            memory=memory_of(os.getpid()),
        )

    def _counts(self) -> tuple[int, int]:
        """Messages handled and CPU spent (ns), over all restarts."""
        handled, cpu_ns = self._before
        if self._service is not None:
            handled += self._service.load.handled
            cpu_ns += self._service.load.cpu_ns
        return handled, cpu_ns

    def _crashed(self, error: BaseException) -> None:
        """Plan one restart, however many errors come before it."""
        if self._stopped or self._restart is not None:
            return
        now = self._around.clock.now()
        if now - self._since > CALM_MS:
            self._failures_in_a_row = 0
        delay_s = RESTART_S[min(self._failures_in_a_row, len(RESTART_S) - 1)]
        self._failures_in_a_row += 1
        self._last_error = f"{type(error).__name__}: {error}"
        self._become(ServiceStatus.RESTARTING)
        again = self._start_again(delay_s, delay_s, self._last_error)
        self._restart = asyncio.get_running_loop().create_task(again)

    async def _start_again(self, delay_s: float, grace_s: float, why: str) -> None:
        if self._service is not None:
            await self._service.stop(grace_s)
            self._before = self._counts()
            self._service = None
        await asyncio.sleep(delay_s)
        self._restarts += 1
        self._restart = None
        await self.start()
        self._around.herald.tell_restart(self.version, self._around.clock.now(), why)

    def _become(self, status: ServiceStatus) -> None:
        self._status = status
        self._since = self._around.clock.now()
