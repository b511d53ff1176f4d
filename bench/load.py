"""Load: wrk against one URL, and single starts one after another."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

BODY = json.dumps({"order": 10248, "note": "x" * (1024 - 31)}).encode()


class Measured(Struct, frozen=True):
    """A run of wrk: answers per second, the share that were errors, and latencies in ms."""

    rate_per_s: float
    errors: int
    p50_ms: float
    p99_ms: float


def wrk(url: str, body: bytes, headers: dict[str, str], connections: int, seconds: float) -> Measured:
    """POST `body` over so many connections for so long."""
    tool = shutil.which("wrk")
    if tool is None:
        raise SystemExit("the benches need wrk: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "post.lua")
        lines = [f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}" for k, v in headers.items()]
        text = body.decode("ascii").replace("\\", "\\\\").replace('"', '\\"')
        script.write_text("\n".join(['wrk.method = "POST"', f'wrk.body = "{text}"', *lines, _REPORT]))
        command = [tool, "-t1", f"-c{connections}", f"-d{int(seconds)}s", "--timeout", "60s", "-s", str(script), url]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"^REPORT (.*)$", output, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk printed no report: {output}")
    report = json.loads(found[1])
    return Measured(
        rate_per_s=report["requests"] / report["us"] * 1e6,
        errors=report["errors"],
        p50_ms=report["p50"] / 1000,
        p99_ms=report["p99"] / 1000,
    )


_REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  print(string.format('REPORT {"requests":%d,"us":%d,"errors":%d,"p50":%d,"p99":%d}',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


def one_by_one(url: str, headers: dict[str, str], count: int) -> list[float]:
    """Post `count` bodies one after another; the milliseconds each took."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    taken: list[float] = []
    for _ in range(count):
        begun = time.perf_counter()
        connection.request("POST", parts.path, BODY, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{url} answered {answer.status}")
        taken.append((time.perf_counter() - begun) * 1000)
    connection.close()
    return taken


def p50_p99(taken: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    cuts = statistics.quantiles(taken, n=100)
    return statistics.median(taken), cuts[98]
