"""What people's actions need of the engine that runs beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from segue.model.events import Event
from segue.model.graph import LimitRule
from segue.model.message import LogLine
from segue.model.services import DeployerKind, Member, ServiceSeen
from segue.model.versions import Version


class RunningEngine(Protocol):
    """The engine as far as changes of versions and workers concern it."""

    async def ensure_service(self, version: Version) -> None:
        """Run the control service of a published version from now on."""
        ...

    async def drop_service(self, version_id: int) -> None:
        """Stop the control service of a retired version."""
        ...

    async def reload_workers(self) -> None:
        """Use the workers as they are registered now."""
        ...

    async def reload_limits(self) -> None:
        """Use the limits that people have given by now."""
        ...

    def told_limits(self) -> list[LimitRule]:
        """The rules that workers wrote into messages since this process began."""
        ...

    def waiting_for(self, key: str) -> list[str]:
        """The processes that wait for a limit key."""
        ...

    async def reload_schedules(self) -> None:
        """Use the schedules of the versions that are enabled now."""
        ...

    async def reload_notices(self) -> None:
        """Use the senders and rules as they are now."""
        ...

    def tell(self, event: Event) -> None:
        """Store an event that no settle caused, and tell it."""
        ...

    async def reload_log_levels(self) -> None:
        """Use the levels of log lines as they are stored now."""
        ...

    def kept_lines(self, process: str, lines: Sequence[LogLine]) -> tuple[LogLine, ...]:
        """The lines to store of those that somebody sent about messages of a process."""
        ...

    async def deployers(self) -> frozenset[DeployerKind]:
        """How control services can be run in this installation, by any process of it."""
        ...

    async def match_deployers(self) -> None:
        """Run each control service as it is chosen for its process now."""
        ...

    async def all_services(self) -> list[ServiceSeen]:
        """The control services of every process of the installation."""
        ...

    async def members(self) -> list[Member]:
        """The processes of the installation."""
        ...

    async def restart_service(self, id: str) -> ServiceSeen:
        """Stop a control service, wherever it runs, and start it anew. Raises NotFound."""
        ...


class LaneGauge(Protocol):
    """What a control service does at one node now."""

    @property
    def node(self) -> str: ...

    @property
    def in_flight(self) -> int: ...

    @property
    def prefetch(self) -> int: ...

    @property
    def held(self) -> str | None: ...

    @property
    def outages(self) -> int: ...


class ServiceGauge(Protocol):
    """What runs of a version now."""

    @property
    def version_id(self) -> int: ...

    @property
    def lanes(self) -> Sequence[LaneGauge]: ...


class Gauges(Protocol):
    """What the engine knows of itself and no store does."""

    async def roll_figures(self) -> None:
        """Bring the figures up to date with what was settled."""
        ...

    async def services_together(self) -> Sequence[ServiceGauge]:
        """What runs of each version in all processes of the installation, as one."""
        ...

    def grows(self, process: str, version: int, node: str, depth: int) -> float:
        """By how many messages a second a queue has grown lately; `depth` is its length now."""
        ...
