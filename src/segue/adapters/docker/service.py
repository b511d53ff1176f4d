"""One version's control service in a container: what the engine says of it, and what is done about that."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Protocol

from segue.adapters.docker.engine_api import EngineApi, EngineTrouble
from segue.adapters.docker.plan import FOLDER, Plan, fingerprint_of, name_of
from segue.model.services import DeployerKind, Member, ServiceState, ServiceStatus
from segue.model.versions import Version
from segue.ports.outside import Chance, Clock
from segue.runtime.herald import Herald
from segue.runtime.supervisor import CALM_MS, RESTART_S
from segue.tasks import end

log = logging.getLogger(__name__)

_LINES = 5
# So much longer than the grace a container may take to end, until it is killed.
_MARGIN_S = 3
# By so much a process may say that it began earlier than its container did.
_CLOCK_MS = 1_000


class Home(Protocol):
    """What a container service has in common with the others of its deployer."""

    api: EngineApi
    plan: Plan
    clock: Clock
    chance: Chance
    herald: Herald
    room: asyncio.Semaphore

    async def image_id(self, *, anew: bool = False) -> str:
        """The digest of the image. Raises EngineTrouble."""
        ...

    def forget(self, version_id: int) -> None:
        """The version's containers are no longer wanted."""
        ...

    def hint(self, after_s: float = 0.0) -> None:
        """Look at the containers again."""
        ...


