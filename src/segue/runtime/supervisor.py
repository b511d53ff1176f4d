"""Supervision: one control service per published version, restarted on its own when it fails (P8)."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from msgspec import Struct

from segue.model.events import Event, EventKind
from segue.model.versions import Version
from segue.ports.catalog import ProcessCatalog
from segue.runtime.control_service import ControlService, Surroundings
from segue.runtime.lane import LaneState

_RESTART_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_CALM_MS = 60_000


class ServiceStatus(StrEnum):
    """What a control service is doing."""

    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class ServiceState(Struct, frozen=True, kw_only=True):
    """One control service as people see it; `since` is the instant its status began."""

    version_id: int
    process: str
    version: int
    status: ServiceStatus
    since: int
    restarts: int
    last_error: str | None
    lanes: tuple[LaneState, ...]


class Supervised:
    """Keeps the control service of one version running until it is told to stop."""

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
            for node in content.graph.nodes:
                for rule in node.limits:
                    self._around.limits.see(rule)
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

    def wake(self, node: str) -> None:
        """Something may be ready before `node`."""
        if self._service is not None:
            self._service.wake(node)

    def state(self) -> ServiceState:
        """What people see."""
        return ServiceState(
            version_id=self.version.id,
            process=self.version.process,
            version=self.version.number,
            status=self._status,
            since=self._since,
            restarts=self._restarts,
            last_error=self._last_error,
            lanes=tuple(self._service.lanes()) if self._service is not None else (),
        )

    def _crashed(self, error: BaseException) -> None:
        """Plan one restart, however many errors come before it."""
        if self._stopped or self._restart is not None:
            return
        now = self._around.clock.now()
        if now - self._since > _CALM_MS:
            self._failures_in_a_row = 0
        delay_s = _RESTART_S[min(self._failures_in_a_row, len(_RESTART_S) - 1)]
        self._failures_in_a_row += 1
        self._last_error = f"{type(error).__name__}: {error}"
        self._become(ServiceStatus.RESTARTING)
        self._restart = asyncio.get_running_loop().create_task(self._start_again(delay_s))

    async def _start_again(self, delay_s: float) -> None:
        if self._service is not None:
            await self._service.stop(grace_s=delay_s)
            self._service = None
        await asyncio.sleep(delay_s)
        self._restarts += 1
        self._restart = None
        await self.start()
        event = Event(
            kind=EventKind.SERVICE_RESTARTED,
            at=self._around.clock.now(),
            process=self.version.process,
            version=self.version.number,
            detail=self._last_error,
        )
        self._around.herald.tell(event)

    def _become(self, status: ServiceStatus) -> None:
        self._status = status
        self._since = self._around.clock.now()
