"""Campaign `trash`: messages fail of five causes, and one cause is corrected and sent back while the server is killed.

Shows that the failures are grouped by their cause, that an operation on many messages goes on through kills, and that
each message is corrected and sent back once in the account, and the others stay where they are.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from campaign.check import Verdict
from campaign.draw import chain
from campaign.load import Load
from campaign.plan import Plan
from campaign.result import Result
from campaign.server import READY
from campaign.waiting import until_async
from campaign.worker import CAUSES, Body
from campaign.world import World, world

NAME = "trash"
PROCESS = "failing"
WORKER = "worker"
FAILURES_FOR_EACH_FAULT = 2_000
WITHIN_S = 300.0


async def campaign(plan: Plan, folder: Path) -> Result:
    """Let so many fail, group them, send one group back through the kills, and hold the books against each other."""
    count = plan.faults * FAILURES_FOR_EACH_FAULT
    async with world(folder) as here:
        await here.start(WORKER)
        await here.make(PROCESS, chain(["sift", "last"], WORKER))
        load = Load(here.api, PROCESS, _body, limit=count)
        await load.finish(WITHIN_S)
        await here.settled(PROCESS)
        groups = await _groups(here, count)
        chosen = groups[0]
        plan.tell(NAME, f"{count} messages failed of {len(groups)} causes; {chosen['count']} of one are sent back")
        wanted = {
            "kind": "resend",
            "filter": {"cause": chosen["cause"]},
            "change": {"merge": {"fails": ""}, "headers": {"segue-corrected": "yes"}},
        }
        begun = await here.api.call("POST", "/operations", wanted)
        met = await _kills(here, plan, begun["id"], chosen["count"])
        done = await _ended(here, begun["id"])
        await here.settled(PROCESS)
        verdict = await _verdict(here, load, chosen, done)
        await here.server.stop()
        result = Result.of(NAME, plan, here, load, verdict)
        result.notes |= {
            "causes": len(groups),
            "sent_back": done["done"],
            "operation": done["state"],
            "kills_meanwhile": met,
        }
        return result


def _body(number: int) -> Body:
    """One of five ways to fail, each with a text of its own for each message."""
    return Body(number=number, fails=list(CAUSES)[number % len(CAUSES)])


async def _groups(here: World, count: int) -> list[Any]:
    found = await here.api.call("GET", "/trash/causes", process=PROCESS)
    groups: list[Any] = found["items"]
    if len(groups) != len(CAUSES) or sum(group["count"] for group in groups) != count:
        here.problems.append(f"{count} failures of {len(CAUSES)} causes are grouped as {groups}"[:2000])
    return groups


async def _kills(here: World, plan: Plan, operation: str, count: int) -> int:
    """Kill so often, each time once the operation has come so far, at random; how many kills met it at work."""
    random, met = plan.random(), 0
    for reached in sorted(random.randrange(count) for _ in range(plan.faults)):
        await here.server.child.ready(READY)
        found = await until_async(partial(_reached, here, operation, reached), WITHIN_S, "the operation to go on")
        met += found["state"] == "running"
        here.check_log()
        here.server.kill()
        await here.audit()
        here.server.spawn()
    await here.server.child.ready(READY)
    return met


async def _reached(here: World, operation: str, count: int) -> Any:
    found = await here.api.ask(f"/operations/{operation}")
    return found if found["done"] >= count or found["state"] != "running" else None


async def _ended(here: World, operation: str) -> Any:
    async def ended() -> Any:
        found = await here.api.ask(f"/operations/{operation}")
        return found if found["state"] != "running" else None

    return await until_async(ended, WITHIN_S, "the operation to end")


async def _verdict(here: World, load: Load, chosen: Any, done: Any) -> Verdict:
    """Each message of the chosen group came to its end once, by one act of one person; the others are in trash."""
    account = await here.audit()
    sent = {number for number in load.accepted if _fails_as(number, chosen)}
    ended: Counter[str] = Counter()
    states: dict[str, str] = {}
    async for instance in here.api.items("/instances", process=PROCESS):
        ended[instance["id"]] += 1
        states[instance["id"]] = instance["state"]
    lost, doubled, problems = 0, 0, []
    calls = await here.workers[WORKER].calls()
    through = Counter(call.instance for call in {(c.instance, c.message, c.action): c for c in calls}.values()
                      if call.action == "last")  # fmt: skip
    for number, start in load.accepted.items():
        wanted = "finished" if number in sent else "failed"
        if states.get(start.instance) != wanted or through[start.instance] < (number in sent):
            lost += 1
            problems.append(f"start {number} is {states.get(start.instance)} and not {wanted}")
        if ended[start.instance] != 1 or through[start.instance] > (number in sent):
            doubled += 1
            problems.append(f"start {number} came through {through[start.instance]} times")
    if (done["state"], done["done"], done["gone"], done["failed"]) != ("done", len(sent), 0, 0):
        problems.append(f"the operation on {len(sent)} messages says: {done}")
    repeated = len(calls) - len({(call.message, call.run, call.action, call.instance) for call in calls})
    messages = sum(line["consumed"] for line in account["versions"])
    return Verdict(len(load.accepted), lost, doubled, max(0, repeated - len(sent)), messages, problems)


def _fails_as(number: int, chosen: Any) -> bool:
    return str(chosen["reason"]).startswith(CAUSES[_body(number).fails].split("{")[0])
