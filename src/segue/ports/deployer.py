"""Running control services: one for each published version, where and how a deployer does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from segue.model.services import DeployerKind, Member, ServiceState
from segue.model.versions import Version


class Deployed(Protocol):
    """The control service of one version, kept running until it is told to stop.

    D1 One that fails is started again on its own, later and later; the others do not notice (P8).
    D2 After `stop` nothing of it runs, and what it had taken is back in its queues or settled.
    D3 `restart` is a stop within the grace and a start; what is asked for meanwhile waits.
    D4 After `leave` this process does nothing for it any more. What runs on its own goes on, and the next process that
       deploys the version finds it again; everything else has stopped as by `stop`.
    """

    @property
    def version(self) -> Version:
        """The version that is run."""
        ...

    async def prepare(self) -> None:
        """Make everything ready, and let its limits be known, without taking anything."""
        ...

    async def begin(self) -> None:
        """Take what is in the queues."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Stop for good: finish what is in flight within the grace, give back the rest."""
        ...

    async def leave(self, grace_s: float) -> None:
        """This process ends."""
        ...

    async def restart(self, grace_s: float) -> None:
        """Stop it and start it anew; counts as a restart."""
        ...

    def wake(self, node: str) -> None:
        """Something may be ready before `node`."""
        ...

    def sample(self) -> None:
        """Look at counts and clocks, for what `state` says of its rate and load; called now and then."""
        ...

    def state(self) -> ServiceState:
        """What people see."""
        ...


class Deployer(Protocol):
    """Makes control services of one kind."""

    @property
    def kind(self) -> DeployerKind:
        """Under which name people choose it."""
        ...

    def deploy(self, version: Version) -> Deployed:
        """A control service for a published version, which is not started yet."""
        ...

    async def begin(self) -> None:
        """All versions that were published when this process began are deployed: what is left of others may go."""
        ...

    def hear(self, members: Sequence[Member]) -> None:
        """What the processes of the installation say of themselves now."""
        ...

    async def close(self) -> None:
        """This process ends; every service was left before."""
        ...
