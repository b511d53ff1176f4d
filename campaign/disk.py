"""Campaign `disk`: full, read-only, damaged and stolen data folders, and a second server on one, under load.

Shows that each of them brings an error that says what to do, that nothing new is taken in meanwhile, that nothing is
half done, and that all that was accepted comes to its end once the trouble is over. Every case has a folder and a
server of its own.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

from campaign.draw import TREE, tree
from campaign.load import Load
from campaign.places import SmallDisk, may_mount, small_disk
from campaign.plan import Plan
from campaign.processes import ProcessError
from campaign.result import Result
from campaign.scene import PROCESS, Scene
from campaign.troubles import TROUBLES, Trouble
from campaign.worker import Body
from campaign.world import World, world

NAME = "disk"
WORKER = "worker"
STARTS_PER_S = 100.0


def body(number: int) -> Body:
    """What start `number` sends: enough to fill a small disk soon."""
    return Body(number=number, pad="x" * 4_000)


async def campaign(plan: Plan, folder: Path) -> Result:
    """Play so many cases, all of them before any comes again, and add up what came of them."""
    began = time.monotonic()
    total = Result.empty(NAME, plan)
    chosen, skipped = choose(plan)
    total.notes["skipped_without_mount"] = ", ".join(skipped)
    for index, trouble in enumerate(chosen):
        plan.tell(NAME, trouble.name)
        place = folder / str(index)
        place.mkdir()
        total.add(await played(trouble, Random(plan.seed + index), place, plan))
    total.seconds = round(time.monotonic() - began, 1)
    total.rate_per_s = round(total.messages / total.seconds, 1)
    return total


def choose(plan: Plan) -> tuple[list[Trouble], list[str]]:
    """The cases to play in their order, and the names of those that would need the right to mount.

    Raises ProcessError when that leaves none.
    """
    wanted = [trouble for trouble in TROUBLES if not plan.cases or trouble.name in plan.cases]
    able = [trouble for trouble in wanted if trouble.room_mib is None or may_mount()]
    skipped = [trouble.name for trouble in wanted if trouble not in able]
    if not able:
        raise ProcessError(f"This user may not mount, which is needed for {', '.join(skipped)}")
    return [able[index % len(able)] for index in range(plan.faults)], skipped


async def played(trouble: Trouble, random: Random, folder: Path, plan: Plan) -> Result:
    """Play one case in a folder of its own; what came of it."""
    async with _place(trouble, folder) as (here, disk):
        here.server.environment |= trouble.environment
        here.server.leash = trouble.leash
        await here.start(WORKER)
        await here.make(PROCESS, tree(WORKER))
        load = Load(here.api, PROCESS, body, rate=STARTS_PER_S)
        try:
            await trouble.play(Scene(here, load, random, disk))
            await load.finish()
        finally:
            await load.cancel()
        await here.settled(PROCESS)
        here.check_log()
        verdict = await here.verdict(load, PROCESS, TREE, WORKER)
        await here.server.stop()
        here.problems = [f"{trouble.name}: {problem}" for problem in here.problems]
        return Result.of(NAME, plan, here, load, verdict)


@contextlib.asynccontextmanager
async def _place(trouble: Trouble, folder: Path) -> AsyncIterator[tuple[World, SmallDisk | None]]:
    """A world whose data folder lies on a disk of its own, if the case needs one."""
    with contextlib.ExitStack() as stack:
        disk = None
        if trouble.room_mib is not None:
            disk = stack.enter_context(small_disk(folder / "disk", trouble.room_mib))
        async with world(folder) as here:
            if disk is not None:
                here.server.data = disk.path / "data"
            yield here, disk
