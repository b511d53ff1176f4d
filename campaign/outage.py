"""Campaign `outage`: a worker dies, freezes, dawdles and talks nonsense while load goes on.

Shows that an outage loses nothing and puts nothing into the trash, that its reason can be seen in the queues, and that
a version with a healthy worker goes on meanwhile (P8). Answers that are failures go into the trash with the message as
it was before the call, from where it is sent back, and then comes to its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from campaign.check import Verdict
from campaign.draw import chain
from campaign.load import Load
from campaign.plan import Plan
from campaign.result import Result
from campaign.sickness import KEPT_BY_PATIENT_S, PATIENT, SICK, WITHIN_S, Failure, Outage, Strain, cases
from campaign.waiting import OverdueError, until_async
from campaign.worker import Body
from campaign.world import World, world

NAME = "outage"
CALM = "calm"
SHAPES = {
    SICK: {"first": 1, "middle": 1, "last": 1},
    CALM: {"first": 1, "last": 1},
    PATIENT: {"first": 1, "middle": 1, "last": 1},
}
TIMEOUTS = {SICK: "PT1S", CALM: "PT1S", PATIENT: "PT1M"}
STARTS_PER_S = {SICK: 50.0, CALM: 50.0, PATIENT: 4.0}
REPLY_MB = 40
# So many messages have to fail, and so many have to pass at the healthy worker, in each fault.
SOME = 10


def body(number: int) -> Body:
    """What start `number` sends."""
    return Body(number=number, again="middle" if number % 20 == 0 else "")


async def campaign(plan: Plan, folder: Path) -> Result:
    """Let the workers suffer so often, then compare all processes."""
    async with world(folder, {"SEGUE_WORKER_REPLY_MB": str(REPLY_MB)}, plan.store) as here:
        await here.start(SICK, CALM)
        await here.employ(PATIENT, KEPT_BY_PATIENT_S)
        for process, shape in SHAPES.items():
            await here.make(process, chain(list(shape), worker=process, timeout=TIMEOUTS[process]))
        loads = {process: Load(here.api, process, body, rate=STARTS_PER_S[process], senders=16) for process in SHAPES}
        try:
            drill = Drill(here, plan)
            await drill.run(loads)
            for load in loads.values():
                load.go_on()
                await load.finish()
        finally:
            await asyncio.gather(*(load.cancel() for load in loads.values()))
        await here.settled(*SHAPES, within_s=2 * WITHIN_S)
        here.check_log()
        verdicts = [await here.verdict(loads[process], process, shape, process) for process, shape in SHAPES.items()]
        await here.server.stop()
        result = Result.of(NAME, plan, here, loads[SICK], _joined(verdicts))
        result.notes |= {"kinds": len(drill.seen), "sent_back_from_trash": drill.sent_back}
        return result


def _joined(verdicts: Sequence[Verdict]) -> Verdict:
    return Verdict(
        accepted=sum(each.accepted for each in verdicts),
        lost=sum(each.lost for each in verdicts),
        doubled=sum(each.doubled for each in verdicts),
        repeated_calls=sum(each.repeated_calls for each in verdicts),
        messages=sum(each.messages for each in verdicts),
        problems=[problem for each in verdicts for problem in each.problems],
    )


class Drill:
    """Makes the worker sick in one way after the other, looks at what Segue says and does, and makes it well again."""

    def __init__(self, here: World, plan: Plan) -> None:
        self.seen: set[str] = set()
        self.sent_back = 0
        self._here = here
        self._plan = plan
        self._calm = here.workers[CALM]

    async def run(self, loads: dict[str, Load]) -> None:
        """Go through the kinds of faults, all of them before any comes again."""
        for case in cases(self._plan):
            self._plan.tell(NAME, case.name)
            for load in loads.values():
                load.check()
            if isinstance(case, Outage):
                await self._outage(case)
                await self._well_again(case.name, case.whose)
            elif isinstance(case, Strain):
                await self._strain(case, loads[PATIENT])
                await self._well_again(case.name, PATIENT)
            else:
                await self._failure(case)
                await self._well_again(case.name, SICK)
            self._here.check_log()
            await self._here.audit()
            self.seen.add(case.name)

    async def _outage(self, case: Outage) -> None:
        """The reason is seen in the queues, nothing goes to the trash, the other process goes on."""
        async with case.suffered(self._here, self._here.workers[case.whose]):
            held = partial(self._held, case.reason, case.whose)
            await until_async(held, WITHIN_S, f"the queues to say {case.reason!r}")
            await self._others_go_on(case.name)
        if trash := await self._trash(case.whose):
            self._problem(case.name, f"put {len(trash)} messages into the trash, such as {trash[0]}")

    async def _strain(self, case: Strain, load: Load) -> None:
        """It goes through, and meanwhile no queue waits, and nothing comes to the trash."""
        async with self._never_held(case.name):
            await case.played(self._here, self._here.workers[PATIENT], load)
        if trash := await self._trash(PATIENT):
            self._problem(case.name, f"put {len(trash)} messages into the trash, such as {trash[0]}")

    @contextlib.asynccontextmanager
    async def _never_held(self, name: str) -> AsyncIterator[None]:
        async def watch() -> None:
            held = partial(self._held, "", PATIENT)
            await until_async(held, math.inf, "", every_s=0.1)  # a queue is held for half a second at least
            self._problem(name, "held up the queues of the patient process")

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _failure(self, case: Failure) -> None:
        """Messages go to the trash, with the reason; once the worker is well they are sent back and go on."""
        async with case.suffered(self._here, self._here.workers[SICK]):
            await until_async(self._some_trash, WITHIN_S, f"{case.name} to put messages into the trash")
        for message in await self._trash():
            if message["reason_code"] != case.code or case.reason not in message["reason"]:
                self._problem(case.name, f"put a message into the trash with the reason {message['reason']!r}")
        await until_async(self._all_sent_back, WITHIN_S, "the trash to be empty")

    async def _well_again(self, name: str, whose: str) -> None:
        """Messages reach the worker again, and no queue says that it waits for it."""
        worker = self._here.workers[whose]
        before = (await worker.counts()).get("last", 0)

        async def well() -> bool:
            return not await self._held("", whose) and (await worker.counts()).get("last", 0) >= before + SOME

        await until_async(well, WITHIN_S, f"the queues to flow again after {name}")

    async def _others_go_on(self, name: str) -> None:
        before = (await self._calm.counts()).get("last", 0)

        async def go_on() -> bool:
            return (await self._calm.counts()).get("last", 0) >= before + SOME

        try:
            await until_async(go_on, WITHIN_S, "messages to reach the healthy worker")
        except OverdueError as error:
            self._problem(name, f"stopped the other process: {error}")
        for queue in await self._here.api.call("GET", "/queues", process=CALM):
            if queue["held"] is not None:
                self._problem(name, f"holds a queue of the other process: {queue['held']}")

    async def _held(self, reason: str, process: str) -> bool:
        queues = await self._here.api.ask("/queues", process=process)
        return any(queue["held"] is not None and reason in queue["held"] for queue in queues)

    async def _trash(self, process: str = SICK) -> list[Any]:
        return [item async for item in self._here.api.items("/trash", process=process)]

    async def _some_trash(self) -> bool:
        return len(await self._trash()) >= SOME

    async def _all_sent_back(self) -> bool:
        done = await self._here.api.call("POST", "/trash/resend", {"process": SICK})
        self.sent_back += done["done"]
        return not done["more"] and not await self._trash()

    def _problem(self, name: str, text: str) -> None:
        self._here.problems.append(f"{name} {text}")
