"""Campaign `figures`: messages with known service times go through four actions, and somebody else counts.

Shows that counts are exact, means right to 1 %, p95 and p99 to 2 %. What is true is computed from what the worker
measured of each call with its own clock, and from the rows of steps and instances, by sorting all values. At random
moments the world is held still and the sizes of queues, as the HTTP interface and the scrape say them, are compared
with a count of rows. One fault is a thousand instances.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from campaign.draw import Task, draw
from campaign.load import Load
from campaign.plan import Plan
from campaign.result import Result
from campaign.timed import HOST, NODES, Took, read_took
from campaign.waiting import until_async
from campaign.worker import Body
from campaign.world import World, world

NAME = "figures"
PROCESS = "timed"
WORKER = "worker"
STARTS_FOR_EACH_FAULT = 1_000
STARTS_PER_S = 200.0
PREFETCH = 85
LOOKS_FOR_EACH_FAULT, MOST_LOOKS = 5, 100
MEAN_WITHIN, RANK_WITHIN = 0.01, 0.02
WITHIN_S = 120.0
# With fewer the short form shows that counts are right and that all that can be known exactly is; the time between
# the engine and the worker is the machine's.
JUDGED_FROM = 10
IN_QUEUES = "SELECT q.node, count(*) FROM message m JOIN queue q ON q.id = m.queue WHERE m.place = 0 GROUP BY q.node"
STEPS = (
    "SELECT q.node, s.taken, s.ended FROM step s JOIN queue q ON q.id = s.queue"
    " WHERE s.taken > 0 AND q.node LIKE 'timed-%'"
)
INSTANCES = "SELECT state, started, finished FROM instance"

Rows = list[tuple[Any, ...]]


async def campaign(plan: Plan, folder: Path) -> Result:
    """So many thousand instances, looks at random moments meanwhile, and the arithmetic at the end."""
    count = plan.faults * STARTS_FOR_EACH_FAULT
    async with world(folder) as here:
        await here.start(WORKER)
        tasks = [Task(name, name) for name in NODES]
        flows = list(zip(["start", *NODES], NODES, strict=False))
        await here.make(PROCESS, draw(tasks, flows, WORKER, PREFETCH, timeout="PT60S"))
        load = Load(here.api, PROCESS, lambda number: Body(number=number), rate=STARTS_PER_S, limit=count)
        try:
            looks = await _looks(here, load, plan, count)
            await load.finish(within_s=count / STARTS_PER_S + WITHIN_S)
        finally:
            await load.cancel()
        await here.settled(PROCESS)
        notes = await _compare(here, load, judged=plan.faults >= JUDGED_FROM)
        here.check_log()
        account = await here.audit()
        await here.server.stop()
    result = Result.empty(NAME, plan)
    result.accepted = len(load.accepted)
    result.messages = sum(line["consumed"] for line in account["versions"])
    result.seconds, result.rate_per_s = round(load.seconds, 1), round(result.messages / load.seconds, 1)
    result.balanced, result.audits, result.problems = not here.unbalanced, here.audits, here.problems[:20]
    result.notes |= {"looks": looks} | notes
    return result


# -- queues at random moments -----------------------------------------------------------------------------------------


async def _looks(here: World, load: Load, plan: Plan, count: int) -> int:
    """Look so often at random moments of the load; how often."""
    random = plan.random()
    looks = min(MOST_LOOKS, LOOKS_FOR_EACH_FAULT * plan.faults)
    for moment in sorted(random.randrange(count // 20, count * 19 // 20) for _ in range(looks)):
        await until_async(partial(_has_accepted, load, moment), WITHIN_S, f"start {moment}")
        await asyncio.sleep(random.uniform(0, 0.05))  # the random moment
        await load.hold()
        here.workers[WORKER].freeze()
        try:
            await until_async(partial(_sizes_are_those_of_rows, here), WITHIN_S, "the world to hold still")
        finally:
            here.workers[WORKER].thaw()
            load.go_on()
    return looks


async def _has_accepted(load: Load, count: int) -> bool:
    load.check()
    return len(load.accepted) >= count


async def _sizes_are_those_of_rows(here: World) -> bool:
    """Compare, if nothing has moved meanwhile."""
    before = _count_rows(here)
    queues = await here.api.ask("/queues", process=PROCESS)
    scraped = await _scraped(here)
    if _count_rows(here) != before:
        return False
    told = {queue["node"]: queue["depth"] + queue["in_flight"] + queue["delayed"] for queue in queues}
    for what, sizes in (("the list of queues", told), ("the scrape", scraped)):
        if {node: size for node, size in sizes.items() if size} != before:
            here.problems.append(f"{what} says {sizes}, and the rows are {before}")
    return True


def _count_rows(here: World) -> dict[str, int]:
    return dict(_rows(here, IN_QUEUES))


async def _scraped(here: World) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for node, value in re.findall(r'^segue_queue_messages\{[^}]*node="([^"]*)"[^}]*\} (\S+)$', await here.api.scrape(),
                                  re.MULTILINE):  # fmt: skip
        sizes[node] += int(value)
    return dict(sizes)


def _rows(here: World, query: str) -> Rows:
    """Rows of the store, read beside the server."""
    connection = sqlite3.connect(f"file:{here.server.data / 'segue.db'}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


# -- arithmetic -------------------------------------------------------------------------------------------------------


class _Judge:
    """Compares what is said with what is true, and remembers the largest difference of each kind."""

    def __init__(self, problems: list[str]) -> None:
        self.worst: dict[str, float] = {}
        self._problems = problems

    def same(self, what: str, said: object, true: object) -> None:
        if said != true:
            self._problems.append(f"{what}: {said} is said, and {true} is true")

    def spread(self, what: str, said: Mapping[str, float], values: Sequence[float], *, judged: bool = True) -> None:
        """Count, mean and ranks; the values are ms."""
        ordered = sorted(values)
        self.same(f"{what}, count", said["count"], len(ordered))
        kind = what.rpartition(" ")[2]
        mean = sum(ordered) / max(len(ordered), 1)
        self._close(f"{kind}_mean", what, said["mean"], mean, MEAN_WITHIN, judged=judged)
        for share in (95, 99):
            true = ordered[int(share / 100 * (len(ordered) - 1))]
            self._close(f"{kind}_p{share}", what, said[f"p{share}"], true, RANK_WITHIN, judged=judged)

    def _close(self, name: str, what: str, said: float, true: float, within: float, *, judged: bool) -> None:
        off = abs(said - true) / true if true else abs(said)
        self.worst[name] = max(self.worst.get(name, 0.0), round(100 * off, 3))
        if judged and off > within:
            self._problems.append(f"{what}, {name}: {said:.3f} is said, and {true:.3f} is true ({off:.2%} off)")


async def _compare(here: World, load: Load, *, judged: bool) -> dict[str, int | float | str]:
    found = await here.api.ask("/metrics/summary", process=PROCESS, span="day")
    nodes = {node["node"]: node for node in found["nodes"]}
    took: dict[str, list[Took]] = {name: [] for name in NODES}
    for each in await asyncio.to_thread(read_took, here.folder / f"{WORKER}.book"):
        took[each.action].append(each)
    steps: dict[str, list[float]] = {name: [] for name in NODES}
    for node, taken, ended in await asyncio.to_thread(_rows, here, STEPS):
        steps[node].append(ended - taken)
    judge = _Judge(here.problems)
    for name in NODES:
        said, calls = nodes[name], took[name]
        outcomes = dict(Counter(call.outcome for call in calls))
        judge.same(f"{name} counts", said["counts"], outcomes)
        judge.same(f"{name} handled", said["handled"], len(calls))
        judge.same(f"{name} repeats", said["repeats"], outcomes.get("repeat", 0))
        judge.same(f"{name} failures", said["failures"], outcomes.get("trash", 0))
        judge.same(f"{name} hosts", [host["statuses"] for host in said["hosts"]], [{"200": len(calls)}])
        judge.same(f"{name} host", [host["host"] for host in said["hosts"]], [HOST])
        judge.spread(f"{name} remote", said["remote"], [call.remote_us / 1000 for call in calls])
        judge.spread(f"{name} response", said["response"], [call.took_us / 1000 for call in calls], judged=judged)
    await _compare_instances(here, load, judge, found["processes"])
    notes: dict[str, int | float | str] = {"calls": sum(len(calls) for calls in took.values())}
    return notes | {f"{name}_off_percent": off for name, off in judge.worst.items()}


async def _compare_instances(here: World, load: Load, judge: _Judge, processes: Sequence[Mapping[str, Any]]) -> None:
    rows = await asyncio.to_thread(_rows, here, INSTANCES)
    [said] = processes
    judge.same("started", said["started"], len(load.accepted))
    states = Counter(state for state, _, _ in rows)
    judge.same("instances", sum(states.values()), len(load.accepted))
    judge.same("finished", said["finished"], states["finished"])
    ended = [finished - started for _, started, finished in rows if finished]
    judge.spread("all instances' duration", said["duration"], ended)
