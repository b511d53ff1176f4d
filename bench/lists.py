"""Lists of a large store: fills a data folder by SQL, then asks every list and opens the pages of the Admin.

`python -m bench.lists [--instances N] [--data DIR]` prints one JSON object for each list with its p95 on the server,
and for each page the time until it can be used. A folder that is given is filled once and measured again later.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.stack import SEGUE, chain, running

ROOT = Path(__file__).resolve().parent.parent
PROCESSES, INSTANCES, TRASH = 1_000, 5_000_000, 100_000
# As many as are kept unless a setting says otherwise.
LINES = 1_000_000
ROUNDS = 40
EMAIL, PASSWORD = "bench@example.org", "a bench of its own"
_DAY_MS = 86_400_000
_SPAN_MS = 20 * _DAY_MS

# Numbers from 1 on, as many as are asked for.
_SERIES = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
# Every 50th instance failed and is in trash, until there are enough; one of a hundred was cancelled.
_IN_TRASH = "(i % 50 = 0 AND i / 50 <= :trash)"
_VERSION = "(i * 7919 % :processes) + 1"
_QUEUE = f"(SELECT id FROM queue WHERE version = {_VERSION} LIMIT 1)"
_AT = "CAST(:begin + i * :step AS INTEGER)"
# As ids are made: they begin with their instant.
_ID = f"printf('%08x-%04x-7000-8000-%012x', {_AT} >> 16, {_AT} & 65535, i)"
_STATE = f"CASE WHEN {_IN_TRASH} THEN 'failed' WHEN i % 101 = 0 THEN 'cancelled' ELSE 'finished' END"
_FINISHED = f"CASE WHEN {_IN_TRASH} THEN NULL ELSE {_AT} + 40 END"
_BODY = """CAST('{"order":' || i || ',"customer":{"id":"C-' || (i % 5000) || '"}}' AS BLOB)"""
_REASON = "CASE i % 3 WHEN 0 THEN 'failed' WHEN 1 THEN 'status-404' ELSE 'timeout' END"
_LEVEL = "CASE WHEN i % 5000 = 0 THEN 'error' WHEN i % 500 = 0 THEN 'warning' ELSE 'info' END"
_FILL = (
    f"""{_SERIES} INSERT INTO instance (num, id, version, state, started, finished, live, trash, failed, cancelled,
    discarded, start_node) SELECT i, {_ID}, {_VERSION}, {_STATE}, {_AT}, {_FINISHED},
    {_IN_TRASH}, {_IN_TRASH}, 0, i % 101 = 0, 0, 'start' FROM n""",
    f"""{_SERIES} INSERT INTO step (seq, id, queue, instance, outcome, produced, entered, taken, ended, worker_us,
    headers, body) SELECT i, 'm' || {_ID}, {_QUEUE}, i, 'ok', 0, {_AT}, {_AT} + 3, {_AT} + 40, 3000,
    '{{"x-order":"' || i || '"}}', {_BODY} FROM n WHERE NOT {_IN_TRASH}""",
    f"""{_SERIES} INSERT INTO message (seq, id, queue, instance, place, entered, reason, reason_code, headers, body,
    cause, aside_at) SELECT i, 'm' || {_ID}, {_QUEUE}, i, 3, {_AT} + 3, 'The target does not know order ' || i,
    {_REASON}, '{{}}', {_BODY}, printf('%016x', i % 3), {_AT} + 40 FROM n WHERE {_IN_TRASH}""",
    f"""{_SERIES} INSERT INTO log (seq, at, level, text, queue, instance, message) SELECT i, {_AT} + 20, {_LEVEL},
    'order ' || i || ' was told to the target', {_QUEUE}, i, 'm' || {_ID} FROM n WHERE i > :count - :lines""",
)


def fill(data: Path, instances: int, trash: int) -> None:
    """Make a store with so many instances and messages in trash; the first of its processes is deployed for real."""
    token = subprocess.check_output([SEGUE, "token", "create", "--data", data, "--name", "bench"], text=True).strip()
    (data / "token").write_text(token)
    subprocess.run(
        [SEGUE, "user", "create", "--data", data, "--email", EMAIL],
        input=PASSWORD,
        text=True,
        check=True,
        capture_output=True,
    )
    with _serving(data) as url:
        source = data / "p0001.bpmn"
        source.write_bytes(chain(1, prefetch=10))
        environment = os.environ | {"SEGUE_URL": url, "SEGUE_TOKEN": token}
        subprocess.run([SEGUE, "deploy", source, "--enable"], env=environment, check=True, capture_output=True)
    with closing(sqlite3.connect(next(data.glob("*.db")), isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for number in range(2, PROCESSES + 1):
            folder = f"team-{number % 20:02}/area-{number % 7}"
            connection.execute(
                "INSERT INTO process (id, name, folder, created) VALUES (?, ?, ?, 1)", (number, f"p{number:04}", folder)
            )
            _copy(connection, "version", {"id": number, "process": number})
        # A queue gets its number when the first message comes.
        connection.execute("DELETE FROM queue")
        rows = [(number, number, "call0") for number in range(1, PROCESSES + 1)]
        connection.executemany("INSERT INTO queue (id, version, node) VALUES (?, ?, ?)", rows)
        begin = int(time.time() * 1000) - _SPAN_MS
        values = {
            "count": instances,
            "trash": trash,
            "lines": min(LINES, instances),
            "processes": PROCESSES,
            "begin": begin,
            "step": _SPAN_MS / instances,
        }
        for statement in _FILL:
            connection.execute(statement, values)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copy(connection: sqlite3.Connection, table: str, changed: dict[str, int]) -> None:
    """Add a copy of the row with the id 1, with other values in some columns."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(f":{name}" if name in changed else f'"{name}"' for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    connection.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE id = 1", changed)


