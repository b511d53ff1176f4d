"""Campaign `sinks`: those who are told are killed, slow, or answer errors, under 500 messages a second.

Shows that the engine goes on as if nothing were: as many messages a second and the same time for an instance as in
peace; that every line and every notice arrives afterwards, notices once for each key; and that of lines beyond what is
kept the lost ones are counted to the line. One fault is a second of each trouble. The parties are a URL, a mail
server, an exchange of RabbitMQ where it is installed, and for lines Elasticsearch's bulk interface and Logstash's HTTP
and TCP inputs, as `campaign.receiver` plays them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from campaign.broker import Broker, broker
from campaign.destination import Destination, add_hook
from campaign.draw import TREE, chain, tree
from campaign.load import Load
from campaign.plan import Plan
from campaign.receiver import BULK, ERRORS, HOOK, LINES, MAIL, SLOW, TCP, WELL
from campaign.result import Result
from campaign.waiting import OverdueError, until_async
from campaign.worker import Body
from campaign.world import World, world

NAME = "sinks"
BUSY, CALM, LATE = "busy", "calm", "late"
WORKER, ASIDE = "worker", "aside"
STARTS_PER_S, SHORT_PER_S = 100.0, 40.0
CALM_EVERY_S = 0.5
WITHIN_S = 600.0
LEAST_RATE = 0.95
# Shorter ones are for a machine with other work: they show what is lost, judge no rates, have less load, and start no
# broker, which takes longer than they last.
SHORTEST_JUDGED_S = 20
LATE_STARTS, SHORT_LATE_STARTS = 1_000, 400
KEPT_LATE = 1_000
KILLED = "killed"
ENDS = ["instance-finished", "instance-failed"]


class Window(Struct):
    """What was seen in a stretch of time: messages handled a second, CPU time of the server for one of them (ms), and
    how long an instance of one action took from its start to its answer (ms, the 99th percentile)."""

    rate: float
    cpu_ms: float
    p99_ms: float


class Probe:
    """Instances of the calm process, one after the other, and how long each took."""

    def __init__(self, here: World) -> None:
        self.took_ms: list[float] = []
        self.count = 0
        self._here = here
        self._stopping = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            body = msgspec.json.encode(Body(number=self.count, say=True))
            began = loop.time()
            await self._here.api.start(CALM, body, f"calm-{self.count}", wait_s=30)
            self.count += 1
            self.took_ms.append((loop.time() - began) * 1000)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), CALM_EVERY_S)

    async def finish(self) -> None:
        """Begin no more. Raises what one met."""
        self._stopping.set()
        await self._task

    async def cancel(self) -> None:
        """End it whatever it does."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Scene(Struct, frozen=True):
    """All that takes part."""

    here: World
    destination: Destination
    broker: Broker | None
    load: Load
    probe: Probe
    plan: Plan


async def campaign(plan: Plan, folder: Path) -> Result:
    """Peace, then each trouble for so many seconds, each until all has arrived; then lines beyond what is kept."""
    destination = Destination(folder)
    judged = plan.faults >= SHORTEST_JUDGED_S
    async with world(folder, {"SEGUE_LOG_SINKS": destination.sinks()}) as here, broker(here, judged) as rabbit:
        await _set_up(here, destination, rabbit)
        load = Load(
            here.api, BUSY, lambda number: Body(number=number, say=True), rate=STARTS_PER_S if judged else SHORT_PER_S
        )
        probe = Probe(here)
        scene = Scene(here, destination, rabbit, load, probe, plan)
        try:
            windows = await _troubles(scene)
            await load.finish()
            await probe.finish()
        finally:
            await load.cancel()
            await probe.cancel()
        await here.settled(BUSY, CALM)
        await _arrived(scene, len(load.accepted))
        notes = await _compare(scene)
        here.check_log()
        verdict = await here.verdict(load, BUSY, TREE, WORKER)
        notes |= await _overflow(scene, LATE_STARTS if judged else SHORT_LATE_STARTS)
        await here.server.stop()
    result = Result.of(NAME, plan, here, load, verdict)
    result.notes |= notes
    _judge(result, windows, judged=judged)
    return result


