"""What a process that runs one control service alone says of it: the whole process is that service."""

from __future__ import annotations

import os

from msgspec.structs import replace

from segue.model.services import DeployerKind, ServiceState
from segue.runtime.rates import Meter, cpu_of, memory_of


class OwnProcess:
    """Measures this process for the control service that has it, in a container, for itself."""

    def __init__(self, container: str) -> None:
        self._container = container
        self._pid = os.getpid()
        self._meter = Meter()

    def sample(self) -> None:
        """Look at the clock of the process."""
        self._meter.sample(0, cpu_of(self._pid) or 0)

    def dress(self, state: ServiceState) -> ServiceState:
        """The state with what the whole process uses."""
        return replace(
            state,
            deployer=DeployerKind.DOCKER,
            container=self._container,
            cpu=self._meter.cpu,
            memory=memory_of(self._pid),
            shared=False,
        )
