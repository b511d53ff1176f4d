"""Campaign `hosts`: three hosts with a network between them, and hosts and network are hit under load.

PostgreSQL and the worker are here; one host has the API, two run every control service and the timers. A host vanishes,
which nobody is told; it is cut off from PostgreSQL until the others believe it dead, its processes live on with work in
hand and come back with it; the network is away for a moment, or slow and lossy. `hosts-rabbitmq` has RabbitMQ beside
PostgreSQL, and the way to it is cut and slowed as well, and it is hit itself (`campaign/rabbit.py`). Processes of a
host that vanished are started again when it comes back; nothing else of Segue is restarted. Shows P1, P2 and P3 as
`kill` does, P6 by a process with prefetch 1, P7 by what the worker counts under a key, and how long each takes.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import asyncpg

from campaign.cable import BROKER, STORE, WAYS, Quality
from campaign.cluster import TICKING, ticks
from campaign.draw import TREE, Limit, Task, chain, draw, ticking, tree
from campaign.limits import excess, seen_times
from campaign.load import Load
from campaign.network import CUT, WELL, Network
from campaign.order import out_of_order
from campaign.plan import Plan
from campaign.processes import READY_WITHIN_S, ProcessError
from campaign.rabbit import OWN_FAULTS
from campaign.result import Result
from campaign.server import READY, Server
from campaign.waiting import until_async
from campaign.worker import Body
from campaign.world import API, ONE, TWO, World, world

NAME = "hosts"
NAME_WITH_BROKER = "hosts-rabbitmq"
PROCESS, LIMITED, ORDERED = "tree", "limited", "ordered"
WORKER, ORDERLY = "worker", "orderly"
KEY = "red"
WINDOWS = ((12, 1), (50, 5))
"""Calls in a window of so many seconds, under the key."""
IN_ORDER = ("first", "last")
STARTS_PER_S = {PROCESS: 25.0, LIMITED: 7.0, ORDERED: 4.0}
# The short form needs less.
FEW, LITTLE = 2, 0.3
PAUSE_S = 1.5
NOTICED_WITHIN_S = 30.0
BACK_WITHIN_S = 60.0
# RabbitMQ gives up a connection after two intervals of 10 s without a word.
LONGEST_BROKER_CUT_S = 30.0
# A takeover, and the longest time that nobody reaches the database.
LONGEST_GAP_S = 25.0
MEMBERS = "SELECT count(*) FROM holder"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE client_addr = $1::inet"


def body(number: int) -> Body:
    """What start `number` sends: its calls take their time, so that there is work in hand at any moment."""
    return Body(number=number, again="left" if number % 20 == 0 else "", pause_ms=number % 5 * 100)


async def campaign(plan: Plan, folder: Path) -> Result:
    """Hit so often, then let everything come to its end, and hold the books against each other."""
    return await _play(NAME, PLAYS, plan, folder)


async def campaign_with_broker(plan: Plan, folder: Path) -> Result:
    """The same with RabbitMQ beside the database."""
    return await _play(NAME_WITH_BROKER, PLAYS_WITH_BROKER, plan, folder)


async def _play(name: str, plays: Plays, plan: Plan, folder: Path) -> Result:
    async with world(folder, store=plan.store) as here, _field(here) as field:
        await _found(here)
        loads = _loads(here, plan)
        try:
            kinds = await _faults(name, plays, field, loads, plan)
            for load in loads.values():
                await load.finish()
        finally:
            for load in loads.values():
                await load.cancel()
        plan.tell(name, f"{len(loads[PROCESS].accepted)} starts are answered; waiting for the last of them to end")
        await here.settled(*loads)
        here.check_log()
        await here.api.call("POST", f"/processes/{TICKING}/versions/1/disable")
        await here.settled(TICKING)
        result = await _compared(name, here, loads, plan)
        result.notes |= {**kinds, **field.figures(), **await ticks(here, LONGEST_GAP_S)}
        result.problems += [problem for problem in here.problems if problem not in result.problems]
        for server in (*here.others, here.server):
            await server.stop()
        return result


async def _found(here: World) -> None:
    await here.start(WORKER)
    await here.employ(ORDERLY)
    await here.make(PROCESS, tree(WORKER))
    await here.make(TICKING, ticking())
    limits = [Limit(KEY, calls, f"PT{per}S") for calls, per in WINDOWS]
    task = Task(f"count-{KEY}", f"count-{KEY}", limits=limits)
    await here.make(LIMITED, draw([task], [("start", task.id)], WORKER, prefetch=20, timeout="PT10S"))
    await here.make(ORDERED, chain(IN_ORDER, ORDERLY, prefetch=1))


def _loads(here: World, plan: Plan) -> dict[str, Load]:
    senders = {ORDERED: 1}
    share = 1.0 if plan.faults > FEW else LITTLE
    return {
        process: Load(here.api, process, body if process == PROCESS else _plain, rate=rate * share,
                      senders=senders.get(process, 32))
        for process, rate in STARTS_PER_S.items()
    }  # fmt: skip


def _plain(number: int) -> Body:
    return Body(number=number)


async def _compared(name: str, here: World, loads: Mapping[str, Load], plan: Plan) -> Result:
    """Hold the books of all processes against each other, and look at order and limits."""
    shape = dict.fromkeys(IN_ORDER, 1)
    ordered = await here.verdict(loads[ORDERED], ORDERED, shape, ORDERLY)
    calls = await here.workers[ORDERLY].calls()
    here.problems += ordered.problems
    here.problems += [problem for action in IN_ORDER for problem in out_of_order(calls, action)]
    times = seen_times(here.folder, WORKER)[KEY]
    here.problems += excess(times, KEY, WINDOWS)
    accepted = len(loads[LIMITED].accepted)
    if len(times) < accepted:
        here.problems.append(f"{accepted} starts were accepted under the limit, and {len(times)} calls were made")
    verdict = await here.verdict(loads[PROCESS], PROCESS, TREE, WORKER)
    result = Result.of(name, plan, here, loads[PROCESS], verdict)
    result.accepted += ordered.accepted + accepted
    result.lost += ordered.lost
    result.doubled += ordered.doubled
    result.repeated_calls += ordered.repeated_calls + len(times) - accepted
    return result


class Field:
    """What the plays need: the hosts, a look at the database that no fault touches, and a place for what they see."""

    def __init__(self, here: World, hosts: Network, looking: asyncpg.Connection) -> None:
        self.here = here
        self.network = hosts
        self.servers = {API: here.server, ONE: here.others[0], TWO: here.others[1]}
        self._looking = looking
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._seen: dict[str, list[float]] = defaultdict(list)

    async def members(self, wanted: Callable[[int], bool], within_s: float, what: str) -> float:
        """Wait until so many processes are members of the store; how long it took."""
        began = self._loop.time()

        async def reached() -> bool:
            return wanted(await self._looking.fetchval(MEMBERS))

        await until_async(reached, within_s, what, every_s=0.05)
        return self._loop.time() - began

    async def given_up(self, host: str) -> None:
        """Wait until PostgreSQL has no connection of a host any more."""
        began = self._loop.time()

        async def none_left() -> bool:
            return not await self._looking.fetchval(CONNECTIONS, self.network.address(host))

        await until_async(none_left, NOTICED_WITHIN_S, f"PostgreSQL to give up the connections of {host}", every_s=0.05)
        self.note("connections_given_up_s", self._loop.time() - began)

    async def noticed(self, kind: str) -> None:
        """Wait until the others have noticed that a host is gone."""
        whole = len(self.servers)
        took = await self.members(lambda found: found < whole, NOTICED_WITHIN_S, "the death of a host to be noticed")
        self.note(f"{kind}_noticed_s", took)

    async def complete(self, kind: str) -> None:
        """Wait until all processes are members again."""
        whole = len(self.servers)
        took = await self.members(lambda found: found == whole, BACK_WITHIN_S, "all hosts to be there again")
        self.note(f"{kind}_back_s", took)

    async def wire(self, hosts: tuple[str, ...], quality: Quality, ways: tuple[str, ...] = (STORE,)) -> None:
        """Treat the packets of these hosts so."""
        for host in hosts:
            for way in ways:
                await self.network.wire(host, way, quality)

    def note(self, what: str, seconds: float) -> None:
        """Keep a time."""
        self._seen[what].append(seconds)

    def figures(self) -> dict[str, float]:
        """The longest of each time, in s."""
        return {name: round(max(times), 1) for name, times in sorted(self._seen.items())}


@asynccontextmanager
async def _field(here: World) -> AsyncIterator[Field]:
    if here.network is None or here.database is None:
        raise ValueError("This campaign stands on hosts")
    looking = await asyncpg.connect(here.database.url())
    try:
        yield Field(here, here.network, looking)
    finally:
        looking.terminate()


async def _faults(name: str, plays: Plays, field: Field, loads: Mapping[str, Load], plan: Plan) -> dict[str, int]:
    """Hit so often, with an audit after each; how often in which way."""
    here, random, loop = field.here, plan.random(), asyncio.get_running_loop()
    kinds, weights = dict.fromkeys(plays, 0), [weight for weight, _ in plays.values()]
    for fault in range(plan.faults):
        for load in loads.values():
            load.check()
        await asyncio.sleep(random.uniform(0, PAUSE_S))  # the random moment
        here.check_log()
        kind = plan.cases[fault % len(plan.cases)] if plan.cases else random.choices(list(plays), weights)[0]
        kinds[kind] += 1
        began = loop.time()
        await plays[kind][1](field, random)
        for server in field.servers.values():
            _check(server)
        await here.audit()
        _note_longest(field, loads[PROCESS], kind, began)
        if (fault + 1) % 10 == 0:
            plan.tell(name, f"{fault + 1} faults, {len(loads[PROCESS].accepted)} starts answered, {field.figures()}")
    return kinds


def _check(server: Server) -> None:
    """Raise ProcessError for a process that has ended though nobody killed it."""
    if server.child.process.poll() is not None:
        raise ProcessError(f"{server.name} ended by itself:\n{server.child.last_words()}")


def _note_longest(field: Field, load: Load, kind: str, since: float) -> None:
    """How long a start waited for its answer at most that was sent since then and is answered."""
    waits = [start.answered - start.sent for start in list(load.accepted.values()) if start.answered >= since]
    field.note(f"{kind}_longest_start_s", max(waits, default=0.0))


# -- what happens -----------------------------------------------------------------------------------------------------


async def _vanished(field: Field, random: Random) -> None:
    """A host is gone, and nobody is told; later it is there again, and its process is started."""
    host = random.choice((ONE, TWO))
    server = field.servers[host]
    await field.network.off(host)
    server.kill()
    await field.noticed("vanished")
    await field.given_up(host)
    await asyncio.sleep(random.uniform(0, 2))  # the random moment
    server.leash = await field.network.boot(host)
    server.url = await server.spawn().ready(READY, READY_WITHIN_S)
    await field.complete("vanished")


async def _cut(field: Field, random: Random) -> None:
    """A host is cut off from the database until the others take over and longer, and comes back with what it has."""
    await _cut_off(field, random, (random.choice((ONE, TWO)),), "cut")


async def _api_cut(field: Field, random: Random) -> None:
    """The same with the host that has the API."""
    await _cut_off(field, random, (API,), "api_cut")


async def _cut_off(
    field: Field, random: Random, hosts: tuple[str, ...], kind: str, ways: tuple[str, ...] = (STORE,)
) -> None:
    await field.wire(hosts, CUT, ways)
    await field.noticed(kind)
    await asyncio.sleep(random.uniform(0, 8))  # the random moment
    await field.wire(hosts, WELL, ways)
    await field.complete(kind)


async def _all_cut(field: Field, random: Random) -> None:
    """Nobody reaches the database."""
    hosts = tuple(field.servers)
    await field.wire(hosts, CUT)
    await asyncio.sleep(random.uniform(1, 10))  # the random moment
    await field.wire(hosts, WELL)


async def _moment(field: Field, random: Random) -> None:
    """A host does not reach the database for a moment."""
    hosts = (random.choice((API, ONE, TWO)),)
    await field.wire(hosts, CUT)
    await asyncio.sleep(random.uniform(0.05, 1.5))  # the random moment
    await field.wire(hosts, WELL)


async def _slow(field: Field, random: Random, ways: tuple[str, ...] = WAYS) -> None:
    """The network is slow for some time, and loses packets."""
    hosts = random.choice(((ONE,), (TWO,), (API,), (API, ONE, TWO)))
    delay_ms = random.uniform(5, 60)
    quality = Quality(lost=random.uniform(0, 0.03), delay_ms=delay_ms, jitter_ms=delay_ms / 2)
    await field.wire(hosts, quality, ways)
    await asyncio.sleep(random.uniform(2, 6))  # the random moment
    await field.wire(hosts, WELL, ways)


async def _isolated(field: Field, random: Random) -> None:
    """A host reaches neither the database nor RabbitMQ, and both give up what it holds."""
    await _cut_off(field, random, (random.choice((ONE, TWO)),), "isolated", (STORE, BROKER))


async def _broker_cut(field: Field, random: Random) -> None:
    """Some hosts do not reach RabbitMQ, for a moment or until their connections are given up at both ends."""
    hosts = random.choice(((ONE,), (TWO,), (API,), (API, ONE, TWO)))
    await field.wire(hosts, CUT, (BROKER,))
    await asyncio.sleep(random.uniform(0.05, random.choice((1.5, LONGEST_BROKER_CUT_S))))  # the random moment
    await field.wire(hosts, WELL, (BROKER,))


async def _broker_slow(field: Field, random: Random) -> None:
    """The way to RabbitMQ alone is slow for some time, and loses packets."""
    await _slow(field, random, (BROKER,))


def _hit_broker(kind: str) -> Play:
    async def play(field: Field, random: Random) -> None:
        if field.here.burrow is None:
            raise ValueError(f"{kind} needs RabbitMQ")
        await field.here.burrow.hit(kind, random)

    return play


Play = Callable[[Field, Random], Awaitable[None]]
Plays = Mapping[str, tuple[int, Play]]
"""What can happen, and how often beside the others."""

PLAYS: Plays = {
    "vanished": (4, _vanished),
    "cut": (4, _cut),
    "api_cut": (1, _api_cut),
    "all_cut": (1, _all_cut),
    "moment": (3, _moment),
    "slow": (3, _slow),
}
PLAYS_WITH_BROKER: Plays = {
    **PLAYS,
    "isolated": (3, _isolated),
    "broker_cut": (6, _broker_cut),
    "broker_slow": (6, _broker_slow),
    **{kind: (2, _hit_broker(kind)) for kind in OWN_FAULTS},
}
