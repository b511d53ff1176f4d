"""The shape of an installation as one process sees it: what it does itself, and whether there are others."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from segue.model.services import ALL_ROLES, DeployerKind, Member, Role, ServiceState


class Shape(Struct, frozen=True, kw_only=True):
    """What this process does, and for whom.

    `alone`: it has its store for itself. `only` is the one version whose control service runs here, None for all.
    `heard`: the others are told of it; one that is run and told of by another process says nothing itself.
    """

    member: Member
    roles: frozenset[Role] = ALL_ROLES
    alone: bool = True
    deployer: DeployerKind = DeployerKind.INLINE
    only: int | None = None
    heard: bool = True
    poll_s: float = 0.5
    grace_s: float = 5.0

    def said(self, services: Sequence[ServiceState], kinds: Sequence[DeployerKind] = ()) -> Member:
        """What the process says of itself."""
        return replace(self.member, services=tuple(services), deployers=tuple(kinds))


ALONE = Shape(member=Member(id="here", host="", pid=0, roles=tuple(Role), release="", started=0))
