"""The store on PostgreSQL beside the embedded one, in one run: alone, under the whole engine, with RabbitMQ beside it,
with a backlog; and two control services beside one.

`python -m bench.postgres [alone engine broker two backlog]`. PostgreSQL is the system's, in a temporary folder, with
fsync on, on the same machine: it shares the cores with what it is compared to. Rounds alternate, so that what else
the machine does meets both; the ratio is the median of the rounds'.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import uvloop

from bench.load import BODY, wrk
from bench.scenarios import CONNECTIONS, WAIT, report, settled
from bench.stack import Server, chain, control_service, cpu_s, server, worker
from bench.store import CLOCK, NEXT, NoSecrets, fill, open_store, publish, rss_mb, run_flow, step
from segue.adapters.postgres.address import Address, read_address
from segue.adapters.postgres.store import PostgresStore
from segue.model.versions import Version
from segue.ports.store import Store
from segue.testing.postgres import Cluster, running
from segue.testing.rabbitmq import running as running_rabbit

ROUNDS = 3
# A few per cent are to be seen on a machine whose speed varies by more: many short turns, so that both meet the same.
TURNS = 16
TURN_S = 4
# As on a server of its own that is not tuned further: more buffers than the 128 MB that suit a shared desktop, and log
# segments enough that checkpoints come by time.
TUNED = ("shared_buffers = '512MB'", "max_wal_size = '4GB'", "checkpoint_timeout = '15min'")

# Runs one control service of a version that it is told; gives the id of its process.
Copy = Callable[[str], AbstractContextManager[int]]


async def open_postgres(address: Address) -> PostgresStore:
    """Open the store of a database."""
    return await PostgresStore.open(address, clock=CLOCK, secrets=NoSecrets())


class Spent:
    """Processor time: of this process, and of PostgreSQL."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._own, self._theirs = self._now()

    def _now(self) -> tuple[float, float]:
        return time.process_time(), self._cluster.cpu_s()

    def per(self, count: int) -> dict[str, float]:
        """Microseconds for each of so many."""
        own, theirs = self._now()
        return {
            "client_cpu_us": round((own - self._own) / count * 1e6, 1),
            "postgres_cpu_us": round((theirs - self._theirs) / count * 1e6, 1),
        }


async def rate(store: Store, version: Version, count: int, at_once: int) -> float:
    """Instances per second of a flow over three nodes."""
    begun = time.perf_counter()
    await run_flow(store, version, count, at_once)
    return count / (time.perf_counter() - begun)


async def alone(cluster: Cluster, folder: Path, count: int = 8_000) -> None:
    """Both stores with nothing else in the process: accept, three settles, end."""
    address = read_address(cluster.url(database(cluster, "alone")))
    stores: dict[str, Store] = {"embedded": open_store(folder / "alone"), "postgres": await open_postgres(address)}
    versions = {name: await publish(store, "p") for name, store in stores.items()}
    for name, store in stores.items():
        await rate(store, versions[name], 1_000, 256)
    for at_once in (1, 50, 256, 1000):
        each = count if at_once > 1 else count // 20
        rounds: dict[str, list[float]] = {name: [] for name in stores}
        spent: dict[str, float] = {}
        for _ in range(ROUNDS):
            for name, store in stores.items():
                meter = Spent(cluster)
                rounds[name].append(await rate(store, versions[name], each, at_once))
                if name == "postgres":
                    spent = meter.per(each)
        ratios = [theirs / ours for ours, theirs in zip(rounds["embedded"], rounds["postgres"], strict=True)]
        median = {name: round(statistics.median(found), 1) for name, found in rounds.items()}
        report(
            "f: store alone, PostgreSQL beside embedded", each * ROUNDS, median["postgres"], 0, 0, None,
            in_flight=at_once, embedded_per_s=median["embedded"],
            ratio_to_embedded=round(statistics.median(ratios), 3), **spent,
        )  # fmt: skip
    for store in stores.values():
        await store.close()


def engine(cluster: Cluster, folder: Path, seconds: float = 8) -> None:
    """Both stores under the whole engine: start, three actions over HTTP, end; 256 in flight."""
    with ExitStack() as opened:
        at = opened.enter_context(worker())
        servers = {
            "embedded": opened.enter_context(server(folder / "embedded")),
            "postgres": opened.enter_context(server(folder / "shared", cluster.url(database(cluster, "engine")))),
        }
        for one in servers.values():
            one.add_worker("bench", at)
            one.deploy("chain", chain(3, prefetch=100))
            finishing(one, 2)
        rounds: dict[str, list[float]] = {name: [] for name in servers}
        meter, ours = Spent(cluster), servers["postgres"].cpu_s()
        for _ in range(ROUNDS):
            for name, one in servers.items():
                rounds[name].append(finishing(one, seconds))
        count = int(sum(rounds["postgres"]) * seconds)
        spent = meter.per(count) | {
            "client_cpu_us": round((servers["postgres"].cpu_s() - ours) / count * 1e6, 1),
        }
        ratios = [theirs / ours for ours, theirs in zip(rounds["embedded"], rounds["postgres"], strict=True)]
        report(
            "g: start, 3 actions, end, on PostgreSQL beside embedded", count,
            statistics.median(rounds["postgres"]), 0, 0, None,
            embedded_per_s=round(statistics.median(rounds["embedded"]), 1),
            ratio_to_embedded=round(statistics.median(ratios), 3),
            balanced=bool(servers["postgres"].call("GET", "/api/v1/audit")["balanced"]), **spent,
        )  # fmt: skip


