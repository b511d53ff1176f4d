"""What a hop costs: the processor time, rows, log and network bytes that each part spends, measured in one run.

`python -m bench.costs` prints a JSON object for each part; `--keep` also puts it into `bench/costs.json`, from which
`bench.scale` reckons what more hosts would carry. It takes a minute, and means something only when nothing else runs.

The parts: the engine at work (API, control services, worker, load, PostgreSQL; each one's share), the store alone by
the size of its groups (what a commit costs, and what a change in it), a fleet of processes that do nothing (what each
one costs because it is there), and care (old instances, pages that people look at).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import uvloop

from bench.fleet import fleet, rested, seats
from bench.load import BODY, Measured, wrk
from bench.postgres import TUNED, Spent, database, open_postgres, rate
from bench.scenarios import CONNECTIONS, WAIT
from bench.stack import Server, chain, control_service, cpu_s, running, server
from bench.store import publish
from segue.adapters.postgres.address import read_address
from segue.ports.views import InstanceFilter
from segue.testing import postgres
from segue.testing.postgres import Cluster

KEPT = Path(__file__).with_name("costs.json")
ACTIONS = 3
CHANGES = ACTIONS + 1  # what a transaction makes true of an instance: its start, and each action settled
SIZES = (1, 16, 64, 256)
FLEET = (1, 10, 40, 100)
_CONNECTIONS = "max_connections = 400"

Costs = dict[str, Any]


def load(running_server: Server, seconds: float) -> Measured:
    """Start instances for so long, and wait for the end of each."""
    headers = {"Authorization": f"Bearer {running_server.token}", **WAIT}
    return wrk(running_server.url + "/processes/chain/start", BODY, headers, CONNECTIONS, seconds)


def _children_s() -> float:
    """Processor time of the programs that were started and have ended: of the load alone, meanwhile."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Wires:
    """Bytes that have passed over the connections of a port, as its server sees them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._before = self._now()

    def _now(self) -> tuple[int, int]:
        command = ["ss", "-tinH", "state", "established", f"( sport = :{self._port} )"]
        words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        totals = {"bytes_sent": 0, "bytes_received": 0}
        for word in words:
            name, _, value = word.partition(":")
            if name in totals:
                totals[name] += int(value)
        return totals["bytes_received"], totals["bytes_sent"]

    def per(self, count: float) -> dict[str, int]:
        """Bytes to and from the server for each of so many."""
        there, back = self._now()
        return {"in": round((there - self._before[0]) / count), "out": round((back - self._before[1]) / count)}


class Rows:
    """What PostgreSQL has counted for a database: transactions with a number, bytes of its log, rows written."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster, self._name = cluster, name
        self._before = self._now()

    def _now(self) -> list[float]:
        rows = "tup_inserted, tup_updated, tup_deleted"
        text = (
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text, pg_current_wal_lsn() - '0/0',"
            f" {rows} FROM pg_stat_database WHERE datname = '{self._name}'"
        )
        return [float(value) for value in self._cluster.sql(text, self._name).split("|")]

    def per(self, count: float) -> dict[str, float]:
        """For each of so many."""
        names = ("commits", "log_bytes", "inserted", "updated", "deleted")
        found = zip(names, self._before, self._now(), strict=True)
        return {name: round((now - before) / count, 3) for name, before, now in found}


def _shares(cluster: Cluster, name: str, pids: dict[str, int], api: Server, worker: str, seconds: float) -> Costs:  # noqa: PLR0917 - who takes part
    """One run under load: what each process spends for an instance. `pids` are those of Segue and of the worker."""
    wires, calls, rows = Wires(cluster.port), Wires(int(worker.rsplit(":", 1)[1])), Rows(cluster, name)
    before = {who: cpu_s(pid) for who, pid in pids.items()}
    meter, client = cluster.cpu_s(), _children_s()
    found = load(api, seconds)
    count = found.rate_per_s * seconds
    spent = {who: round((cpu_s(pid) - before[who]) / count * 1e6, 1) for who, pid in pids.items()}
    spent |= {
        "postgres": round((cluster.cpu_s() - meter) / count * 1e6, 1),
        "load": round((_children_s() - client) / count * 1e6, 1),
    }
    rested()  # what PostgreSQL has counted it tells a second later
    return {
        "per_s": round(found.rate_per_s, 1),
        "p50_ms": round(found.p50_ms, 1),
        "p99_ms": round(found.p99_ms, 1),
        "cpu_us": spent,
        "rows": rows.per(count),
        "store_bytes": wires.per(count),
        "worker_bytes": calls.per(count),
    }


