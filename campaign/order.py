"""Campaign `order`: with a prefetch of 1 messages are handled in the order in which they arrived, also after crashes.

Shows P6. One sender starts one instance after the other, so that the order of arrival is that of the numbers; the
server is killed on the way; some messages ask for a repeat, and hold up those behind them. The worker's book has to
show the first calls of all messages in the order of their numbers, at both nodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random

from campaign.book import Call
from campaign.draw import chain
from campaign.load import Load
from campaign.plan import Plan
from campaign.result import Result
from campaign.server import READY
from campaign.waiting import until
from campaign.worker import Body
from campaign.world import World, world

NAME = "order"
PROCESS = "ordered"
WORKER = "worker"
ACTIONS = ("first", "last")
SHAPE = dict.fromkeys(ACTIONS, 1)
MESSAGES_PER_KILL = 500
AGAIN_EVERY = 1_000
LOADED_WITHIN_S = 3_600.0


def body(number: int) -> Body:
    """What start `number` sends; one in a thousand is repeated at the first node, one in a thousand at the second."""
    again = {AGAIN_EVERY // 4: "first", AGAIN_EVERY // 2: "last"}.get(number % AGAIN_EVERY, "")
    return Body(number=number, again=again)


async def campaign(plan: Plan, folder: Path) -> Result:
    """Send 500 messages for each kill, and compare."""
    async with world(folder, store=plan.store) as here:
        await here.start(WORKER)
        await here.make(PROCESS, chain(ACTIONS, WORKER, prefetch=1))
        load = Load(here.api, PROCESS, body, senders=1, limit=plan.faults * MESSAGES_PER_KILL)
        try:
            await _kills(here, load, plan)
            await load.finish(LOADED_WITHIN_S)
        finally:
            await load.cancel()
        plan.tell(NAME, f"{len(load.accepted)} starts are answered; waiting for the last of them to end")
        await here.settled(PROCESS)
        here.check_log()
        verdict = await here.verdict(load, PROCESS, SHAPE, WORKER)
        calls = await here.workers[WORKER].calls()
        here.problems += [problem for action in ACTIONS for problem in out_of_order(calls, action)]
        await here.server.stop()
        return Result.of(NAME, plan, here, load, verdict)


async def _kills(here: World, load: Load, plan: Plan) -> None:
    """Kill at random points of the load."""
    random = Random(plan.seed)
    points = sorted(random.randrange(plan.faults * MESSAGES_PER_KILL) for _ in range(plan.faults))
    for point in points:
        await until(partial(_reached, load, point), LOADED_WITHIN_S, f"start {point} to be answered")
        await asyncio.sleep(random.uniform(0, 0.05))  # the random moment
        here.check_log()
        victim = here.any_server(random)
        victim.kill()
        victim.spawn()
        await victim.child.ready(READY)
        await here.audit()


def _reached(load: Load, point: int) -> bool:
    load.check()
    return len(load.accepted) >= point


def out_of_order(calls: Sequence[Call], action: str) -> list[str]:
    """The messages whose first call at an action came after that of a later one."""
    seen: set[str] = set()
    latest = -1
    problems = []
    for call in calls:
        if call.action != action or call.message in seen:
            continue
        seen.add(call.message)
        if call.number < latest:
            problems.append(f"start {call.number} was first called at {action} after start {latest}")
        latest = max(latest, call.number)
    return problems
