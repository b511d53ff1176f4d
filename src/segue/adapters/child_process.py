"""The deployer `process`: each control service in a child process of its own, started again when it ends.

A child is `segue control-service` under supervision: it says on its stdout, a line of JSON now and then, what it is
doing, and stops when its stdin is closed, so none outlives the process that began it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Mapping, Sequence

import msgspec

from segue.model.services import DeployerKind, Member, ServiceState, ServiceStatus
from segue.model.versions import Version
from segue.ports.outside import Clock
from segue.runtime.herald import Herald
from segue.runtime.rates import Meter, cpu_of, memory_of
from segue.runtime.supervisor import CALM_MS, RESTART_S
from segue.tasks import end

log = logging.getLogger(__name__)

_decode = msgspec.json.Decoder(ServiceState).decode
_LINE_LIMIT = 4 << 20
# So much longer than the grace a child may take to end, until it is killed.
_MARGIN_S = 3.0


class ProcessDeployer:
    """Implements `Deployer`. `environment` holds the settings of a child."""

    kind = DeployerKind.PROCESS

    def __init__(self, environment: Mapping[str, str], clock: Clock, herald: Herald) -> None:
        self._environment = dict(environment)
        self._clock = clock
        self._herald = herald

    def deploy(self, version: Version) -> ChildService:
        """See `Deployer`."""
        command = (sys.executable, "-m", "segue", "control-service", "--version", str(version.id), "--supervised")
        return ChildService(version, command, self._environment, self._clock, self._herald)

    async def begin(self) -> None:
        """See `Deployer`; nothing is left of a process that is gone."""

    def hear(self, members: Sequence[Member]) -> None:
        """See `Deployer`."""

    async def close(self) -> None:
        """See `Deployer`."""


class ChildService:
    """Implements `Deployed` by a child process."""

    def __init__(
        self,
        version: Version,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        clock: Clock,
        herald: Herald,
    ) -> None:
        self.version = version
        self._command = command
        self._environment = environment
        self._clock = clock
        self._herald = herald
        self._child: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._asked = False
        self._stopping = False
        self._status = ServiceStatus.STOPPED
        self._since = clock.now()
        self._restarts = 0
        self._failures_in_a_row = 0
        self._last_error: str | None = None
        self._said: ServiceState | None = None
        self._before = 0
        self._meter = Meter()

    async def prepare(self) -> None:
        """See `Deployed`; the child lets its limits be known itself."""

    async def begin(self) -> None:
        """See `Deployed`."""
        if self._keeping is None:
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self, grace_s: float) -> None:
        """See `Deployed`."""
        self._stopping = True
        await self._end(grace_s)
        await end(self._keeping)
        self._become(ServiceStatus.STOPPED)

    async def leave(self, grace_s: float) -> None:
        """See `Deployed`; it does not outlive this process."""
        await self.stop(grace_s)

    async def restart(self, grace_s: float) -> None:
        """See `Deployed`."""
        if self._stopping:
            return
        self._asked = True
        self._become(ServiceStatus.RESTARTING)
        await self._end(grace_s)

    def wake(self, node: str) -> None:
        """See `Deployed`; the child hears of what is ready from the store."""

    def sample(self) -> None:
        """See `Deployed`."""
        pid = self._pid()
        cpu_ns = cpu_of(pid) if pid is not None else None
        self._meter.sample(self._handled(), cpu_ns or 0)

    def state(self) -> ServiceState:
        """See `Deployed`."""
        said, pid = self._said, self._pid()
        return ServiceState(
            version_id=self.version.id,
            process=self.version.process,
            version=self.version.number,
            status=self._status,
            since=self._since,
            restarts=self._restarts,
            last_error=self._last_error,
            lanes=said.lanes if said is not None else (),
            deployer=DeployerKind.PROCESS,
            pid=pid,
            handled=self._handled(),
            rate=self._meter.rate,
            cpu=self._meter.cpu if pid is not None else None,
            memory=memory_of(pid) if pid is not None else None,
            shared=False,
        )

    # -- the child ----------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Have a child run until told to stop."""
        while not self._stopping:
            why = await self._live()
            if self._over():
                return
            delay_s = 0.0 if self._asked else self._failed(why)
            self._asked = False
            await asyncio.sleep(delay_s)
            self._restarts += 1
            self._herald.tell_restart(self.version, self._clock.now(), why)

    async def _live(self) -> str:
        """One child from its start to its end; why it ended."""
        try:
            self._child = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LINE_LIMIT,
            )
        except OSError as error:
            return f"the process could not be started: {error.strerror}"
        child = self._child
        try:
            await self._listen(child)
            code = await child.wait()
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
            self._before, self._said = self._handled(), None
            self._child = None
        return "restarted by hand" if self._asked else _ending(code)

    async def _listen(self, child: asyncio.subprocess.Process) -> None:
        """Hear what the child says, until it says no more."""
        assert child.stdout is not None  # noqa: S101 - it was asked for
        while line := await child.stdout.readline():
            try:
                self._said = _decode(line)
            except msgspec.DecodeError:
                log.warning("A control service said what is not understood: %s", line[:200])
                continue
            if self._status is not ServiceStatus.RUNNING:
                self._become(ServiceStatus.RUNNING)

    async def _end(self, grace_s: float) -> None:
        """Ask the child to end, and see to it."""
        child = self._child
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s + _MARGIN_S):
                await child.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    def _failed(self, why: str) -> float:
        """Note that the child ended on its own; after how many seconds another is started."""
        if self._status is ServiceStatus.RUNNING and self._clock.now() - self._since > CALM_MS:
            self._failures_in_a_row = 0
        delay_s = RESTART_S[min(self._failures_in_a_row, len(RESTART_S) - 1)]
        self._failures_in_a_row += 1
        self._last_error = why
        log.warning("The control service of %s version %s: %s", self.version.process, self.version.number, why)
        self._become(ServiceStatus.RESTARTING)
        return delay_s

    def _over(self) -> bool:
        """Whether it was told to stop meanwhile."""
        return self._stopping

    def _handled(self) -> int:
        return self._before + (self._said.handled if self._said is not None else 0)

    def _pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    def _become(self, status: ServiceStatus) -> None:
        self._status = status
        self._since = self._clock.now()


def _ending(code: int) -> str:
    if code >= 0:
        return f"the process ended with code {code}"
    with contextlib.suppress(ValueError):
        return f"the process was ended by {signal.Signals(-code).name}"
    return f"the process was ended by signal {-code}"
