"""One world: a store that lasts, lives of a server that come and go, workers, people, and witnesses over all of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from msgspec import Struct

from segue.core.routing import entry_points
from segue.model.errors import SegueError, WorkerTrouble
from segue.model.graph import ActionKind
from segue.model.versions import VersionContent
from segue.model.workers import OfferedAction, Worker
from segue.ports.catalog import NewVersion
from segue.testing.simulation.account import Account
from segue.testing.simulation.breach import Breach, Breaches
from segue.testing.simulation.dice import EPOCH_MS, Dice, WorldChance, WorldClock, happens
from segue.testing.simulation.drawer import Drawer
from segue.testing.simulation.drawing import Drawing
from segue.testing.simulation.faults import Faults, Hit
from segue.testing.simulation.front import Unanswered
from segue.testing.simulation.inspection import Inspector
from segue.testing.simulation.life import Broken, Life, Surroundings
from segue.testing.simulation.loop import Crashed, SimulatedLoop, Standstill
from segue.testing.simulation.office import Office
from segue.testing.simulation.people import People
from segue.testing.simulation.services import Services
from segue.testing.simulation.settings import Settings, make_plan
from segue.testing.simulation.stores import STORES
from segue.testing.simulation.story import Story
from segue.testing.simulation.trace import Trace
from segue.testing.simulation.witness import Witness

T = TypeVar("T")

_LONGEST_S = 40_000
_STOP_S = 60.0
_EXPECTED = (SegueError, Broken, Unanswered, asyncio.CancelledError)


class Outcome(Struct, frozen=True, kw_only=True):
    """How a world ended. `hits` counts the faults that struck; `seconds` are those of the world, not ours."""

    seed: int
    breach: Breach | None
    digest: str
    seconds: float
    steps: int
    lives: int
    instances: int
    messages: int
    calls: int
    repeated_calls: int
    hits: Counter[Hit]


class Listing:
    """Implements the port `WorkerDirectory` over the services of the world."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def list_actions(self, worker: Worker) -> list[OfferedAction]:
        """Return what the worker offers. Raises WorkerTrouble for one that is not there."""
        if worker.name not in self._services.names:
            raise WorkerTrouble(f"no worker {worker.name} answers")
        return self._services.offered(worker.name)

    async def check_action(self, worker: Worker, kind: ActionKind, name: str) -> str | None:
        """Return None if the worker offers the action."""
        offered = {(action.kind, action.name) for action in self._services.offered(worker.name)}
        return None if (kind, name) in offered else f"{worker.name} does not offer {name}"

    async def check_worker(self, worker: Worker) -> str | None:
        """Return None if the worker answers."""
        return None if worker.name in self._services.names else f"{worker.name} does not answer"

    async def close(self) -> None:
        """Nothing is held."""


