"""Campaigns `switch` and `switch-kill`: four versions are enabled and disabled at random under load.

Shows P4: every instance runs wholly on the version it was accepted on, which was the highest enabled one; none is
refused while a version is enabled; none is lost or doubled. The second one does the same while the server is killed.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from random import Random

from campaign.api import NO_ANSWER
from campaign.draw import chain
from campaign.load import Load
from campaign.plan import Plan
from campaign.result import Result
from campaign.server import READY
from campaign.timeline import Timeline, strays, wrong_answers
from campaign.waiting import until, until_async
from campaign.worker import STEPS, Body
from campaign.world import World, world

NAME = "switch"
PROCESS = "switched"
WORKER = "worker"
VERSIONS = (1, 2, 3, 4)
ACTIONS = (STEPS[0], STEPS[2], STEPS[3])
SHAPE = dict.fromkeys(ACTIONS, 1)
STARTS_PER_S = 100.0
LONGEST_PAUSE_S = 0.1
AGAIN_EVERY = 10
SWITCHES_PER_KILL = 20
# Of the switches that would leave no version enabled so many are done.
ALL_OFF = 0.5
SWITCHED_WITHIN_S = 3_600.0


def body(number: int) -> Body:
    """What start `number` sends: its actions take time, and every tenth instance lives a second longer."""
    return Body(number=number, again="middle" if number % AGAIN_EVERY == 0 else "", pause_ms=number % 3 * 20)


async def campaign(plan: Plan, folder: Path) -> Result:
    """Switch so often under load, then compare."""
    return await _campaign(NAME, plan, folder, kills=0)


async def campaign_with_kills(plan: Plan, folder: Path) -> Result:
    """The same, while the server is killed once for every twenty switches."""
    return await _campaign(f"{NAME}-kill", plan, folder, kills=max(1, plan.faults // SWITCHES_PER_KILL))


async def _campaign(name: str, plan: Plan, folder: Path, kills: int) -> Result:
    async with world(folder, store=plan.store) as here:
        await here.start(WORKER)
        await here.make(PROCESS, *(chain([f"v{n}-{action}" for action in ACTIONS], WORKER) for n in VERSIONS))
        load = Load(here.api, PROCESS, body, rate=STARTS_PER_S)
        timeline = Timeline(frozenset({1}))
        switching = Switching(here, timeline, plan.random())
        killing = asyncio.create_task(_kill(here, plan, switching, kills))
        try:
            await switching.run(plan.faults, load, killing)
            await killing
            await load.finish()
        finally:
            killing.cancel()
            await load.cancel()
        plan.tell(name, f"{len(load.accepted)} starts are answered; waiting for the last of them to end")
        await here.settled(PROCESS)
        here.check_log()
        verdict = await here.verdict(load, PROCESS, SHAPE, WORKER)
        starts = list(load.accepted.values())
        here.problems += wrong_answers(timeline, starts, load.refusals)
        here.problems += strays(starts, await here.workers[WORKER].calls())
        await here.server.stop()
        used = {f"on_version_{n}": sum(start.version == n for start in starts) for n in VERSIONS}
        result = Result.of(name, plan, here, load, verdict)
        result.notes |= {"kills": kills, **used}
        return result


class Switching:
    """Enables and disables at random. `done` counts the switches that changed something."""

    def __init__(self, here: World, timeline: Timeline, random: Random) -> None:
        self.done = 0
        self._here = here
        self._timeline = timeline
        self._random = random
        self._loop = asyncio.get_running_loop()

    async def run(self, switches: int, load: Load, killing: asyncio.Task[None]) -> None:
        """Switch so often, and leave at least one version enabled."""
        while self.done < switches:
            load.check()
            if killing.done():
                killing.result()
            version = self._choose()
            if version is not None:
                await self._switch(version)
            await asyncio.sleep(self._random.uniform(0, LONGEST_PAUSE_S))  # the random moment
        while not self._timeline.now:
            await self._switch(self._random.choice(VERSIONS))

    def reached(self, moment: float) -> bool:
        """Whether so many switches are done."""
        return self.done >= moment

    def _choose(self) -> int | None:
        """A version to switch; None when it is the last enabled one and is to stay so."""
        version = self._random.choice(VERSIONS)
        last = self._timeline.now == {version}
        return None if last and self._random.random() > ALL_OFF else version

    async def _switch(self, version: int) -> None:
        """Turn one version over. When no answer comes, what it is now is asked for until the server is there again."""
        before = self._timeline.now
        verb = "disable" if version in before else "enable"
        sent = self._loop.time()
        try:
            await self._here.api.call("POST", f"/processes/{PROCESS}/versions/{version}/{verb}")
            after = before ^ {version}
        except NO_ANSWER:
            after = await until_async(self._asked, 60, "the server to say which versions are enabled")
            after -= {0}
        self._timeline.change(sent, self._loop.time(), after)
        self.done += after != before

    async def _asked(self) -> frozenset[int] | None:
        """The enabled versions, and 0 so that none of them is something, too; None while the server is away."""
        try:
            process = await self._here.api.call("GET", f"/processes/{PROCESS}")
        except NO_ANSWER:
            return None
        return frozenset({0} | {each["version"] for each in process["versions"] if each["state"] == "enabled"})


async def _kill(here: World, plan: Plan, switching: Switching, kills: int) -> None:
    """Kill the server so often, spread over the switches at random, and audit each of its lives."""
    random = Random(plan.seed + 1)
    moments = sorted(random.uniform(0, plan.faults) for _ in range(kills))
    for moment in moments:
        await until(partial(switching.reached, moment), SWITCHED_WITHIN_S, f"{moment:.0f} switches")
        await asyncio.sleep(random.uniform(0, LONGEST_PAUSE_S))  # the random moment
        here.check_log()
        victim = here.any_server(random)
        victim.kill()
        victim.spawn()
        await victim.child.ready(READY)
        await here.audit()