async def _set_up(here: World, destination: Destination, rabbit: Broker | None) -> None:
    await destination.start(here)
    await here.start(WORKER, ASIDE)
    await here.make(BUSY, tree(WORKER))
    await here.make(CALM, chain(["middle"], ASIDE))
    await here.make(LATE, chain(["first", "left", "middle", "last"], ASIDE))
    await add_hook(here, destination, timeout_s=20)
    mail = {"kind": "email", "host": "127.0.0.1", "port": destination.smtp, "security": "none"}
    mail |= {"sender": "segue@example.org", "to": ["ops@example.org"]}
    await here.api.call("POST", "/senders", {"name": "mail", "settings": mail})
    rules = {"hook": BUSY, "mail": CALM}
    if rabbit is not None:
        await here.api.call("POST", "/senders", {"name": "exchange", "settings": rabbit.settings()})
        rules["exchange"] = CALM
    for sender, process in rules.items():
        rule = {"name": sender, "events": ENDS, "process": process, "sender": sender}
        await here.api.call("POST", "/notice-rules", rule)


# -- the troubles -----------------------------------------------------------------------------------------------------


async def _troubles(scene: Scene) -> dict[str, Window]:
    await until_async(partial(_has_begun, scene), WITHIN_S, "the load to begin")
    windows = {"peace": await _window(scene)}
    for trouble in (KILLED, SLOW, ERRORS):
        await _begin(scene, trouble)
        windows[trouble] = await _window(scene)
        await _end(scene, trouble)
        scene.plan.tell(NAME, f"{trouble}: {windows[trouble].rate:.0f} messages a second; waiting for what is late")
        await _caught_up(scene)
    return windows


async def _has_begun(scene: Scene) -> bool:
    return len(scene.load.accepted) > SHORT_PER_S and scene.probe.count > 1


async def _begin(scene: Scene, trouble: str) -> None:
    if trouble == KILLED:
        scene.destination.kill(scene.here)
    else:
        await scene.destination.behave(scene.here, trouble)
    if scene.broker is not None:
        await scene.broker.suffer(trouble)


async def _end(scene: Scene, trouble: str) -> None:
    if trouble == KILLED:
        await scene.destination.start(scene.here)
    else:
        await scene.destination.behave(scene.here, WELL)
    if scene.broker is not None:
        await scene.broker.recover(trouble)


async def _window(scene: Scene) -> Window:
    """Look at so many seconds."""
    loop, here = asyncio.get_running_loop(), scene.here
    first, before, cpu_before, began = len(scene.probe.took_ms), await _handled(here), _cpu_s(here), loop.time()
    await asyncio.sleep(scene.plan.faults)  # the stretch of time itself
    handled, cpu_s, took_s = await _handled(here) - before, _cpu_s(here) - cpu_before, loop.time() - began
    scene.load.check()
    took = sorted(scene.probe.took_ms[first:]) or [0.0]
    return Window(handled / took_s, cpu_s * 1000 / max(handled, 1), took[int(0.99 * (len(took) - 1))])


async def _handled(here: World) -> int:
    return sum([sum((await worker.counts()).values()) for worker in here.workers.values()])


async def _messages(here: World) -> set[str]:
    """All messages that the workers were called with; each has said one line."""
    return {call.message for worker in here.workers.values() for call in await worker.calls()}


