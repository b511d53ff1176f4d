"""The scenarios. Each prints what it measured as one JSON object, beside the bare worker in the same run."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.editor import editor
from bench.load import BODY, Measured, one_by_one, p50_p99, wrk
from bench.stack import Server, chain, server, worker

CONNECTIONS = 256
ROUNDS = 3
SECONDS = 8
# A few per cent are to be seen on a machine whose speed varies by more: many short turns, so that both meet the same.
TURNS = 24
TURN_S = 4
WAIT = {"Prefer": "wait=60", "Content-Type": "application/json"}
ENVELOPE = json.dumps(
    {
        "headers": {
            "correlation-id": "018f2f6c-7f00-7000-8000-000000000001",
            "message-id": "018f2f6c-7f00-7000-8000-000000000002",
            "node-id": "call0",
            "worker-followers": '[{"id":"call1","name":"call1"}]',
        },
        "body": BODY.decode(),
    }
).encode()


def report(  # noqa: PLR0917 - the columns of the line, in its order
    scenario: str, n: int, rate: float, p50: float, p99: float, ratio: float | None, **more: Any
) -> None:
    """Print one result."""
    line = {
        "scenario": scenario,
        "n": n,
        "rate_per_s": round(rate, 1),
        "p50_ms": round(p50, 2),
        "p99_ms": round(p99, 2),
        "ratio_to_bare": None if ratio is None else round(ratio, 3),
        **more,
    }
    print(json.dumps(line), flush=True)


@contextmanager
def stack() -> Iterator[tuple[Server, str]]:
    """A fresh server with the bench's worker and a chain of three actions. Gives it and the worker's URL."""
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="segue-bench-"))
        at = opened.enter_context(worker())
        running = opened.enter_context(server(Path(folder, "data")))
        running.add_worker("bench", at)
        running.deploy("chain", chain(3, prefetch=100))
        yield running, at


def _finishing(running: Server, seconds: float = SECONDS) -> Measured:
    headers = {"Authorization": f"Bearer {running.token}", **WAIT}
    return wrk(running.url + "/processes/chain/start", BODY, headers, CONNECTIONS, seconds)


def _bare(at: str, seconds: float = SECONDS) -> Measured:
    return wrk(at + "/connector/echo/action", ENVELOPE, {}, CONNECTIONS, seconds)


def settled(running: Server) -> bool:
    """Wait until no instance runs; whether the account balances."""
    deadline = time.monotonic() + 120
    while running.call("GET", "/api/v1/instances?state=running&limit=1")["items"]:
        if time.monotonic() > deadline:
            raise RuntimeError("instances still run after two minutes")
        time.sleep(0.2)
    return bool(running.call("GET", "/api/v1/audit")["balanced"])


def calls() -> None:
    """(a) Three actions, 256 instances in flight: worker calls per second as a share of what wrk reaches."""
    with stack() as (running, at):
        _finishing(running, 2), _bare(at, 2)
        rounds = [(_bare(at), _finishing(running)) for _ in range(ROUNDS)]
        ratio = statistics.median(ours.rate_per_s * 3 / bare.rate_per_s for bare, ours in rounds)
        rate = statistics.median(ours.rate_per_s for _, ours in rounds)
        report(
            "a: start, 3 actions, end; 256 in flight",
            int(sum(ours.rate_per_s * SECONDS for _, ours in rounds)),
            rate,
            statistics.median(ours.p50_ms for _, ours in rounds),
            statistics.median(ours.p99_ms for _, ours in rounds),
            ratio,
            calls_per_s=round(rate * 3, 1),
            bare_calls_per_s=round(statistics.median(bare.rate_per_s for bare, _ in rounds), 1),
            errors=sum(ours.errors for _, ours in rounds),
            balanced=settled(running),
        )
        headers = {"Authorization": f"Bearer {running.token}", **WAIT}
        taken = one_by_one(running.url + "/processes/chain/start", headers, 500)
        bare = one_by_one(at + "/connector/echo/action", {}, 500)
        p50, p99 = p50_p99(taken)
        ratio = p50_p99(bare)[0] * 3 / p50
        report("a: light load, one after another", 500, 1000 / p50, p50, p99, ratio)


def row() -> None:
    """(b) Forty actions in a row, one instance at a time."""
    with stack() as (running, at):
        running.deploy("row", chain(40, prefetch=10))
        headers = {"Authorization": f"Bearer {running.token}", **WAIT}
        taken = one_by_one(running.url + "/processes/row/start", headers, 100)
        bare = one_by_one(at + "/connector/echo/action", {}, 500)
        p50, p99 = p50_p99(taken)
        report("b: 40 actions in a row", 100, 1000 / p50, p50, p99, p50_p99(bare)[0] * 40 / p50)


def _fill(running: Server, count: int) -> int:
    """Let `count` messages wait before an action whose worker nobody registered; how many there are."""
    running.deploy("held", chain(1, prefetch=10, worker="nobody"))
    headers = {"Authorization": f"Bearer {running.token}", "Content-Type": "application/json"}
    while (depth := _depth(running, "held")) < count:
        wrk(running.url + "/processes/held/start", BODY, headers, 128, 10)
    return depth


def _depth(running: Server, process: str) -> int:
    queues = running.call("GET", f"/api/v1/queues?process={process}")
    return sum(queue["depth"] + queue["delayed"] + queue["in_flight"] for queue in queues)


def backlog(count: int = 1_000_000) -> None:
    """(c) The rate of (a) beside a backlog of a million, memory, and (d) the start of a server with it."""
    with stack() as (plain, _), tempfile.TemporaryDirectory(prefix="segue-bench-") as folder:
        data = Path(folder, "data")
        with worker() as at, server(data) as full:
            full.add_worker("bench", at)
            full.deploy("chain", chain(3, prefetch=100))
            depth = _fill(full, count)
            _finishing(plain, 2), _finishing(full, 2)
            rounds = [(_finishing(plain), _finishing(full)) for _ in range(ROUNDS)]
            memory = full.memory_mb()
        begun = time.monotonic()
        with worker() as at, server(data) as full:
            start_s = time.monotonic() - begun
            report("d: server start with the backlog", depth, 0, start_s * 1000, start_s * 1000, None)
            after = full.memory_mb()
        ratios = [ours.rate_per_s / alone.rate_per_s for alone, ours in rounds]
        report(
            "c: as (a), beside a backlog",
            depth,
            statistics.median(ours.rate_per_s for _, ours in rounds),
            statistics.median(ours.p50_ms for _, ours in rounds),
            statistics.median(ours.p99_ms for _, ours in rounds),
            None,
            ratio_to_a=round(statistics.median(ratios), 3),
            memory_mb=round(memory, 1),
            memory_after_restart_mb=round(after, 1),
        )


def versions(count: int = 1000) -> None:
    """(e) A thousand published versions with nothing to do: memory and processor."""
    with tempfile.TemporaryDirectory(prefix="segue-bench-") as folder, server(Path(folder)) as running:
        for index in range(count):
            running.deploy(f"idle{index}", chain(3, prefetch=10))
        time.sleep(5)
        before, seconds = running.cpu_s(), 30
        time.sleep(seconds)
        core = (running.cpu_s() - before) / seconds
        report(
            "e: published versions idle",
            count,
            0,
            0,
            0,
            None,
            memory_mb=round(running.memory_mb(), 1),
            core_percent=round(core * 100, 2),
        )


def figures() -> None:
    """(m) What figures cost: (a) in turns on a server that keeps them and on one that does not."""
    with worker() as at, tempfile.TemporaryDirectory(prefix="segue-bench-") as folder, ExitStack() as opened:
        without = (sys.executable, "-m", "bench.unmetered")
        servers = {
            "with": opened.enter_context(server(Path(folder, "with"))),
            "without": opened.enter_context(server(Path(folder, "without"), program=without)),
        }
        for one in servers.values():
            one.add_worker("bench", at)
            one.deploy("chain", chain(3, prefetch=100))
            _finishing(one, 2)
        rates: dict[str, list[float]] = {name: [] for name in servers}
        cpu_us: dict[str, list[float]] = {name: [] for name in servers}
        for turn in range(TURNS):
            for name in sorted(servers, reverse=bool(turn % 2)):
                before = servers[name].cpu_s()
                rates[name].append(_finishing(servers[name], TURN_S).rate_per_s)
                cpu_us[name].append((servers[name].cpu_s() - before) / (rates[name][-1] * TURN_S) * 1e6)
        ratios = [ours / plain for ours, plain in zip(rates["with"], rates["without"], strict=True)]
        report(
            "m: as (a), with figures beside without",
            int(sum(rates["with"]) * TURN_S),
            statistics.median(rates["with"]),
            0,
            0,
            None,
            without_per_s=round(statistics.median(rates["without"]), 1),
            ratio_to_without=round(statistics.median(ratios), 3),
            standard_error=round(statistics.stdev(ratios) / len(ratios) ** 0.5, 3),
            cpu_us=round(statistics.median(cpu_us["with"]), 1),
            cpu_us_without=round(statistics.median(cpu_us["without"]), 1),
        )


SCENARIOS: dict[str, Callable[[], None]] = {
    "calls": calls,
    "row": row,
    "backlog": backlog,
    "versions": versions,
    "figures": figures,
    "editor": editor,
}
