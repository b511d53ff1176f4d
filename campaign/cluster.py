"""Campaign `cluster`: several processes on one PostgreSQL, and each of them, and PostgreSQL, is hit under load.

One process has the API, one runs control services of all versions, one more a second control service of the version
under load; two could be the timer service. A process that is killed is started again at once, as whatever supervises
it would do; the others, and all of them when the database is killed or connections are cut, have to go on by
themselves. Shows P1, P2 and P3 as `kill` does, and that schedules go on: never two instances for one instant, and no
gap longer than a takeover.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random

from campaign.draw import TREE, ticking, tree
from campaign.kill import CUT, PROCESS, WORKER, body
from campaign.load import Load
from campaign.plan import POSTGRES, Plan
from campaign.processes import READY_WITHIN_S, ProcessError
from campaign.result import Result
from campaign.server import READY, Server
from campaign.waiting import until
from campaign.world import World, world

NAME = "cluster"
TICKING = "ticking"
STARTS_PER_S = 40.0
PAUSE_S = 1.5
SUPERVISED_EVERY_S = 0.5
# Taking over takes 5 s at most; on top come the time that a killed database is away, and a start of two killed ones.
LONGEST_GAP_S = 12.0
KINDS = {
    "api_killed": 4,
    "control_killed": 6,
    "timers_killed": 4,
    "all_killed": 1,
    "database_killed": 3,
    "connections_cut": 5,
}


async def campaign(plan: Plan, folder: Path) -> Result:
    """Hit so often, then let everything come to its end, and hold the books against each other."""
    async with world(folder, store=POSTGRES) as here:
        await _found(here)
        load = Load(here.api, PROCESS, body, rate=STARTS_PER_S)
        supervising = asyncio.create_task(_supervise(here))
        try:
            kinds = await _faults(here, load, plan, supervising)
            await load.finish()
        finally:
            await load.cancel()
            supervising.cancel()
        plan.tell(NAME, f"{len(load.accepted)} starts are answered; waiting for the last of them to end")
        await here.settled(PROCESS)
        here.check_log()
        await here.api.call("POST", f"/processes/{TICKING}/versions/1/disable")
        await here.settled(TICKING)
        ticked = await ticks(here)
        verdict = await here.verdict(load, PROCESS, TREE, WORKER)
        for server in (*here.others, here.server):
            await server.stop()
        result = Result.of(NAME, plan, here, load, verdict)
        result.notes |= {**kinds, **ticked, "lives": sum(each.lives for each in (here.server, *here.others))}
        return result


async def _found(here: World) -> None:
    """Start the API, put the processes there, then start the others."""
    here.server.name = "segue-api"
    here.server.command = ("serve", "--roles", "api")
    await here.start(WORKER)
    await here.make(PROCESS, tree(WORKER))
    await here.make(TICKING, ticking())
    here.add("segue-control", "serve", "--roles", "control")
    here.add("segue-copy", "control-service", "--version", f"{PROCESS}:1")
    here.add("segue-timers", "serve", "--roles", "timers,status")
    here.add("segue-timers-too", "serve", "--roles", "timers,status")
    for other in here.others:
        await other.start()


async def _faults(here: World, load: Load, plan: Plan, supervising: asyncio.Task[None]) -> dict[str, int]:
    """Hit so often, with an audit after each; how often in which way."""
    random = plan.random()
    kinds = dict.fromkeys(KINDS, 0)
    if here.database is None:
        raise ValueError("This campaign stands on PostgreSQL")
    for fault in range(plan.faults):
        load.check()
        await asyncio.sleep(random.uniform(0, PAUSE_S))  # the random moment
        if supervising.done():
            supervising.result()
        here.check_log()
        kind = random.choices(list(KINDS), list(KINDS.values()))[0]
        kinds[kind] += 1
        if kind == "database_killed":
            here.database.kill()
            await asyncio.sleep(random.uniform(0, 2))  # the random moment
            await asyncio.to_thread(here.database.start)
        elif kind == "connections_cut":
            for _ in range(random.randint(1, 5)):
                await asyncio.to_thread(here.database.sql, CUT)
                await asyncio.sleep(random.uniform(0, 0.2))  # the random moment
        else:
            _kill(_victims(here, kind, random))
        await here.audit()
        if (fault + 1) % 20 == 0:
            plan.tell(NAME, f"{fault + 1} faults, {len(load.accepted)} starts answered, {here.audits} audits")
    for server in (here.server, *here.others):
        await until(partial(_was_ready, server), READY_WITHIN_S, f"{server.name} to be ready")
    return kinds


def _victims(here: World, kind: str, random: Random) -> list[Server]:
    if kind == "all_killed":
        return [here.server, *here.others]
    if kind == "api_killed":
        return [here.server]
    control, copy, timers, more_timers = here.others
    return [random.choice([control, copy] if kind == "control_killed" else [timers, more_timers])]


def _kill(victims: list[Server]) -> None:
    """Kill, and at once another life of each."""
    for server in victims:
        server.kill()
    for server in victims:
        server.spawn()


async def _supervise(here: World) -> None:
    """Start again what has ended while it started, because the database was away.

    Raises ProcessError for a process that was ready and has ended though nobody killed it.
    """
    while True:
        for server in (here.server, *here.others):
            if server.child.process.poll() is not None:
                if _was_ready(server):
                    raise ProcessError(f"{server.name} ended by itself:\n{server.child.last_words()}")
                server.kill()
                server.spawn()
        await asyncio.sleep(SUPERVISED_EVERY_S)


def _was_ready(server: Server) -> bool:
    return re.search(READY, server.child.printed()) is not None


async def ticks(here: World, allowed_s: float = LONGEST_GAP_S) -> dict[str, int | float]:
    """What the schedule has started: not more than one instance for a second, and without longer gaps than that."""
    items = [item async for item in here.api.items("/instances", process=TICKING)]
    started = sorted(item["started"] / 1000 for item in items)
    longest = max((later - earlier for earlier, later in pairwise(started)), default=0.0)
    if not started or len(started) > started[-1] - started[0] + 2:
        here.problems.append(f"the schedule of every second has started {len(started)} instances")
    if longest > allowed_s:
        here.problems.append(f"the schedule of every second started nothing for {longest:.1f} s")
    return {"ticks": len(started), "longest_gap_s": round(longest, 1)}