def _cpu_s(here: World) -> float:
    """CPU time of the server so far."""
    stat = Path(f"/proc/{here.server.child.process.pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _caught_up(scene: Scene) -> None:
    """Wait until all that has been late for longer than a moment has arrived: everything from before now."""
    await _arrived(scene, len(scene.load.accepted))


async def _arrived(scene: Scene, ends: int) -> None:
    """Wait until so many ends have been told, no destination has trouble, and little waits for any."""
    with contextlib.suppress(OverdueError):  # what is missing is said by the comparison
        await until_async(partial(_is_there, scene, ends), WITHIN_S, "what is late to arrive", every_s=0.5)


async def _is_there(scene: Scene, ends: int) -> bool:
    states = await scene.here.api.ask("/log-sinks")
    if any(state["waiting"] > 5 * STARTS_PER_S or state["status"] != "ok" for state in states):
        return False
    if any(sender["failures"] for sender in (await scene.here.api.ask("/senders"))["items"]):
        return False
    return len(scene.destination.keys(HOOK)) >= ends


# -- what has arrived -------------------------------------------------------------------------------------------------


async def _compare(scene: Scene) -> dict[str, int | float | str]:
    """Hold the books of those who were told against the worker's and the load's."""
    here, destination = scene.here, scene.destination
    await until_async(partial(_nothing_waits, scene), WITHIN_S, "the last line and notice")
    wanted = await _messages(here)
    taken = destination.taken()
    states = {state["name"]: state for state in await here.api.ask("/log-sinks")}
    notes: dict[str, int | float | str] = {"lines": len(wanted)}
    for way in (BULK, LINES, TCP):
        messages = {each.about for each in taken if each.way == way}
        keys = destination.keys(way)
        lost = len(wanted - messages)
        notes |= {f"{way}_lost": lost, f"{way}_repeated": keys.total() - len(keys)}
        if messages - wanted:
            here.problems.append(f"{way} has {len(messages - wanted)} lines of messages that nobody was called with")
        if way != TCP and (lost or states[way]["dropped"] or states[way]["refused"]):
            here.problems.append(f"{way} misses {lost} lines, and Segue says {states[way]}")
        if way != TCP and states[way]["sent"] != len(keys):
            here.problems.append(f"{way} has {len(keys)} lines, and Segue counted {states[way]['sent']}")
    told = {HOOK: destination.keys(HOOK), MAIL: destination.keys(MAIL)}
    if scene.broker is not None:
        told["exchange"] = await scene.broker.keys()
    for way, keys in told.items():
        ends = len(scene.load.accepted) if way == HOOK else scene.probe.count
        notes |= {f"{way}_told": len(keys), f"{way}_repeated": keys.total() - len(keys)}
        if len(keys) != ends:
            here.problems.append(f"of {ends} ends {len(keys)} were told by {way}")
    return notes


async def _nothing_waits(scene: Scene) -> bool:
    if (await scene.here.api.ask("/notices", state="pending", limit=1))["items"]:
        return False
    states = await scene.here.api.ask("/log-sinks")
    return not any(state["waiting"] for state in states)


# -- beyond what is kept ----------------------------------------------------------------------------------------------


async def _overflow(scene: Scene, starts: int) -> dict[str, int | float | str]:
    """More lines than are kept, for a receiver that is away: each is there afterwards, or counted as dropped."""
    here, destination = scene.here, scene.destination
    await here.server.stop()
    here.server.environment["SEGUE_LOG_KEPT"] = str(KEPT_LATE)
    await here.server.start()
    before = {way: set(destination.keys(way)) for way in (BULK, LINES)}
    seen = await _messages(here)
    destination.kill(here)
    load = Load(here.api, LATE, lambda number: Body(number=number, say=True), limit=starts)
    await load.finish()
    await here.settled(LATE)
    await until_async(partial(_has_dropped, here), WITHIN_S, "lines to be let go", every_s=0.2)
    await destination.start(here)
    await until_async(partial(_nothing_waits, scene), WITHIN_S, "the lines that were kept", every_s=0.2)
    lines = len(await _messages(here) - seen)
    notes: dict[str, int | float | str] = {"late": lines}
    for state in await here.api.ask("/log-sinks"):
        way = state["name"]
        if way == TCP:
            continue
        came = len(destination.keys(way).keys() - before[way])
        notes |= {f"late_{way}": came, f"late_{way}_dropped": state["dropped"]}
        if came + state["dropped"] != lines or not state["dropped"]:
            here.problems.append(f"of {lines} lines {came} came to {way}, and {state['dropped']} count as dropped")
    return notes


async def _has_dropped(here: World) -> bool:
    states = await here.api.ask("/log-sinks")
    return all(state["dropped"] for state in states)


def _judge(result: Result, windows: dict[str, Window], *, judged: bool) -> None:
    peace = windows["peace"]
    for name, window in windows.items():
        result.notes |= {
            f"rate_{name}": round(window.rate, 1),
            f"cpu_ms_{name}": round(window.cpu_ms, 3),
            f"p99_ms_{name}": round(window.p99_ms, 1),
        }
        if judged and window.rate < LEAST_RATE * peace.rate:
            result.problems.append(f"{name}: {window.rate:.0f} messages a second, and {peace.rate:.0f} in peace")
