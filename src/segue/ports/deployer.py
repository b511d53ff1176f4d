"""Running control services: one for each published version, where and how a deployer does it."""

from __future__ import annotations

from typing import Protocol

from segue.model.services import DeployerKind, ServiceState
from segue.model.versions import Version


class Deployed(Protocol):
    """The control service of one version, kept running until it is told to stop.

    D1 One that fails is started again on its own, later and later; the others do not notice (P8).
    D2 After `stop` nothing of it runs, and what it had taken is back in its queues or settled.
    D3 `restart` is a stop within the grace and a start; what is asked for meanwhile waits.
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