def broker(cluster: Cluster, folder: Path, seconds: float = 8) -> None:
    """The embedded store, PostgreSQL, and PostgreSQL with RabbitMQ under the whole engine: start, three actions over
    HTTP, end; 256 in flight. For each where the processor time goes: Segue, PostgreSQL, RabbitMQ."""
    with ExitStack() as opened:
        rabbit = opened.enter_context(running_rabbit())
        at = opened.enter_context(worker())
        stores = {"embedded": "", "postgres": "shared", "rabbitmq": "tickets"}
        servers = {
            name: opened.enter_context(
                server(
                    folder / f"broker-{name}",
                    cluster.url(database(cluster, f"broker_{at_db}")) if at_db else "",
                    broker=rabbit.url() if name == "rabbitmq" else "",
                )
            )
            for name, at_db in stores.items()
        }
        for one in servers.values():
            one.add_worker("bench", at)
            one.deploy("chain", chain(3, prefetch=100))
            finishing(one, 2)
        rounds: dict[str, list[float]] = {name: [] for name in servers}
        spent: dict[str, dict[str, float]] = {}
        for _ in range(ROUNDS):
            for name, one in servers.items():
                before = one.cpu_s(), cluster.cpu_s(), rabbit.cpu_s()
                rounds[name].append(finishing(one, seconds))
                after = one.cpu_s(), cluster.cpu_s(), rabbit.cpu_s()
                count = max(1.0, rounds[name][-1] * seconds)
                parts = zip(("segue", "postgres", "rabbitmq"), before, after, strict=True)
                spent[name] = {f"{part}_cpu_us": round((now - then) / count * 1e6, 1) for part, then, now in parts}
        for name, one in servers.items():
            pairs = zip(rounds["embedded"], rounds[name], strict=True)
            report(
                f"j: start, 3 actions, end, on {name}", int(sum(rounds[name]) * seconds),
                statistics.median(rounds[name]), 0, 0, None,
                ratio_to_embedded=round(statistics.median(theirs / ours for ours, theirs in pairs), 3),
                balanced=bool(one.call("GET", "/api/v1/audit")["balanced"]), **spent[name],
            )  # fmt: skip


def two(cluster: Cluster, folder: Path, seconds: float = TURN_S) -> None:
    """One process with a control service of a version, and two, in turns, all on this host."""
    store, data = cluster.url(database(cluster, "two")), folder / "two"
    one = partial(control_service, data, store)
    with worker() as at:
        beside_one("i: two control services of {}", data, store, at, (one, one), seconds=seconds)