class World:
    """Everything of one seed. Implements `Front` for people."""

    lives = 0
    ending = False
    _steps = 0

    def __init__(self, seed: int, settings: Settings) -> None:
        self.seed = seed
        self.dice = Dice(seed)
        self.plan = make_plan(self.dice.stream("plan"), settings)
        plan, dice = self.plan, self.dice
        self.loop = SimulatedLoop(dice.stream("order"), shuffle=plan.shuffle, laziness=plan.laziness)
        self.clock = WorldClock(self.loop.time)
        self.trace = Trace(lambda: self.clock.now() - EPOCH_MS)
        self.breaches = Breaches()
        self.account = Account(self.breaches)
        self.durable = STORES[settings.store](self.clock)
        store = self.durable.open()
        self.inspector = Inspector(store, self.account, self.breaches, self.loop)
        self.faults = Faults(dice.stream("faults"), plan.profile, plan.points)
        self.witness = Witness(
            account=self.account,
            inspector=self.inspector,
            breaches=self.breaches,
            clock=self.clock,
            trace=self.trace,
            chance=dice.stream("witness"),
        )
        self.witness.audits = plan.audits
        self.services = Services(
            dice.stream("services"), self.clock, self.loop.pause, plan.manners, ["crm", "shop", "mail"]
        )
        self.office = Office(dice.stream("office"), self, self.account, self.breaches)
        self.people = People(
            chance=dice.stream("people"),
            front=self,
            office=self.office,
            account=self.account,
            decisions=self.witness.decisions,
            services=self.services,
            breaches=self.breaches,
        )
        self.drawer = Drawer(dice.stream("drawing"), self.services.names, limits=plan.limits)
        self.life: Life | None = None
        self._around = Surroundings(
            loop=self.loop,
            clock=self.clock,
            chance=WorldChance(dice.stream("chance")),
            faults=self.faults,
            witness=self.witness,
            trace=self.trace,
            bites=plan.bites,
        )
        self._chance = dice.stream("world")
        self._serving = asyncio.Event()
        self._drawn: Counter[str] = Counter()

    # -- the whole ----------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Live through it to the end, or to the first broken promise."""
        self.loop.at_step = self._stepped
        try:
            self.loop.run_until_complete(self._main())
        except Standstill as standstill:
            self.breaches.note("liveness", str(standstill))
        finally:
            self.loop.end()
            self.durable.close()
        return self._outcome()

    async def _main(self) -> None:
        broken: asyncio.Future[None] = self.loop.create_future()
        self.breaches.on_first = lambda: broken.set_result(None)
        keeping = self.loop.create_task(self._keep())
        telling = self.loop.create_task(Story(self).tell())
        await asyncio.wait({broken, telling}, return_when=asyncio.FIRST_COMPLETED, timeout=_LONGEST_S)
        if telling.done():
            telling.result()
        elif not broken.done():
            self.breaches.note("liveness", f"the story has not ended after {_LONGEST_S} s")
        for task in (keeping, telling):
            task.cancel()

    def _outcome(self) -> Outcome:
        return Outcome(
            seed=self.seed,
            breach=self.breaches.first,
            digest=self.trace.digest(),
            seconds=self.loop.time(),
            steps=self.loop.handled,
            lives=self.lives,
            instances=len(self.account.runs),
            messages=len(self.account.live) + len(self.account.gone),
            calls=self.witness.calls.count,
            repeated_calls=self.witness.calls.repeated,
            hits=self.faults.hits,
        )

    # -- lives --------------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        """Start the server again whenever it has died."""
        while not self.ending:
            life = self._begin_life()
            starting = self.loop.create_task(self._start(life), context=life.context)
            await _first_of(starting, life.died)
            if life.alive and (error := starting.exception()) is not None:
                self._check_error(error)
                life.die(f"did not start: {error!r}")
            if life.alive:
                self._serving.set()
                await life.died
            self._serving.clear()
            self._check_orphans(life)
            await self.loop.pause(self._chance.choice([0, 10, 1_000, 20_000]))

    def _begin_life(self) -> Life:
        store = self.durable.open()
        self.inspector.use(store)
        self.account.crash()
        self.witness.look(whole=True)
        self.lives += 1
        self.trace.add("life", None, self.lives)
        self.fake = self.services.transport()
        self.life = Life(self.lives, self._around, store, self.fake, Listing(self.services))
        return self.life

    async def _start(self, life: Life) -> None:
        life.build()
        await life.start()

    def _check_orphans(self, life: Life) -> None:
        for error in self.loop.orphans(life.number):
            self._check_error(error)
        if self.loop.errors:
            self.breaches.note("P9", f"nobody caught: {self.loop.errors[0]}")

    def _check_error(self, error: BaseException) -> None:
        """Errors of the server must be those that it announces, or those that were planted here."""
        if not isinstance(error, (*_EXPECTED, Crashed)):
            self.breaches.note("P9", f"an unexpected error: {error!r}")

    def _stepped(self) -> None:
        """A callback of a life has run: perhaps the server dies now."""
        if not self.faults.active or self.life is None:
            return
        self._steps += 1
        steps = self.plan.crash_steps
        if steps and self._steps in steps:
            self.life.die(f"after step {self._steps}")

    # -- the front ----------------------------------------------------------------------------------------------------

    async def pause(self, ms: float) -> None:
        """Wait."""
        await self.loop.pause(ms)

    async def serving(self) -> Life:
        """Wait until the server answers."""
        while self.life is None or not self.life.alive or not self._serving.is_set():
            await self._serving.wait()
            await self.pause(0)
        return self.life

    async def ask(self, work: Callable[[Life], Awaitable[T]]) -> T:
        """Have the server do something; see `Front`."""
        life = self.life
        if life is None or not life.alive or not self._serving.is_set():
            await self.pause(1)
            raise Unanswered("nobody listens")
        task = self.loop.create_task(_in_life(life, work), context=life.context.copy())
        await _first_of(task, life.died)
        if not task.done():
            raise Unanswered("the server died")
        error = task.exception()
        if isinstance(error, Crashed):
            raise Unanswered("the server died")
        if error is not None:
            self._check_error(error)
            if not isinstance(error, _EXPECTED):
                raise Unanswered(repr(error))
        return task.result()

    async def both(self, work: Callable[[Life], Awaitable[None]]) -> list[BaseException | None]:
        """Have the server do the same twice at once; see `Front`."""
        met = await asyncio.gather(self.ask(work), self.ask(work), return_exceptions=True)
        return [each if isinstance(each, BaseException) else None for each in met]

    async def publish(self, process: str, drawing: Drawing | None = None) -> None:
        """Publish and enable the next version of a process; see `Front`."""
        self._drawn[process] += 1
        note = f"drawing {self._drawn[process]}"
        if drawing is None:
            scheduled = happens(self._chance, 0.3)
            drawing = self.drawer.draw(process, scheduled=scheduled, called=self._callable(process))
        self.witness.drawings[process, note] = drawing
        self.services.offer(drawing)
        if self.life is not None:
            self.services.serve(self.fake)
        entries = entry_points(drawing.graph)
        wanted = {start.id: drawing.entry(start.id) for start in drawing.starts()}
        wanted |= {start.label: wanted[start.id] for start in reversed(drawing.starts())}
        wanted[""] = wanted[drawing.default_start().id]
        self.breaches.unless(entries == wanted, "P4", f"messages enter {process} at {entries} instead of {wanted}")
        draft = NewVersion(
            process=process,
            content=VersionContent(source=note.encode(), dialect="bpmn", graph=drawing.graph),
            entries=entries,
            semantic_hash=f"{process}/{note}",
            author="somebody",
            note=note,
            at=self.clock.now(),
        )
        version = await self.ask(lambda life: life.store.put_draft(draft))
        number = version.number

        async def publish(life: Life) -> None:
            known = self.account.numbered(process, number)
            if known is not None and known.state.value == "draft":
                await life.control.versions.publish(process, number)
            await life.control.versions.enable(process, number)

        await self.people.insist(publish)

    def _callable(self, process: str) -> list[str]:
        """The processes that one may call: those drawn before it, so that none calls itself."""
        number = int(process.rpartition("-")[2])
        return [f"process-{lower}" for lower in range(1, number)]

    async def restart(self, grace_s: float) -> None:
        """Stop the server in order; see `Front`."""
        life = self.life
        if life is None or not life.alive or not self._serving.is_set():
            return
        self._serving.clear()

        task = self.loop.create_task(life.stop(grace_s), context=life.context.copy())
        await asyncio.wait({task, life.died}, return_when=asyncio.FIRST_COMPLETED, timeout=grace_s + _STOP_S)
        if life.died.done():
            return
        self.breaches.unless(task.done(), "stop", f"an orderly stop with {grace_s} s of grace does not end")
        if task.done() and (error := task.exception()) is not None:
            self._check_error(error)
        under_way = self.witness.calls.under_way()
        self.breaches.unless(under_way == 0, "stop", f"{under_way} calls were under way after an orderly stop")
        taken = [known for known in self.account.waiting_to_run() if known.taken]
        text = f"{len(taken)} messages were neither settled nor given back by an orderly stop"
        self.breaches.unless(not taken, "stop", text, taken[0].instance if taken else None)
        life.die("stopped in order")


async def _first_of(one: asyncio.Future[Any], other: asyncio.Future[Any], *, timeout_s: float | None = None) -> None:
    await asyncio.wait((one, other), return_when=asyncio.FIRST_COMPLETED, timeout=timeout_s)


async def _in_life(life: Life, work: Callable[[Life], Awaitable[T]]) -> T:
    return await work(life)


def simulate(seed: int, settings: Settings | None = None) -> Outcome:
    """Let a world live and return how it ended."""
    return World(seed, settings or Settings()).run()
