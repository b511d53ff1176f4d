"""What people see of control services, and of the processes of an installation that run them."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from segue.model.errors import Invalid


class Role(StrEnum):
    """What a process of an installation does. One that is alone does all of it."""

    API = "api"
    CONTROL = "control"
    TIMERS = "timers"
    STATUS = "status"


ALL_ROLES = frozenset(Role)


class DeployerKind(StrEnum):
    """How the control service of a version is run: beside the others, in a process or a container of its own."""

    INLINE = "inline"
    PROCESS = "process"
    DOCKER = "docker"


class ServiceStatus(StrEnum):
    """What a control service is doing."""

    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class LaneState(Struct, frozen=True, kw_only=True):
    """What people see of a lane. `held` is the reason why it waits, `held_until` the instant of its next try."""

    node: str
    name: str
    in_flight: int
    prefetch: int
    held: str | None
    held_until: int | None
    outages: int = 0


class ServiceState(Struct, frozen=True, kw_only=True):
    """One control service as people see it; `since` is the instant its status began.

    `handled` counts the messages it settled since it was begun, `rate` those of one second lately. `cpu` is the share
    of one core that it used lately, and `memory` are bytes. A service that runs in a process with others (`shared`)
    has its own CPU by sampling, and the memory of that whole process. Both are None where the system does not say.
    `container` is the name of the container that it runs in.
    """

    version_id: int
    process: str
    version: int
    status: ServiceStatus
    since: int
    restarts: int
    last_error: str | None
    lanes: tuple[LaneState, ...]
    deployer: DeployerKind = DeployerKind.INLINE
    pid: int | None = None
    handled: int = 0
    rate: float = 0.0
    cpu: float | None = None
    memory: int | None = None
    shared: bool = True
    container: str | None = None


class Member(Struct, frozen=True, kw_only=True):
    """One process of an installation: `id` is its own for one life. `seen` is when it was last heard of, by the
    clock of the store. `container` is the name of the container it was started in for one version, and `deployers` are
    the ways in which it can run control services."""

    id: str
    host: str
    pid: int
    roles: tuple[Role, ...]
    release: str
    started: int
    seen: int = 0
    services: tuple[ServiceState, ...] = ()
    container: str | None = None
    deployers: tuple[DeployerKind, ...] = ()


class ServiceSeen(Struct, frozen=True, kw_only=True):
    """A control service, and the process that runs it."""

    member: Member
    state: ServiceState

    @property
    def id(self) -> str:
        """Names this one among all copies: the process and the version."""
        return f"{self.member.id}.{self.state.version_id}"


def read_roles(text: str) -> frozenset[Role]:
    """The roles of a list with commas. Raises Invalid naming what is wrong."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(names) - {role.value for role in Role})
    if unknown or not names:
        known = ", ".join(Role)
        raise Invalid(f"roles: {', '.join(unknown) or 'none'} is no role; the roles are {known}")
    return frozenset(Role(name) for name in names)