def engine(cluster: Cluster, folder: Path, seconds: float) -> Costs:
    """The engine at work: in one process; with a control service of its own; with two of them."""
    found: Costs = {"bounded": True}
    with ExitStack() as opened:
        worker, at = opened.enter_context(running([sys.executable, "-m", "bench.worker", "0"], "the bench's worker"))
        for shape, roles in (("whole", None), ("apart", "api,timers,status")):
            name = database(cluster, shape)
            data = folder / shape
            with ExitStack() as here:
                api = here.enter_context(server(data, cluster.url(name), roles=roles))
                api.add_worker("bench", at)
                version = f"chain:{api.deploy('chain', chain(ACTIONS, prefetch=100))}"
                pids = {"segue": api.pid, "worker": worker.pid} if roles is None else {"api": api.pid}
                if roles is not None:
                    first = here.enter_context(control_service(data, cluster.url(name), version))
                    pids |= {"control": first, "worker": worker.pid}
                load(api, 2)
                found[shape] = _shares(cluster, name, pids, api, at, seconds)
                if roles is not None:
                    second = here.enter_context(control_service(data, cluster.url(name), version))
                    load(api, 1)
                    found["two"] = _shares(cluster, name, pids | {"second": second}, api, at, seconds)
                if not api.call("GET", "/api/v1/audit")["balanced"]:
                    raise RuntimeError("the account does not balance")
    return found


def line(points: Sequence[tuple[float, float]]) -> dict[str, float]:
    """The straight line nearest to points, by relative distance: what it costs once, and for each."""
    weights = [(1 / max(y, 1e-9) ** 2, x, y) for x, y in points]
    total = sum(w for w, _, _ in weights)
    mean_x = sum(w * x for w, x, _ in weights) / total
    mean_y = sum(w * y for w, _, y in weights) / total
    spread = sum(w * (x - mean_x) ** 2 for w, x, _ in weights)
    each = sum(w * (x - mean_x) * (y - mean_y) for w, x, y in weights) / spread if spread else 0.0
    return {"once": round(max(0.0, mean_y - each * mean_x), 2), "each": round(max(0.0, each), 3)}


async def groups(cluster: Cluster, seconds: float) -> Costs:
    """The store alone, by how many instances are in flight: what a commit costs, and what a change in it."""
    name = database(cluster, "groups")
    store = await open_postgres(read_address(cluster.url(name)))
    version = await publish(store, "p")
    await rate(store, version, 500, 64)
    sizes: list[Costs] = []
    for at_once in SIZES:
        count = max(200, int(await rate(store, version, 200, at_once) * seconds))
        rows, meter = Rows(cluster, name), Spent(cluster)
        per_s = await rate(store, version, count, at_once)
        spent, wrote = meter.per(count), rows.per(count)
        size = CHANGES / max(wrote["commits"], 1e-3)
        sizes.append({"in_flight": at_once, "per_s": round(per_s, 1), "changes_a_commit": round(size, 2)} | spent)
    await store.close()
    each = {
        who: line(
            [(one["changes_a_commit"], one[f"{who}_cpu_us"] / CHANGES * one["changes_a_commit"]) for one in sizes]
        )
        for who in ("client", "postgres")
    }
    return {"by_size": sizes, "commit_us": each}


async def care(cluster: Cluster) -> Costs:
    """What it takes to forget an instance that is old, and to show people a page, in a store with some thousands."""
    name = database(cluster, "care")
    store = await open_postgres(read_address(cluster.url(name)))
    await rate(store, await publish(store, "p"), 8_000, 256)
    cluster.sql("VACUUM ANALYZE", name)  # as PostgreSQL does by itself in time
    meter = Spent(cluster)
    for _ in range(40):
        await store.instances(InstanceFilter(process="p"))
        await store.queues("p", 0)
    page = meter.per(40)
    rows, meter = Rows(cluster, name), Spent(cluster)
    gone = await store.prune(1 << 60, 4_000)
    forget, wrote = meter.per(gone), rows.per(gone)
    await store.close()
    return {"page_us": page, "forget_us": forget, "forget_log_bytes": wrote["log_bytes"]}


PARTS: dict[str, Callable[[Cluster, Path, float], Costs]] = {
    "engine": engine,
    "store": lambda cluster, _folder, seconds: uvloop.run(groups(cluster, seconds / 4)),
    "fleet": lambda cluster, _folder, _seconds: uvloop.run(fleet(cluster, FLEET)),
    "seats": lambda cluster, _folder, _seconds: uvloop.run(seats(cluster)),
    "care": lambda cluster, _folder, _seconds: uvloop.run(care(cluster)),
}


def keep(found: Costs) -> None:
    """Put what was found beside what is kept."""
    before = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    KEPT.write_text(json.dumps(before | found, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Measure, print a line for each part, and keep it if that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description="What a hop costs, on this machine.")
    parser.add_argument("part", nargs="*", help=f"which (default: all): {', '.join(PARTS)}")
    parser.add_argument("--seconds", type=float, default=5, help="how long each run under load takes (default: 5)")
    parser.add_argument("--keep", action="store_true", help=f"put it into bench/{KEPT.name}")
    options = parser.parse_args()
    names = options.part or list(PARTS)
    if unknown := set(names) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    # Told to end, it ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    with (
        postgres.running((*TUNED, _CONNECTIONS)) as cluster,
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder,
    ):
        for name in names:
            found = {
                "cores": os.cpu_count(),
                "actions": ACTIONS,
                name: PARTS[name](cluster, Path(folder), options.seconds),
            }
            print(json.dumps(found), flush=True)
            if options.keep:
                keep(found)


if __name__ == "__main__":
    main()
