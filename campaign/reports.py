"""Campaign `reports`: the server is killed while instances finish, and somebody wants the report of each of them.

Shows that each end of an instance is told at least once, that what comes again comes under the key of the first time,
so that a receiver can drop it, and that there is one key for one end. Repeats are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path

from campaign.destination import Destination, add_hook
from campaign.draw import TREE, tree
from campaign.load import Load
from campaign.plan import Plan
from campaign.receiver import HOOK
from campaign.result import Result
from campaign.server import READY
from campaign.waiting import OverdueError, until_async
from campaign.worker import Body
from campaign.world import World, world

NAME = "reports"
PROCESS = "tree"
WORKER = "worker"
STARTS_PER_S = 60.0
LONGEST_LIFE_S = 2.5
WITHIN_S = 300.0
ENDS = ["instance-finished", "instance-failed", "instance-cancelled"]


async def campaign(plan: Plan, folder: Path) -> Result:
    """Kill so often, let everything come to its end and be told, and hold the receiver's book against the others."""
    async with world(folder, store=plan.store) as here:
        await here.start(WORKER)
        destination = Destination(folder)
        await destination.start(here)
        await here.make(PROCESS, tree(WORKER))
        await add_hook(here, destination)
        await here.api.call("POST", "/notice-rules", {"name": "ends", "events": ENDS, "sender": "hook"})
        load = Load(here.api, PROCESS, lambda number: Body(number=number), rate=STARTS_PER_S)
        try:
            await _kills(here, load, plan)
            await load.finish()
        finally:
            await load.cancel()
        await here.settled(PROCESS)
        with contextlib.suppress(OverdueError):  # what is missing is said below
            told = partial(_all_told, here, destination, len(load.accepted))
            await until_async(told, WITHIN_S, "the last report to be delivered", every_s=0.2)
        here.check_log()
        verdict = await here.verdict(load, PROCESS, TREE, WORKER)
        repeats = _compare(here, destination, load)
        await here.server.stop()
        result = Result.of(NAME, plan, here, load, verdict)
        result.notes |= {"reports": len(load.accepted), "reports_repeated": repeats}
        return result


async def _kills(here: World, load: Load, plan: Plan) -> None:
    random = plan.random()
    for fault in range(plan.faults):
        await here.server.child.ready(READY)
        await asyncio.sleep(random.uniform(0.2, LONGEST_LIFE_S))  # the random moment
        load.check()
        here.check_log()
        here.server.kill()
        if fault % 10 == 0:
            await here.audit()
        here.server.spawn()
    await here.server.child.ready(READY)


async def _all_told(here: World, destination: Destination, ends: int) -> bool:
    """Whether so many ends have come to the receiver, and nothing waits to be sent once more."""
    if len(destination.keys(HOOK)) < ends:
        return False
    return not (await here.api.ask("/notices", state="pending", limit=1))["items"]


def _compare(here: World, destination: Destination, load: Load) -> int:
    """Hold the receiver's book against the answered starts; how often a report came again."""
    keys: dict[str, set[str]] = defaultdict(set)
    times: Counter[str] = Counter()
    about: dict[str, set[str]] = defaultdict(set)
    for each in destination.taken():
        if each.way == HOOK:
            kind, _, instance = each.about.partition(" ")
            keys[instance].add(each.key)
            about[each.key].add(instance)
            times[each.key] += 1
            if kind != "instance-finished":
                here.problems.append(f"the report of instance {instance} says {kind}")
    instances = {start.instance for start in load.accepted.values()}
    here.problems += [f"nobody was told of the end of instance {one}" for one in sorted(instances - keys.keys())]
    here.problems += [f"an end was told of instance {one}, which nobody started" for one in keys.keys() - instances]
    here.problems += [f"instance {one} was told of under {len(found)} keys" for one, found in keys.items()
                      if len(found) > 1]  # fmt: skip
    here.problems += [f"key {key} is that of {len(one)} instances" for key, one in about.items() if len(one) > 1]
    return sum(times.values()) - len(times)
