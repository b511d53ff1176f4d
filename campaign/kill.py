"""Campaign `kill`: kill -9 of the server at random moments under load, and at once another life of it.

Shows P1 (what was answered is not lost), P2 (each instance is finished once in the account, and its children exist
once) and P3 (the ledger balances after every restart). Most kills come while the server works, some while it starts,
some while it ends after a SIGTERM. On PostgreSQL others hit the database: all of it is killed and started again, or all
connections are cut, whatever transaction they are in. With RabbitMQ there are several processes, of which any is
killed, and the broker is hit as well (`campaign/rabbit.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Mapping
from pathlib import Path
from random import Random

from msgspec import Struct

from campaign.draw import MEETING, MEETING_BESIDE, TREE, meeting, tree
from campaign.load import Load
from campaign.plan import Plan
from campaign.processes import ProcessError
from campaign.rabbit import Burrow
from campaign.result import Result
from campaign.server import READY
from campaign.worker import Body
from campaign.world import World, world
from segue.testing.postgres import Cluster

NAME = "kill"
PROCESS = "tree"
WORKER = "worker"
STARTS_PER_S = 100.0
STARTS_PER_S_OF_SEVERAL = 40.0
LONGEST_LIFE_S = 2.5
AGAIN_EVERY = 20
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'segue%'"


def body(number: int) -> Body:
    """What start `number` sends; every twentieth instance has a message that waits a second for a repeat."""
    again = ("first", "left", "last")[number // AGAIN_EVERY % 3] if number % AGAIN_EVERY == 0 else ""
    return Body(number=number, again=again, pad="x" * 200)


class _Drawn(Struct, frozen=True):
    """What runs: the file, the messages of an instance at each action, and those that come to none."""

    file: bytes
    shape: Mapping[str, int]
    beside: int = 0


async def campaign(plan: Plan, folder: Path) -> Result:
    """Kill so often, then let everything come to its end, and hold the books against each other."""
    return await _play(NAME, plan, folder, _Drawn(tree(WORKER), TREE))


async def campaign_with_joins(plan: Plan, folder: Path) -> Result:
    """The same, with a process whose branches come together again."""
    return await _play("kill-joins", plan, folder, _Drawn(meeting(WORKER), MEETING, MEETING_BESIDE))


async def _play(name: str, plan: Plan, folder: Path, drawn: _Drawn) -> Result:
    async with world(folder, store=plan.store) as here:
        await here.start(WORKER)
        await here.make(PROCESS, drawn.file)
        load = Load(here.api, PROCESS, body, rate=STARTS_PER_S_OF_SEVERAL if here.others else STARTS_PER_S)
        try:
            moments = await _kills(here, load, plan)
            await load.finish()
        finally:
            await load.cancel()
        plan.tell(name, f"{len(load.accepted)} starts are answered; waiting for the last of them to end")
        await here.settled(PROCESS)
        here.check_log()
        verdict = await here.verdict(load, PROCESS, drawn.shape, WORKER, drawn.beside)
        for server in (*here.others, here.server):
            await server.stop()
        result = Result.of(name, plan, here, load, verdict)
        result.notes |= moments
        return result


async def _kills(here: World, load: Load, plan: Plan) -> dict[str, int]:
    """Kill so often; how often at which kind of moment."""
    random = plan.random()
    moments = {"while_working": 0, "while_starting": 0, "while_ending": 0}
    weights = [8, 1, 1]
    if here.database is not None:
        moments |= {"database_killed": 0, "connections_cut": 0}
        weights += [5, 5]
    if here.burrow is not None:
        moments |= {"another_killed": 0} | dict.fromkeys(here.burrow.faults, 0)
        weights += [8, *(weight for weight, _ in here.burrow.faults.values())]
    for fault in range(plan.faults):
        load.check()
        kind = random.choices(list(moments), weights)[0]
        moments[kind] += 1
        if kind == "while_starting":
            await _kill_starting(here, random)
        elif here.database is not None and kind in {"database_killed", "connections_cut"}:
            await _hit_database(here, here.database, random, kind)
        elif here.burrow is not None and kind in here.burrow.faults:
            await _hit_broker(here, here.burrow, random, kind)
        elif kind == "another_killed":
            await _kill_another(here, random)
        else:
            await _kill_running(here, random, kind)
        if (fault + 1) % 20 == 0:
            plan.tell(NAME, f"{fault + 1} kills, {len(load.accepted)} starts answered, {here.audits} audits")
    for server in (here.server, *here.others):
        await server.child.ready(READY)
    await here.audit()
    return moments


async def _kill_running(here: World, random: Random, kind: str) -> None:
    """Wait until the server is ready, audit it, and kill it meanwhile or afterwards."""
    await here.server.child.ready(READY)
    here.check_log()
    auditing = asyncio.create_task(here.audit())
    await asyncio.sleep(random.uniform(0, LONGEST_LIFE_S))  # the random moment
    if kind == "while_ending":
        here.server.child.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(random.uniform(0, 0.3))  # the random moment
    here.check_log()
    here.server.kill()
    here.server.spawn()
    await auditing


async def _hit_database(here: World, database: Cluster, random: Random, kind: str) -> None:
    """Hit the database under a server that is ready; the server goes on by itself."""
    await here.server.child.ready(READY)
    await asyncio.sleep(random.uniform(0, LONGEST_LIFE_S))  # the random moment
    if kind == "connections_cut":
        for _ in range(random.randint(1, 5)):
            await asyncio.to_thread(database.sql, CUT)
            await asyncio.sleep(random.uniform(0, 0.2))  # the random moment
    else:
        database.kill()
        await asyncio.sleep(random.uniform(0, 2))  # the random moment
        await asyncio.to_thread(database.start)
    await _still_there(here)


async def _hit_broker(here: World, burrow: Burrow, random: Random, kind: str) -> None:
    """Hit the broker under processes that are ready; all of them go on by themselves."""
    await here.server.child.ready(READY)
    await asyncio.sleep(random.uniform(0, LONGEST_LIFE_S))  # the random moment
    await burrow.hit(kind, random)
    await _still_there(here)


async def _kill_another(here: World, random: Random) -> None:
    """Kill one of the other processes, and start it again at once."""
    victim = random.choice(here.others)
    await victim.child.ready(READY)
    await asyncio.sleep(random.uniform(0, LONGEST_LIFE_S))  # the random moment
    here.check_log()
    victim.kill()
    victim.spawn()
    await here.audit()


async def _still_there(here: World) -> None:
    """No process has ended; prove the ledger."""
    for server in (here.server, *here.others):
        if server.child.process.poll() is not None:
            raise ProcessError(f"{server.name} ended by itself:\n{server.child.last_words()}")
    await here.audit()


async def _kill_starting(here: World, random: Random) -> None:
    """Kill a server that is not ready yet, or has just become so; then audit what it has left."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(here.server.child.ready(READY), random.uniform(0.1, 1.2))
    if here.server.child.process.poll() is not None:
        raise ProcessError(f"The server ended by itself:\n{here.server.child.last_words()}")
    here.server.kill()
    await here.audit()
    here.server.spawn()
