"""Campaign `batch`: one call answers with a hundred thousand items, whose branches go through two actions and meet.

Each item is copied to both actions, and its copies meet at a join. Shows that the children of a batch are all there or
none, each once (P2), whatever kills come between; that the server's memory stays bounded, whose peak is told; and that
messages of another process hardly wait for it: how long their runs take is measured before and meanwhile.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from campaign.draw import FAN_BESIDE, chain, fan
from campaign.load import Load
from campaign.plan import Plan
from campaign.result import Result
from campaign.server import READY
from campaign.worker import MANY, Body
from campaign.world import World, world

NAME = "batch"
PEACE, STORM, CALM = "peace", "storm", "calm"
ITEMS_FOR_EACH_FAULT = 5_000
MOST_ITEMS = 100_000
SHORT_ITEMS = 2_000
WARM_RUNS, SHORT_WARM_RUNS = 300, 40
PAUSE_S = 0.03
WITHIN_S = 1_200.0
LONGEST_LIFE_S = 8.0
LONGEST_DELAY_MS = 50.0


async def campaign(plan: Plan, folder: Path) -> Result:
    """A batch in peace, to see who waits for it; then one through the kills; each held against the books."""
    short = plan.faults == 1  # what is lost shows with a few items as well; no times are judged then
    items = SHORT_ITEMS if short else min(MOST_ITEMS, plan.faults * ITEMS_FOR_EACH_FAULT)
    async with world(folder) as here:
        await here.start(PEACE, STORM, CALM)
        await here.make(CALM, chain(["first", "last"], CALM))
        for process in (PEACE, STORM):
            await here.make(process, fan(process))
        before = await _runs(here, 0, SHORT_WARM_RUNS if short else WARM_RUNS)
        began = time.monotonic()
        peace = await _begin(here, PEACE, items)
        meanwhile = await _runs_meanwhile(here)
        await here.settled(PEACE, within_s=WITHIN_S)
        peace_s = time.monotonic() - began
        peak_mb = _peak_mb(here)
        result = await _books(here, plan, PEACE, peace, items)
        plan.tell(NAME, f"{items} items in peace; p99 of the others {_quantile(before, 0.99):.0f} ms before and"
                  f" {_quantile(meanwhile, 0.99):.0f} ms meanwhile; {peak_mb} MB at most")  # fmt: skip
        began = time.monotonic()
        storm = await _begin(here, STORM, items)
        peak_mb = max(peak_mb, await _kills(here, plan))
        await here.settled(STORM, within_s=WITHIN_S)
        storm_s = time.monotonic() - began
        result.add(await _books(here, plan, STORM, storm, items))
        await here.server.stop()
    delay_ms = _quantile(meanwhile, 0.99) - _quantile(before, 0.99)
    result.seconds = round(peace_s + storm_s, 1)
    result.rate_per_s = round(result.messages / (peace_s + storm_s), 1)
    result.notes |= {
        "items": items,
        "peace_s": round(peace_s, 1),
        "storm_s": round(storm_s, 1),
        "peak_mb": peak_mb,
        "others_runs": len(meanwhile),
        "others_p50_before_ms": round(_quantile(before, 0.5), 1),
        "others_p50_meanwhile_ms": round(_quantile(meanwhile, 0.5), 1),
        "others_p99_before_ms": round(_quantile(before, 0.99), 1),
        "others_p99_meanwhile_ms": round(_quantile(meanwhile, 0.99), 1),
        "others_p99_delay_ms": round(delay_ms, 1),
    }
    if items == MOST_ITEMS and delay_ms > LONGEST_DELAY_MS:
        result.problems.append(f"the other process was delayed by {delay_ms:.0f} ms at p99")
    return result


async def _begin(here: World, process: str, items: int) -> Load:
    load = Load(here.api, process, lambda number: Body(number=number, items=items), senders=1, limit=1)
    await load.finish()
    return load


async def _books(here: World, plan: Plan, process: str, load: Load, items: int) -> Result:
    here.check_log()
    shape = {MANY: 1, "first": items, "last": items}
    verdict = await here.verdict(load, process, shape, process, FAN_BESIDE * items)
    return Result.of(NAME, plan, here, load, verdict)


# -- the others -------------------------------------------------------------------------------------------------------


async def _runs(here: World, first: int, count: int) -> list[float]:
    """How long so many runs of the other process take one after the other, in ms."""
    took = []
    for number in range(first, first + count):
        took.append(await _run(here, number))
        await asyncio.sleep(PAUSE_S)  # so that it is a sample, and no load
    return took


async def _run(here: World, number: int) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await here.api.start(CALM, msgspec.json.encode(Body(number=number)), f"calm-{number}", wait_s=30)
    return (loop.time() - began) * 1000


async def _runs_meanwhile(here: World) -> list[float]:
    """How long runs of the other process take until the batch has come to its end."""
    took: list[float] = []
    number = WARM_RUNS
    while (await here.api.call("GET", "/instances", process=PEACE, state="running", limit=1))["items"]:
        took += await _runs(here, number, 20)
        number += 20
    return took


def _quantile(took: Sequence[float], share: float) -> float:
    return sorted(took)[min(len(took) - 1, math.floor(len(took) * share))]


# -- the server -------------------------------------------------------------------------------------------------------


def _peak_mb(here: World) -> int:
    """The most memory that this life of the server has had, in MB."""
    status = Path(f"/proc/{here.server.child.process.pid}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) // 1024


async def _kills(here: World, plan: Plan) -> int:
    """Kill the server so often, at random moments of the batch's way; the most memory that one of its lives had."""
    random, peak_mb = plan.random(), 0
    for fault in range(plan.faults):
        await here.server.child.ready(READY)
        await asyncio.sleep(random.uniform(0, LONGEST_LIFE_S))  # the random moment
        here.check_log()
        peak_mb = max(peak_mb, _peak_mb(here))
        here.server.kill()
        if fault % 5 == 0:
            await here.audit()  # of what lies there, before anybody puts it in order
        here.server.spawn()
    await here.server.child.ready(READY)
    return max(peak_mb, _peak_mb(here))
