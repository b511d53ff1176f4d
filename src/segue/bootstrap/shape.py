"""What this process does for the installation, from its settings."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from importlib.metadata import version

import msgspec

from segue.adapters.child_process import ProcessDeployer
from segue.bootstrap.containers import docker_deployer
from segue.config import Settings
from segue.model.errors import Invalid, NotFound
from segue.model.services import ALL_ROLES, DeployerKind, Member, Role, read_roles
from segue.model.versions import Version
from segue.ports.catalog import ProcessCatalog
from segue.ports.deployer import Deployer
from segue.ports.outside import Chance, Clock
from segue.runtime.control_service import Surroundings
from segue.runtime.shape import Shape

_ALONE = "The embedded store serves one process, which does everything: {} needs a store that processes can share"
_WHERE = "; give --store postgresql://… (`segue migrate` takes an embedded installation there)"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is started for besides its settings: `version` is the one whose control service it runs alone,
    by its number in the store or as PROCESS:NUMBER. `supervised`: another process started it and listens to it.
    `container` is the name of the container that it was started in."""

    version: str | None = None
    supervised: bool = False
    container: str | None = None


def shared(settings: Settings) -> bool:
    """Whether other processes may use the same store."""
    return bool(settings.store)


def check_shape(settings: Settings, task: Task) -> frozenset[Role]:
    """The roles of this process. Raises Invalid for what the embedded store cannot do."""
    roles = frozenset({Role.CONTROL}) if task.version is not None else read_roles(settings.roles)
    if not shared(settings):
        if task.version is not None:
            raise Invalid(_ALONE.format("`segue control-service`") + _WHERE)
        if roles != ALL_ROLES:
            raise Invalid(_ALONE.format(f"roles = {settings.roles}") + _WHERE)
        if settings.deployer != "inline":
            raise Invalid(_ALONE.format(f"deployer = {settings.deployer}") + _WHERE)
    if settings.deployer == "docker" and not settings.docker_host and Role.CONTROL in roles and task.version is None:
        raise Invalid("deployer = docker needs docker_host, the engine that runs the containers")
    return roles


async def shape_of(settings: Settings, task: Task, catalog: ProcessCatalog, clock: Clock, chance: Chance) -> Shape:
    """The shape of this process. Raises Invalid, or NotFound for a version that is not published."""
    roles = check_shape(settings, task)
    only = None if task.version is None else (await find_version(catalog, task.version)).id
    member = Member(
        id=chance.entropy(6).hex(),
        host=socket.gethostname(),
        pid=os.getpid(),
        roles=tuple(role for role in Role if role in roles),
        release=version("segue"),
        started=clock.now(),
        container=task.container,
    )
    return Shape(
        member=member,
        roles=roles,
        alone=not shared(settings),
        deployer=DeployerKind.INLINE if only is not None else DeployerKind(settings.deployer),
        only=only,
        heard=not task.supervised,
        grace_s=settings.grace_s,
    )


async def find_version(catalog: ProcessCatalog, wanted: str) -> Version:
    """The published version with this number in the store, or PROCESS:NUMBER. Raises NotFound."""
    for found in await catalog.published():
        if wanted in {str(found.id), f"{found.process}:{found.number}"}:
            return found
    text = f"No published version is {wanted[:100]!r}; give its id, or PROCESS:NUMBER as `segue process list` shows it"
    raise NotFound(text)


def deployers(settings: Settings, task: Task) -> tuple[Callable[[Surroundings], Deployer], ...]:
    """The deployers besides the one that every process has."""
    if not shared(settings) or task.version is not None:
        return ()
    environment = child_environment(settings)
    children: list[Callable[[Surroundings], Deployer]] = [
        lambda around: ProcessDeployer(environment, around.clock, around.herald)
    ]
    if settings.docker_host and Role.CONTROL in read_roles(settings.roles):
        children.append(docker_deployer(settings))
    return tuple(children)


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of a child with the same settings, wherever this process had them from."""
    defaults = Settings()
    environment = dict(os.environ)
    for name in Settings.__struct_fields__:
        value = getattr(settings, name)
        own = name in {"roles", "host", "port", "token", "url", "deployer"} or name.startswith("docker_")
        if value != getattr(defaults, name) and not own:
            environment[f"SEGUE_{name.upper()}"] = str(value)
    for name in [name for name in environment if name in {"SEGUE_ROLES", "SEGUE_DEPLOYER"} or "SEGUE_DOCKER_" in name]:
        del environment[name]
    return environment