def beside_one(
    scenario: str,
    data: Path,
    store: str,
    at: str,
    copies: tuple[Copy, Copy],
    *,
    seconds: float = TURN_S,
    rounds: int = TURNS,
    secret: str = "",
) -> None:
    """One control service of a version, and two, in turns: start, three actions over HTTP, end.

    The API is a process of its own both times. Worker, load, PostgreSQL and all processes share the machine's cores. In
    the second flow a worker takes 50 ms and ten calls may be under way for each control service, so that two can do
    what one cannot; there a quarter of the rounds tells enough.
    """
    one, other = copies
    with server(data, store, roles="api,timers,status") as api:
        api.add_worker("bench", at, secret)
        # In flight are more than two can have under way, and not many more: those that a rate ends with do not count.
        flows = (("chain", "echo", 100, CONNECTIONS, rounds), ("slow", "slow", 10, 64, max(1, rounds // 4)))
        for process, action, prefetch, many, turns in flows:
            version = f"{process}:{api.deploy(process, chain(3, prefetch=prefetch, action=action))}"
            rate = partial(finishing, api, process=process, many=many)
            with one(version) as first:
                title = f"{scenario.format(process)} beside one, on PostgreSQL"
                _beside_one(api, rate, first, partial(other, version), title=title, seconds=seconds, rounds=turns)


def _beside_one(
    api: Server,
    rate: Callable[[float], float],
    first: int,
    another: Callable[[], AbstractContextManager[int]],
    *,
    title: str,
    seconds: float,
    rounds: int,
) -> None:
    """The rates of one control service before and after each round of two: a database grows slower as it fills. What
    a warm-up leaves is worked off before a rate is measured."""

    def warmed() -> None:
        rate(2)
        settled(api)

    warmed()
    ones, twos = [rate(seconds)], list[float]()
    spent = {"first_cpu_s": 0.0, "second_cpu_s": 0.0}
    for _ in range(rounds):
        with another() as second:
            warmed()
            before = cpu_s(first), cpu_s(second)
            twos.append(rate(seconds))
            spent["first_cpu_s"] += cpu_s(first) - before[0]
            spent["second_cpu_s"] += cpu_s(second) - before[1]
        warmed()
        ones.append(rate(seconds))
    ratios = [2 * both / (before + after) for before, both, after in zip(ones, twos, ones[1:], strict=False)]
    report(
        title, int(sum(ones + twos) * seconds), statistics.median(twos), 0, 0, None,
        one_per_s=round(statistics.median(ones), 1),
        ratio_to_one=round(statistics.median(ratios), 3),
        standard_error=round(statistics.stdev(ratios) / len(ratios) ** 0.5, 3) if len(ratios) > 1 else None,
        balanced=bool(api.call("GET", "/api/v1/audit")["balanced"]),
        **{name: round(value, 1) for name, value in spent.items()},
    )  # fmt: skip


def finishing(running: Server, seconds: float, process: str = "chain", many: int = CONNECTIONS) -> float:
    """Instances per second from start to end, with so many in flight."""
    headers = {"Authorization": f"Bearer {running.token}", **WAIT}
    return wrk(running.url + f"/processes/{process}/start", BODY, headers, many, seconds).rate_per_s


async def backlog(cluster: Cluster, _folder: Path, size: int = 1_000_000, count: int = 8_000) -> None:
    """What a backlog costs: the rate beside one, and the rate of working it off, each beside that without."""
    plain = await open_postgres(read_address(cluster.url(database(cluster, "plain"))))
    full = await open_postgres(read_address(cluster.url(database(cluster, "full"))))
    few, many = await publish(plain, "p"), await publish(full, "p")
    await publish(full, "held")
    begun = time.perf_counter()
    await fill(full, "held", size)
    report("h: filling on PostgreSQL", size, size / (time.perf_counter() - begun), 0, 0, None, memory_mb=rss_mb())
    for store, version in ((plain, few), (full, many)):
        await rate(store, version, 1_000, 256)
    rounds = [(await rate(plain, few, count, 256), await rate(full, many, count, 256)) for _ in range(ROUNDS)]
    _tell("h: beside a backlog, on PostgreSQL", size, rounds)
    await fill(plain, "p", 1)
    [held] = [version for version in await full.published() if version.process == "held"]
    short = await publish(plain, "held")
    pairs = []
    for _ in range(ROUNDS):
        await fill(plain, "held", count)
        pairs.append((await drain(plain, short, count), await drain(full, held, count)))
    _tell("h: working it off, beside working off a short queue", size, pairs)
    begun = time.perf_counter()
    audit = await full.audit(CLOCK.now())
    took = (time.perf_counter() - begun) * 1000
    report("h: audit with the backlog", 1, 0, took, took, None, balanced=audit.balanced, memory_mb=rss_mb())
    await plain.close()
    await full.close()


def _tell(scenario: str, size: int, rounds: Sequence[tuple[float, float]]) -> None:
    report(
        scenario, size, statistics.median(ours for _, ours in rounds), 0, 0, None,
        without_per_s=round(statistics.median(plain for plain, _ in rounds), 1),
        ratio_to_without=round(statistics.median(ours / plain for plain, ours in rounds), 3),
    )  # fmt: skip


async def drain(store: Store, version: Version, count: int) -> float:
    """Work off so many of what waits before the first node; instances per second."""
    begun, done = time.perf_counter(), 0
    while done < count:
        for node in NEXT:
            messages = await store.take(version.id, node, 256, CLOCK.now(), ordered=False)
            done += len(messages) if node == "c" else 0
            await asyncio.gather(*(store.settle([step(message)]) for message in messages))
    return done / (time.perf_counter() - begun)


def database(cluster: Cluster, name: str) -> str:
    """Make an empty database; its name."""
    cluster.sql(f'DROP DATABASE IF EXISTS "{name}"')
    cluster.sql(f'CREATE DATABASE "{name}"')
    return name


SCENARIOS: dict[str, Callable[[Cluster, Path], None]] = {
    "alone": lambda cluster, folder: uvloop.run(alone(cluster, folder)),
    "engine": engine,
    "broker": broker,
    "two": two,
    "backlog": lambda cluster, folder: uvloop.run(backlog(cluster, folder)),
}


def main() -> None:
    """Run the benches named on the command line, or all."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.postgres", description="PostgreSQL beside the embedded store."
    )
    parser.add_argument("scenario", nargs="*", help=f"which (default: all): {', '.join(SCENARIOS)}")
    names = parser.parse_args().scenario or list(SCENARIOS)
    if unknown := set(names) - SCENARIOS.keys():
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    with running(TUNED) as cluster, tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        for name in names:
            SCENARIOS[name](cluster, Path(folder))


if __name__ == "__main__":
    main()