class ContainerService:
    """Implements `Deployed`.

    The engine restarts a container whose process ends. What it leaves alone (one that was stopped or removed by hand,
    that is unhealthy, or made with other settings) is put right here, whenever the deployer has looked (`seen`).
    """

    def __init__(self, version: Version, home: Home) -> None:
        self.version = version
        self._home = home
        self._working = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._begun = self._stopping = False
        self._changed = 0.0  # what was seen earlier is no longer true
        self._due: float | None = None  # when it may be tried again
        self._failures_in_a_row = 0
        self._asked = ""
        # What the engine says.
        self._id: str | None = None
        self._name: str | None = None
        self._pid: int | None = None
        self._started = ""
        self._count = 0
        self._up = False
        self._away: str | None = None
        # What the process in it says.
        self._told: tuple[str, ServiceState] | None = None
        self._before = 0
        # What people see.
        self._status = ServiceStatus.STOPPED
        self._since = home.clock.now()
        self._restarts = 0
        self._last_error: str | None = None

    async def prepare(self) -> None:
        """See `Deployed`; what runs in the container lets its limits be known itself."""

    async def begin(self) -> None:
        """See `Deployed`."""
        self._begun = True
        self._show()
        self._home.hint()

    async def stop(self, grace_s: float) -> None:
        """See `Deployed`. With an engine that does not answer, the container ends on its own once its version is
        retired, and is removed when the engine is back."""
        await self._let_go()
        try:
            async with self._working:
                for each in await self._home.api.containers(self._labels()):
                    await self._end(each["Id"], grace_s)
        except EngineTrouble as trouble:
            log.warning("The container of %s will be removed later: %s", self._shown(), trouble)
        self._up = False
        self._show()

    async def leave(self, grace_s: float) -> None:
        """See `Deployed`; the container goes on."""
        await self._let_go()

    async def restart(self, grace_s: float) -> None:
        """See `Deployed`. Settings or an image that changed meanwhile make a new container."""
        async with self._working:
            if self._stopping:
                return
            self._asked, self._due = "restarted by hand", None
            try:
                wanted = self._home.plan.fingerprint(await self._home.image_id(anew=True))
                found = await self._home.api.containers(self._labels())
                kept = next((each for each in found if fingerprint_of(each) == wanted), None)
                for each in found:
                    if each is not kept:
                        await self._end(each["Id"], grace_s)
                if kept is None:
                    await self._make()
                else:
                    await self._home.api.restart(kept["Id"], self._within(grace_s))
            except EngineTrouble as trouble:
                self._fail(str(trouble))
            finally:
                self._changed = monotonic()
        self._home.hint()

    def wake(self, node: str) -> None:
        """See `Deployed`; the container hears of what is ready from the store."""

    def sample(self) -> None:
        """See `Deployed`; what runs in the container measures itself."""

    def state(self) -> ServiceState:
        """See `Deployed`."""
        told = self._told[1] if self._told is not None and self._up else None
        return ServiceState(
            version_id=self.version.id,
            process=self.version.process,
            version=self.version.number,
            status=self._status,
            since=self._since,
            restarts=self._restarts,
            last_error=self._away or self._last_error,
            lanes=told.lanes if told is not None else (),
            deployer=DeployerKind.DOCKER,
            pid=self._pid if self._up else None,
            handled=self._before + (self._told[1].handled if self._told is not None else 0),
            rate=told.rate if told is not None else 0.0,
            cpu=told.cpu if told is not None else None,
            memory=told.memory if told is not None else None,
            shared=False,
            container=self._name,
        )

    # -- what is heard ------------------------------------------------------------------------------------------------

    def seen(self, found: Sequence[Mapping[str, Any]], listed: float) -> None:
        """The engine had these containers of the version at an instant (`monotonic`)."""
        self._away = None
        busy = self._task is not None and not self._task.done()
        if self._begun and not self._stopping and not busy and listed >= self._changed and not self._working.locked():
            self._task = asyncio.get_running_loop().create_task(self._bring(found))

    def lost(self, why: str) -> None:
        """The engine does not answer."""
        self._away = why

    def hear(self, members: Mapping[str, Member]) -> None:
        """What the processes in containers say, by the names of their containers."""
        member = members.get(self._name or "")
        if member is None or not member.services or member.started + _CLOCK_MS < _instant(self._started):
            told = None
        else:
            told = (member.id, member.services[0])
        if self._told is not None and (told is None or told[0] != self._told[0]):
            self._before += self._told[1].handled
        self._told = told
        self._show()

    # -- what is done about it ----------------------------------------------------------------------------------------

    async def _bring(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Have one container run, of those that are there or a new one."""
        async with self._working:
            try:
                await self._match(found)
            except EngineTrouble as trouble:
                self._fail(str(trouble))
            except Exception as error:  # an answer that has not the form it should have
                log.exception("Looking after the container of %s", self._shown())
                self._fail(f"{type(error).__name__}: {error}")
            finally:
                self._changed = monotonic()
                self._show()

    async def _match(self, found: Sequence[Mapping[str, Any]]) -> None:
        kept = await self._choose(found)
        for each in found:
            if each is not kept:
                await self._end(each["Id"], self._home.plan.grace_s)
        if kept is not None:
            await self._look(kept["Id"], name_of(kept))
            return
        self._up = False
        if not self._early():
            lost, self._due = self._id is not None, None
            await self._make()
            if lost:
                self._note_restart(1, "the container was gone")

    async def _choose(self, found: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """The container that is kept: one that is as it should be. While nobody knows the image, any."""
        try:
            wanted = self._home.plan.fingerprint(await self._home.image_id())
        except EngineTrouble:
            if not found:
                raise
            good = list(found)
        else:
            good = [each for each in found if fingerprint_of(each) == wanted]
        return max(good, key=lambda each: (each.get("State") == "running", each.get("Created", 0)), default=None)

    async def _look(self, id: str, name: str) -> None:
        """See how a container is, and start it if it has ended and the engine leaves it so."""
        info = await self._home.api.inspect(id)
        state = info["State"]
        self._note(id, name, info)
        if state.get("Status") == "paused" or state.get("Paused"):
            self._last_error = "the container was paused by hand"
            self._up = False
        elif state.get("Running"):
            await self._check(id, state)
        elif state.get("Status") != "restarting":
            await self._start(id, state)

    async def _check(self, id: str, state: Mapping[str, Any]) -> None:
        """A container runs: whether it does well."""
        self._due = None
        if (state.get("Health") or {}).get("Status") == "unhealthy":
            self._asked = self._last_error = "the container failed its health check"
            self._failures_in_a_row += 1
            log.warning("The control service of %s: %s", self._shown(), self._asked)
            await self._home.api.restart(id, self._within(0))
            self._home.hint(1.0)
        elif self._home.clock.now() - _instant(self._started) > CALM_MS:
            self._failures_in_a_row = 0

    async def _start(self, id: str, state: Mapping[str, Any]) -> None:
        """A container does not run: start it, after a while if it failed."""
        if self._due is None and state.get("Status") != "created":
            words = (await self._home.api.last_words(id, _LINES)).strip().splitlines()
            self._fail(_ending(state, words[-1] if words else ""))
        if not self._early():
            self._due = None
            async with self._home.room:
                await self._home.api.start(id)
            if state.get("Status") != "created":
                self._started = ""  # counted here
                self._note_restart(1, self._last_error or "the container ended")
            self._home.hint(0.5)

    async def _make(self) -> None:
        home = self._home
        async with home.room:
            image = await home.image_id()
            name = home.plan.container_name(self.version, home.chance.entropy(4).hex())
            made = await home.api.create(name, home.plan.container(self.version, name, image))
            try:
                await home.api.put_files(made, FOLDER, home.plan.archive())
                await home.api.start(made)
            except BaseException:
                with contextlib.suppress(EngineTrouble):
                    await home.api.remove(made)
                raise
        self._id, self._name, self._started, self._count = made, name, "", 0
        self._home.hint(0.5)

    async def _end(self, id: str, grace_s: float) -> None:
        """Stop a container and remove it, if it is still there."""
        try:
            await self._home.api.stop(id, self._within(grace_s))
        except EngineTrouble as trouble:
            if not trouble.gone:
                raise
        await self._home.api.remove(id)

    def _within(self, grace_s: float) -> int:
        """The seconds in which the process in a container has to end: it takes its own grace."""
        return int(max(grace_s, self._home.plan.grace_s)) + _MARGIN_S

    async def _let_go(self) -> None:
        """Do nothing any more; its containers, if they stay, are another's."""
        self._stopping = True
        self._home.forget(self.version.id)
        await end(self._task)

    # -- what people see ----------------------------------------------------------------------------------------------

    def _note(self, id: str, name: str, info: Mapping[str, Any]) -> None:
        """Note what the engine says of the container, and whether it was started again."""
        state, count = info["State"], int(info.get("RestartCount") or 0)
        started = str(state.get("StartedAt") or "") if state.get("Running") else self._started
        if self._id is None:  # found again
            self._restarts += count
        elif self._id == id and self._started not in {"", started}:
            self._note_restart(max(1, count - self._count), self._asked or "the process in the container ended")
            self._asked = ""
        elif self._asked and started != self._started:  # made anew, by hand
            self._note_restart(1, self._asked)
            self._asked = ""
        self._id, self._name, self._started, self._count = id, name, started, count
        self._up, self._pid = bool(state.get("Running")), state.get("Pid") or None

    def _note_restart(self, times: int, why: str) -> None:
        self._restarts += times
        self._home.herald.tell_restart(self.version, self._home.clock.now(), why)

    def _fail(self, why: str) -> None:
        """Note what went wrong, and plan the next try."""
        delay_s = RESTART_S[min(self._failures_in_a_row, len(RESTART_S) - 1)]
        self._failures_in_a_row += 1
        if why != self._last_error:
            log.warning("The control service of %s: %s", self._shown(), why)
        self._last_error = why
        self._due = monotonic() + delay_s
        self._home.hint(delay_s)

    def _early(self) -> bool:
        return self._due is not None and monotonic() < self._due

    def _show(self) -> None:
        """Bring the status up to date. It runs when the process in the container says so."""
        if self._stopping:
            status = ServiceStatus.STOPPED
        elif self._told is not None and self._up:
            status = self._told[1].status
        else:
            status = ServiceStatus.RESTARTING
        if status is not self._status:
            self._status = status
            began = _instant(self._started)
            self._since = began if status is ServiceStatus.RUNNING and began else self._home.clock.now()

    def _labels(self) -> dict[str, str]:
        return {**self._home.plan.labels, "segue.version-id": str(self.version.id)}

    def _shown(self) -> str:
        return f"{self.version.process} version {self.version.number}"


def _ending(state: Mapping[str, Any], words: str) -> str:
    memory = " (it used more memory than it may)" if state.get("OOMKilled") else ""
    said = f": {words[-300:]}" if words else ""
    return f"the container ended with code {state.get('ExitCode')}{memory}{said}"


def _instant(text: str) -> int:
    """Milliseconds of an instant as the engine writes it; 0 for none."""
    if not text or text.startswith("0001-"):
        return 0
    with contextlib.suppress(ValueError):
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    return 0