@contextmanager
def _serving(data: Path) -> Iterator[str]:
    with running([str(SEGUE), "serve", "--data", str(data), "--port", "0"], "segue serve") as (_, url):
        yield url


# Those that take nothing from the store before they can be asked for.
_MORE = {
    "trash": "trash",
    "trash, 500": "trash?limit=500",
    "trash of a process": "trash?process=p0500",
    "trash by reason": "trash?reason_code=timeout",
    "trash of a node": "trash?node=call0",
    "trash, nothing found": "trash?reason_code=nothing",
    "trash by text": "trash?text=order%204999",
    "trash by text, nothing found": "trash?text=no%20such%20thing",
    "trash of a cause": "trash?process=p0500&cause=0000000000000001",
    "causes": "trash/causes?limit=50",
    "causes of a process": "trash/causes?process=p0500",
    "trash by node": "trash/nodes?limit=2000",
    "trash by node, of a process": "trash/nodes?process=p0500&version=1",
    "tasks": "tasks",
    "tasks by node": "tasks/nodes",
    "logs": "logs?order=newest",
    "logs, oldest": "logs",
    "logs of a process": "logs?process=p0500&order=newest",
    "logs of a level": "logs?level=error&order=newest",
    "logs by text": "logs?text=order%20was%20told&order=newest",
    "logs by text, nothing found": "logs?text=no%20such%20thing&order=newest",
    "workers": "workers",
    "services": "services",
    "control services": "control-services",
    "limits": "limits",
    "operations": "operations",
    "notices": "notices",
    "statistics of all": "metrics/summary",
    "what limits": "metrics/bottleneck",
    "webhooks": "webhooks",
    "tokens": "tokens",
    "users": "users",
    "schedules": "schedules",
    "traffic": "traffic",
    "traffic of a process": "traffic?process=p0500",
    "statistics": "processes/p0500/versions/1/statistics",
    "activity": "activity",
}


def lists(instance: str, cursor: str) -> dict[str, str]:
    """The lists asked for, by what they are called in the report."""
    week = int(time.time() * 1000) - 7 * _DAY_MS
    return {
        "processes": "processes?limit=500",
        "instances": "instances",
        "instances, an old page": f"instances?cursor={cursor}",
        "instances, failed": "instances?state=failed",
        "instances, running": "instances?state=running",
        "instances, cancelled": "instances?state=cancelled",
        "instances, finished": "instances?state=finished",
        "instances of a process": "instances?process=p0500",
        "instances of a version": "instances?process=p0500&version=1",
        "instances, failed of a process": "instances?process=p0500&state=failed",
        "instances, cancelled of a process": "instances?process=p0500&state=cancelled",
        "instances, running of a process": "instances?process=p0500&state=running",
        "instances of a week": f"instances?since={week}",
        "instances of a past day": f"instances?since={week - _DAY_MS}&until={week}",
        "instances of a past day, of a process": f"instances?since={week - _DAY_MS}&until={week}&process=p0500",
        "instance": f"instances/{instance}",
        "search, a field": "instance-search?match=body.customer.id%3DC-77",
        "search, a text": "instance-search?match=nothing%20has%20this",
        "queues": "queues",
        "queues of a process": "queues?process=p0500",
    } | _MORE


def measure(url: str, token: str) -> bool:
    """Ask every list; whether all are answered within 200 ms in 95 of 100 cases."""
    good = True

    def ask(path: str) -> tuple[float, bytes]:
        request = urllib.request.Request(f"{url}/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
        begin = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
        return (time.perf_counter() - begin) * 1000, content

    newest = json.loads(ask("instances?limit=1")[1])["items"][0]["id"]
    old = json.loads(ask(f"instances?limit=1&until={int(time.time() * 1000) - 15 * _DAY_MS}")[1])["items"][0]["id"]
    for name, path in lists(newest, old).items():
        times = sorted(ask(path)[0] for _ in range(ROUNDS))
        p95 = times[int(len(times) * 0.95) - 1]
        good &= p95 < 200
        line = {
            "list": name,
            "n": ROUNDS,
            "p50_ms": round(statistics.median(times), 1),
            "p95_ms": round(p95, 1),
            "good": p95 < 200,
        }
        print(json.dumps(line), flush=True)
    return good


def pages(url: str) -> bool:
    """Open the pages in a browser; whether each can be used within 1.5 s."""
    chromium = shutil.which("chromium")
    if chromium is None or not (ROOT / "ui" / "node_modules").is_dir():
        print(json.dumps({"pages": "not measured: needs chromium and the built admin"}))
        return True
    environment = os.environ | {
        "SEGUE_URL": url,
        "CHROMIUM": chromium,
        "BENCH_EMAIL": EMAIL,
        "BENCH_PASSWORD": PASSWORD,
    }
    return subprocess.run(["node", "e2e/speed.mjs"], cwd=ROOT / "ui", env=environment, check=False).returncode == 0


def main() -> int:
    """Fill a folder if need be, and measure; exit code 1 when something is too slow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=INSTANCES)
    parser.add_argument("--data", type=Path, help="a folder that is kept")
    parser.add_argument("--fill", action="store_true", help="fill only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="segue-bench-") as temporary:
        data = options.data or Path(temporary, "data")
        if not (data / "token").exists():
            begin = time.monotonic()
            fill(data, options.instances, min(TRASH, options.instances // 50))
            print(json.dumps({"filled": options.instances, "seconds": round(time.monotonic() - begin)}), flush=True)
        if options.fill:
            return 0
        with _serving(data) as url:
            fast = measure(url, (data / "token").read_text())
            return 0 if pages(url) and fast else 1


if __name__ == "__main__":
    sys.exit(main())
