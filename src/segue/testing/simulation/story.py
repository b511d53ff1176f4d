"""The story of a world: it is set up, then everything happens at once, then it is made calm and everything must end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from segue.model.errors import SegueError
from segue.model.message import Place
from segue.model.operations import ENDED, OperationState
from segue.model.versions import VersionState
from segue.ports.views import PlacedMessage
from segue.testing.simulation.dice import happens
from segue.testing.simulation.drawer import NARROW
from segue.testing.simulation.front import TROUBLE
from segue.testing.simulation.life import Life

if TYPE_CHECKING:
    from segue.testing.simulation.world import World

STALL_MS = 180_000
"""Longer than any pause that the engine makes by itself, in ms."""

SLOWEST_TICK_MS = 125_000
"""Longer than any schedule's interval and the longest sleep of who fires it."""

_ROUNDS = 12
_MUCH, _LITTLE = "rush-1", "rush-2"
_MANY, _FEW = 16, 4


async def _go_on(id_: str, life: Life) -> None:
    await life.control.operations.turn(id_, OperationState.RUNNING)


class Story:
    """What happens in a world, from the beginning to the end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = world.dice.stream("story")

    async def tell(self) -> None:
        """Tell it. Broken promises are noted by the witnesses."""
        world, plan = self._world, self._world.plan
        await self._set_up()
        world.faults.active = True
        await self._storm()
        await self._calm()
        await self._quiet("after the storm")
        await self._operations_end()
        if plan.limits:
            await self._rush()
        await self._resolve()
        await self._probe()
        await self._end()

    # -- beginning ----------------------------------------------------------------------------------------------------

    async def _set_up(self) -> None:
        world, plan = self._world, self._world.plan
        await world.serving()
        await self._register_workers()
        for process in [f"process-{number + 1}" for number in range(plan.processes)]:
            await world.ask(lambda life, process=process: life.control.processes.create(process))  # type: ignore[misc]
            for _ in range(plan.versions):
                await world.publish(process)
        world.services.plan_absences(world.clock.now() + plan.length_ms)

    async def _register_workers(self) -> None:
        world = self._world
        for name in world.services.names:
            worker = world.services.worker(name)

            async def put(life: object, worker: object = worker) -> None:
                await life.control.workers.put(worker.name, worker.url, worker.headers)  # type: ignore[attr-defined]

            await world.people.insist(put)

    # -- storm --------------------------------------------------------------------------------------------------------

    async def _storm(self) -> None:
        world, plan, chance = self._world, self._world.plan, self._chance
        processes = [f"process-{number + 1}" for number in range(plan.processes)]
        tasks = []
        at = 0
        for _ in range(plan.starts):
            at = at if chance.random() < 0.45 else chance.randrange(plan.length_ms)
            tasks.append(self._at(at, partial(world.people.start, chance.choice(processes))))
        tasks += [self._at(chance.randrange(plan.length_ms), world.people.act) for _ in range(plan.acts)]
        await asyncio.gather(*tasks)

    def _at(self, ms: int, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        async def later() -> None:
            await self._world.pause(ms)
            await work()

        return self._world.loop.create_task(later())

    # -- calm ---------------------------------------------------------------------------------------------------------

    async def _calm(self) -> None:
        world = self._world
        world.faults.active = False
        world.services.calm = True
        world.trace.add("calm", None)
        await world.serving()
        await self._register_workers()
        await self._ticks_go_on()
        for version in list(world.account.versions.values()):
            if version.state is VersionState.ENABLED and any(s.timer for s in version.drawing.starts()):
                await world.people.enable(version, enabled=False)

    async def _ticks_go_on(self) -> None:
        """A schedule that never ends fires again in time, whatever happened before."""
        world = self._world
        if not happens(self._chance, 0.3):
            return
        await world.pause(1_000)
        before = dict(world.account.ticks)
        await world.pause(SLOWEST_TICK_MS)
        for version in list(world.account.versions.values()):
            if world.account.highest(version.process) is not version:
                continue
            for start in version.drawing.starts():
                if start.timer is None or start.timer.value.startswith("R4/"):
                    continue
                key = (version.process, start.id)
                text = f"the schedule {start.timer.value} of {version.process} {version.number} does not tick any more"
                world.breaches.unless(world.account.ticks.get(key, 0) > before.get(key, 0), "liveness", text)

    async def _quiet(self, when: str) -> None:
        """Wait until the engine has nothing left to handle; it must not stall before."""
        world = self._world
        account, witness = world.account, world.witness
        witness.progress_ms = max(witness.progress_ms, world.clock.now())
        while True:
            waiting = list(account.waiting_to_run())
            if not waiting:
                return
            due = max(known.due for known in waiting)
            since = max(witness.progress_ms, due)
            if world.clock.now() > since + STALL_MS:
                first = min(waiting, key=lambda known: known.due)
                text = f"{when} nothing moves, though {len(waiting)} messages are ready; one waits at {first.node}"
                world.breaches.note("liveness", text, first.instance)
                return
            await world.pause(250)

    async def _rush(self) -> None:
        """One process uses all of a limit; another one that comes later gets its share of it at once, or all that it
        wants where it has a higher priority."""
        world = self._world
        priority = 7 if happens(world.dice.stream("priority"), 0.5) else 0
        for process, its in ((_MUCH, 0), (_LITTLE, priority)):
            await world.ask(lambda life, process=process: life.control.processes.create(process))  # type: ignore[misc]
            await world.publish(process, world.drawer.narrow(process, its))
        for _ in range(_MANY):
            await world.people.begin(_MUCH)
        await world.pause(1_500)
        before = len(world.witness.calls.under(NARROW.key))
        for _ in range(_FEW):
            await world.people.begin(_LITTLE)
        await self._quiet("while two processes share a limit")
        turns = world.witness.calls.under(NARROW.key)[before:]
        missing = _FEW - turns.count(_LITTLE)
        world.breaches.unless(missing <= 0, "fairness", f"{missing} calls of {_LITTLE} were not made")
        others, few = 0, 0
        for process in turns:
            few += process == _LITTLE
            others += process == _MUCH
            if few == _FEW:
                break
        text = f"{_MUCH} had {others} calls under a limit before {_LITTLE} had its {_FEW}, both waiting for it"
        if priority:
            world.breaches.unless(others <= NARROW.calls, "priority", f"{text}, though its priority is {priority}")
        world.breaches.unless(others <= _FEW + NARROW.calls, "fairness", text)

    async def _operations_end(self) -> None:
        """Every operation comes to its end, and what it says of itself is what it did."""
        world = self._world
        late = world.clock.now() + STALL_MS
        for id_ in list(world.witness.bulk.known):
            found = await world.ask(lambda life, id_=id_: life.control.operations.get(id_))  # type: ignore[misc]
            if found.state is OperationState.PAUSED:
                await world.ask(partial(_go_on, id_))
            while found.state not in ENDED and world.clock.now() < late:
                await world.pause(250)
                found = await world.ask(lambda life, id_=id_: life.control.operations.get(id_))  # type: ignore[misc]
            world.witness.bulk.ended(found)
        await self._quiet("after what was done to many")

    # -- end ----------------------------------------------------------------------------------------------------------

    async def _resolve(self) -> None:
        """People handle all that waits for them, until every instance has ended (P1)."""
        world = self._world
        for round_ in range(_ROUNDS):
            if not world.account.live:
                return
            last = round_ >= _ROUNDS // 3
            for known in list(world.account.live.values()):
                if known.place >= Place.WAITING:
                    await self._handle(known.id, known.place, last=last)
            await self._quiet("while people cleared up")
        for known in world.account.live.values():
            text = f"message {known.id} at {known.node} cannot be brought to an end"
            world.breaches.note("P1", text, known.instance)
            return

    async def _handle(self, id_: str, place: Place, *, last: bool) -> None:
        world = self._world
        try:
            found = await world.ask(lambda life: life.store.placed_message(id_, place))
            if found is not None:
                await self._decide(found, last=last)
        except (SegueError, *TROUBLE):
            return

    async def _decide(self, found: PlacedMessage, *, last: bool) -> None:
        people = self._world.people
        if found.message.place is Place.WAITING:
            await people.handle_task(found, accepted=not last)
        elif found.message.place is Place.LISTENING:
            known = self._world.account.live.get(found.message.id)
            if known is not None:
                await people.reach(known)
        elif found.message.place is Place.TRASH:
            await people.handle_trash(found, "discard" if last else "resend")

    async def _probe(self) -> None:
        """Every version still works: no lane is held, no wake-up lost."""
        world = self._world
        for version in list(world.account.versions.values()):
            if version.state in {VersionState.DISABLED, VersionState.ENABLED}:
                await world.people.probe(version)
        await self._quiet("after everything had been put right")

    async def _end(self) -> None:
        world = self._world
        for accepted in world.people.answered:
            there = accepted.instance in world.account.runs or accepted.instance in world.account.pruned
            world.breaches.unless(there, "P1", "an answered start is gone", accepted.instance)
        await world.office.check()
        await world.serving()
        world.ending = True
        await world.restart(10.0)
        world.inspector.use(world.durable.open())
        world.account.crash()
        world.inspector.whole(world.clock.now())
        world.witness.calls.check_limits(world.clock.now())
