"""How much CPU a call to a worker costs: ours beside wrk and aiohttp, in one run, against one small echo server.

The server runs in a second process. Each line is one JSON object; `ratio_to_bare` is the share of wrk's rate with as
many connections, `cpu_us` the processor time of the calling process per call (not known for wrk). Rows of one size
alternate, so that a noisy moment of the machine meets all of them; the best of `--rounds` is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import TypedDict, cast

import aiohttp
import httptools
import uvloop

from segue.adapters.worker_http import HttpSettings, HttpWorkers
from segue.model.workers import WorkerCall

PATH = "/connector/echo/action"
HEADERS = {"content-type": "application/json"}
ANSWER_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
Once = Callable[[], Awaitable[None]]


class Row(TypedDict):
    """One measurement, as it is printed."""

    scenario: str
    n: int
    in_flight: int
    rate_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float | None
    ratio_to_bare: float | None


class EchoProtocol(asyncio.Protocol):
    """Answers every request with its own body."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is not registered as one

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)

    def on_message_complete(self) -> None:
        body = b"".join(self.parts)
        self.parts.clear()
        self.transport.write(ANSWER_HEAD % len(body) + body)


async def serve() -> None:
    """Serve echoes on a free port, printed as the first line, until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(EchoProtocol, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def body_of(size: int) -> bytes:
    """Return an envelope of `size` bytes."""
    empty = json.dumps({"headers": {"process-id": "p"}, "body": ""})
    return json.dumps({"headers": {"process-id": "p"}, "body": "x" * (size - len(empty))}).encode()


async def drive(scenario: str, once: Once, n: int, in_flight: int) -> Row:
    """Make `n` calls, `in_flight` at a time, after a warm-up that opens the connections."""
    left = 0
    times: list[float] = []

    async def lane() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            began = perf_counter()
            await once()
            times.append(perf_counter() - began)

    async def run(calls: int) -> float:
        nonlocal left
        left = calls
        times.clear()
        began = perf_counter()
        await asyncio.gather(*(lane() for _ in range(in_flight)))
        return perf_counter() - began

    await run(in_flight * 4)
    before = resource.getrusage(resource.RUSAGE_SELF)
    seconds = await run(n)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    times.sort()
    return Row(
        scenario=scenario,
        n=n,
        in_flight=in_flight,
        rate_per_s=round(n / seconds, 1),
        p50_ms=round(times[n // 2] * 1000, 3),
        p99_ms=round(times[n * 99 // 100] * 1000, 3),
        cpu_us=round(cpu / n * 1e6, 1),
        ratio_to_bare=None,
    )


async def ours(url: str, body: bytes, n: int, in_flight: int) -> Row:
    """Call through the transport of the engine."""
    workers = HttpWorkers(HttpSettings(connections=in_flight))
    call = WorkerCall(url=url, headers=HEADERS, payload=body, timeout_ms=60_000)

    async def once() -> None:
        reply = await workers.call(call)
        if reply.body != body:
            raise SystemExit(f"not the echo: {reply}")

    try:
        return await drive("worker call, segue", once, n, in_flight)
    finally:
        await workers.close()


async def theirs(url: str, body: bytes, n: int, in_flight: int) -> Row:
    """Call through aiohttp on the same loop."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:

        async def once() -> None:
            async with session.post(url, data=body, headers=HEADERS) as response:
                if await response.read() != body:
                    raise SystemExit("not the echo")

        return await drive("worker call, aiohttp", once, n, in_flight)


def bare(url: str, body: bytes, in_flight: int, seconds: int) -> Row | None:
    """Let wrk do the same; None without wrk."""
    program = shutil.which("wrk")
    if program is None:
        print("wrk is not installed: no ratio_to_bare", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        fields = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in HEADERS.items())
        script.write_text(f'wrk.method = "POST"\n{fields}wrk.body = [==[{body.decode()}]==]\n', encoding="utf-8")
        command = [program, "-t1", f"-c{in_flight}", f"-d{seconds}s", "--latency", "-s", str(script), url]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Row(
        scenario="worker call, wrk",
        n=int(found(r"(\d+) requests in", text)),
        in_flight=in_flight,
        rate_per_s=float(found(r"Requests/sec:\s+([\d.]+)", text)),
        p50_ms=milliseconds(found(r"^ *50% +(\S+)", text)),
        p99_ms=milliseconds(found(r"^ *99% +(\S+)", text)),
        cpu_us=None,
        ratio_to_bare=1.0,
    )


def found(pattern: str, text: str) -> str:
    """Return the first group of the pattern in what wrk printed."""
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise SystemExit(f"wrk printed something else than expected:\n{text}")
    return match[1]


def milliseconds(written: str) -> float:
    """Read a time as wrk writes it."""
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if written.endswith(unit):
            return round(float(written.removesuffix(unit)) * factor, 3)
    raise SystemExit(f"wrk printed the time {written!r}")


def measure(url: str, arguments: argparse.Namespace) -> None:
    """Print the rows of each number of calls in flight."""
    body = body_of(arguments.size)
    for in_flight in arguments.in_flight:
        best: dict[str, Row] = {}
        for _ in range(arguments.rounds):
            rows = [
                bare(url, body, in_flight, arguments.seconds),
                uvloop.run(ours(url, body, arguments.calls, in_flight)),
                uvloop.run(theirs(url, body, max(arguments.calls // 5, in_flight), in_flight)),
            ]
            for row in rows:
                if row and row["rate_per_s"] >= best.get(row["scenario"], row)["rate_per_s"]:
                    best[row["scenario"]] = row
        top = best.get("worker call, wrk")
        for row in best.values():
            if top is not None:
                row["ratio_to_bare"] = round(row["rate_per_s"] / top["rate_per_s"], 3)
            print(json.dumps(row), flush=True)


def main() -> None:
    """Start the server in a second process, measure, and end it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help="be the echo server")
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--size", type=int, default=1024, help="bytes of the body")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 50, 256])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="how long wrk runs")
    arguments = parser.parse_args()
    if arguments.serve:
        uvloop.run(serve())
        return
    # A core each, so that neither side takes the other's time.
    cores = sorted(os.sched_getaffinity(0))
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            port = int(server.stdout.readline())
            if len(cores) > 1:
                os.sched_setaffinity(server.pid, cores[-1:])
                os.sched_setaffinity(0, cores[:-1])
            measure(f"http://127.0.0.1:{port}{PATH}", arguments)
        finally:
            server.stdin.close()


if __name__ == "__main__":
    main()
