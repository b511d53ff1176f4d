"""Campaign `limits`: four processes share three keys, each with two windows, while the server is killed.

Shows P7: whoever counts the calls at the other end finds no more than allowed in any window, wherever it begins, also
across restarts; and that nearly all of what is allowed is used.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from campaign.draw import Limit, Task, draw
from campaign.load import Load
from campaign.plan import Plan
from campaign.result import Result
from campaign.server import READY
from campaign.worker import Body
from campaign.world import World, world

NAME = "limits"
WORKER = "worker"
KILLS_A_RUN = 10
SHORTEST_LIFE_S, LONGEST_LIFE_S = 3.0, 6.0
LEAST_USED = 0.95
STARTS = 1_200
# Calls in a window of so many seconds, for each key.
WINDOWS = ((60, 1), (150, 5))
KEYS = ("red", "green", "blue")
PROCESSES = {"one": ("red", "green"), "two": ("green", "blue"), "three": ("blue", "red"), "four": ("red",)}
"""The keys of each process' actions, one after the other."""


async def campaign(plan: Plan, folder: Path) -> Result:
    """One run after the other, each on a folder of its own, with so many kills."""
    result = Result.empty(NAME, plan)
    left, run = plan.faults, 0
    shares: list[float] = []
    while left > 0:
        kills = min(left, KILLS_A_RUN)
        left -= kills
        run += 1
        (folder / str(run)).mkdir()
        used = await _run(plan, folder / str(run), run, kills, result)
        shares += used.values()
        plan.tell(NAME, f"run {run}: {', '.join(f'{key} {share:.3f} used' for key, share in used.items())}")
    result.notes |= {"runs": run, "least_used": round(min(shares), 4), "used": round(sum(shares) / len(shares), 4)}
    return result


async def _run(plan: Plan, folder: Path, run: int, kills: int, result: Result) -> dict[str, float]:
    async with world(folder, store=plan.store) as here:
        await here.start(WORKER)
        for process, keys in PROCESSES.items():
            await here.make(process, _drawn(keys))
        loads = [Load(here.api, process, lambda n: Body(number=n), limit=STARTS) for process in PROCESSES]
        try:
            down_s = await _kills(here, plan, run, kills)
        finally:
            for load in loads:
                await load.cancel()
        here.check_log()
        await here.server.stop()
        await here.audit()
        used = {key: _judge(here, times, key, down_s) for key, times in seen_times(folder, WORKER).items()}
        for key in KEYS:
            if key not in used:
                here.problems.append(f"no call under {key} was made")
            elif used[key] < LEAST_USED and kills == KILLS_A_RUN:  # the short form judges no times
                here.problems.append(f"of what {key} allows {used[key]:.1%} was used in run {run}")
        result.accepted += sum(len(load.accepted) for load in loads)
        result.audits += here.audits
        result.balanced = result.balanced and not here.unbalanced
        result.problems += here.problems
        return used


def _drawn(keys: tuple[str, ...]) -> bytes:
    tasks = [
        Task(f"count-{key}", f"count-{key}", limits=[Limit(key, calls, f"PT{per}S") for calls, per in WINDOWS])
        for key in keys
    ]
    return draw(tasks, list(pairwise(["start", *(task.id for task in tasks)])), WORKER, prefetch=20)


async def _kills(here: World, plan: Plan, run: int, kills: int) -> float:
    """Kill so often; for how long in all there was no server."""
    random, loop, down_s = plan.random(), asyncio.get_running_loop(), 0.0
    for _ in range(run):
        random.random()
    for _ in range(kills):
        await asyncio.sleep(random.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S))  # the random moment
        here.check_log()
        victim = here.any_server(random)
        victim.kill()
        died = loop.time()
        await victim.spawn().ready(READY)
        down_s += loop.time() - died
    await asyncio.sleep(LONGEST_LIFE_S)  # some more life, in which the limits hold
    return down_s


def seen_times(folder: Path, worker: str) -> dict[str, list[float]]:
    """When the service saw the calls of each key, in s."""
    times: dict[str, list[float]] = defaultdict(list)
    for line in (folder / f"{worker}.book.times").read_text(encoding="ascii").splitlines():
        key, at = line.split("\t")
        times[key].append(float(at))
    return {key: sorted(seen) for key, seen in times.items()}


def _judge(here: World, times: list[float], key: str, down_s: float) -> float:
    """Look at every window; how much was used of what the strictest rule allows in the time that there was a server."""
    here.problems += excess(times, key, WINDOWS)
    calls, per = max(WINDOWS, key=lambda window: window[1] / window[0])
    whole = int((times[-1] - times[0]) // per)
    seen = sum(at < times[0] + whole * per for at in times)
    allowed = calls * max(whole - down_s / per, 1.0)
    return min(1.0, seen / allowed)


def excess(times: Sequence[float], key: str, windows: Sequence[tuple[int, int]]) -> list[str]:
    """The first window of each length, wherever it begins, that held more calls than allowed."""
    problems = []
    for calls, per in windows:
        begin = 0
        for end, at in enumerate(times):
            while at - times[begin] >= per:
                begin += 1
            if end - begin + 1 > calls:
                held = f"{end - begin + 1} calls within {per} s from {times[begin]:.3f} on"
                problems.append(f"{key}: {held}; {calls} are allowed")
                break
    return problems
