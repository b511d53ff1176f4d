"""How fast the embedded store is alone: accept, three settles, end, with nothing else in the process.

`python -m bench.store` prints one JSON object a line. Rates depend on what else the machine does; the CPU time of an
instance, in the event loop's thread and in the writer's, depends on it less.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

import uvloop

from segue.adapters.clock import SystemClock
from segue.adapters.sqlite.store import SqliteStore
from segue.model.events import Event
from segue.model.graph import ProcessGraph
from segue.model.ids import child_id, make_id
from segue.model.message import Child, Consumed, Message, Outcome, Record, Transition
from segue.model.start import Start
from segue.model.versions import Version, VersionContent, VersionState
from segue.ports.catalog import NewVersion
from segue.ports.store import Store

BODY = b'{"order":"' + b"x" * 1000 + b'"}'
HEADERS = {"content-type": "application/json", "user": "bench"}
NEXT = {"a": "b", "b": "c", "c": None}
CLOCK = SystemClock()


class NoSecrets:
    """The bench has none."""

    def seal(self, plain: bytes) -> bytes:
        """Leave it."""
        return plain

    def open(self, sealed: bytes) -> bytes:
        """Leave it."""
        return sealed


def thread_cpu_s() -> dict[str, float]:
    """CPU seconds of each thread of this process, by name."""
    ticks = os.sysconf("SC_CLK_TCK")
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    spent: dict[str, float] = {}
    for number, name in names.items():
        fields = Path(f"/proc/self/task/{number}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        spent[name] = spent.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / ticks
    return spent


def rss_mb() -> int:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() >> 20


def open_store(folder: Path) -> SqliteStore:
    """Open the store of a folder."""
    return SqliteStore.open(folder, clock=CLOCK, secrets=NoSecrets())


async def publish(store: Store, process: str) -> Version:
    """Make an enabled version of three nodes."""
    await store.create_process(process, "", CLOCK.now())
    graph = ProcessGraph(key=process, name=process, nodes=(), flows=())
    content = VersionContent(source=b"", dialect="bpmn", graph=graph)
    draft = NewVersion(
        process=process, content=content, entries={"": "a"}, semantic_hash="", author="", note="", at=CLOCK.now()
    )
    await store.put_draft(draft)
    await store.set_state(process, 1, VersionState.DISABLED, CLOCK.now())
    return await store.set_state(process, 1, VersionState.ENABLED, CLOCK.now())


async def start(store: Store, process: str) -> None:
    """Accept one instance."""
    now = CLOCK.now()
    entropy = os.urandom(20)
    await store.accept(
        Start(
            process=process, instance=make_id(now, entropy[:10]), message=make_id(now, entropy[10:]), at=now, body=BODY,
            headers=HEADERS,
        )
    )  # fmt: skip


def step(message: Message) -> Transition:
    """What handling a message of the three nodes does."""
    now = CLOCK.now()
    following = NEXT[message.node]
    children: tuple[Child, ...] = ()
    if following is not None:
        key = child_id(message.id, following, 0)
        children = (Child(id=key, node=following, body=message.body, headers=message.headers),)
    record = Record(taken=now, worker_us=100, status=200)
    return Transition(message=message, effect=Consumed(outcome=Outcome.OK, children=children), record=record, at=now)


class Flow:
    """Handles what is ready, one task and one settle a message, as control services do."""

    def __init__(self, store: Store, version: Version) -> None:
        self.store = store
        self.version = version
        self.ended = asyncio.Semaphore(0)
        self._busy = dict.fromkeys(NEXT, False)
        self._again = dict.fromkeys(NEXT, False)
        self._tasks: set[asyncio.Task[None]] = set()
        store.on_ready(self._ready)
        store.on_events(self._events)

    def _events(self, events: Sequence[Event]) -> None:
        for _ in events:
            self.ended.release()

    def _ready(self, version: int, node: str) -> None:
        if version != self.version.id:
            return
        self._again[node] = True
        if not self._busy[node]:
            self._busy[node] = True
            self.spawn(self._pump(node))

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run it, and keep it from being collected."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(self, node: str) -> None:
        while self._again[node]:
            self._again[node] = False
            while messages := await self.store.take(self.version.id, node, 1000, CLOCK.now(), ordered=False):
                for message in messages:
                    self.spawn(self._handle(message))
        self._busy[node] = False

    async def _handle(self, message: Message) -> None:
        assert await self.store.settle([step(message)]) == [True]


async def run_flow(store: Store, version: Version, count: int, at_once: int) -> list[float]:
    """Run so many instances from start to end, so many of them at a time; return how long each took (ms)."""
    flow = Flow(store, version)
    took: list[float] = []
    for _ in range(at_once):
        flow.ended.release()

    async def one() -> None:
        begun = time.perf_counter()
        await start(store, version.process)
        took.append((time.perf_counter() - begun) * 1000)

    for _ in range(count):
        await flow.ended.acquire()
        flow.spawn(one())
    for _ in range(at_once):
        await flow.ended.acquire()
    return took


def report(scenario: str, count: int, seconds: float, took: list[float], **more: object) -> None:
    """Print one line."""
    took.sort()
    line = {
        "scenario": scenario,
        "n": count,
        "rate_per_s": round(count / seconds, 1),
        "p50_ms": round(took[len(took) // 2], 2),
        "p99_ms": round(took[len(took) * 99 // 100], 2),
        "ratio_to_bare": None,
    }
    print(json.dumps(line | more), flush=True)


async def measure(store: Store, version: Version, scenario: str, count: int, at_once: int) -> None:
    """Run a flow and report it. `p50_ms` and `p99_ms` are those of the accept."""
    before, begun = thread_cpu_s(), time.perf_counter()
    took = await run_flow(store, version, count, at_once)
    seconds, after = time.perf_counter() - begun, thread_cpu_s()
    cpu = {name: round((after[name] - before.get(name, 0.0)) / count * 1e6, 1) for name in after}
    report(
        scenario, count, seconds, took, in_flight=at_once, loop_cpu_us=cpu.get("MainThread"),
        writer_cpu_us=cpu.get("segue-writer"), rss_mb=rss_mb(),
    )  # fmt: skip


async def fill(store: Store, process: str, count: int) -> None:
    """Put a backlog into a queue."""
    for done in range(0, count, 2000):
        await asyncio.gather(*(start(store, process) for _ in range(min(2000, count - done))))


async def store_alone(folder: Path, count: int = 30_000) -> None:
    """The rate by how many are in flight."""
    store = open_store(folder / "alone")
    version = await publish(store, "p")
    for at_once in (1, 50, 256, 1000):
        await measure(store, version, "store-alone", count if at_once > 1 else count // 10, at_once)
    await store.close()


async def store_backlog(folder: Path, backlog: int = 1_000_000, count: int = 30_000) -> None:
    """Opening with a large backlog, memory with it, the rate beside it, and the rate of working it off."""
    folder = folder / "backlog"
    store = open_store(folder)
    await publish(store, "full")
    begun = time.perf_counter()
    await fill(store, "full", backlog)
    report("store-fill", backlog, time.perf_counter() - begun, [0.0], rss_mb=rss_mb())
    await store.close()
    begun = time.perf_counter()
    store = open_store(folder)
    opened = time.perf_counter() - begun
    report("store-open-with-backlog", 1, opened, [opened * 1000], backlog=backlog, rss_mb=rss_mb())
    other = await publish(store, "other")
    await measure(store, other, "store-beside-backlog", count, 256)
    [full] = [version for version in await store.published() if version.process == "full"]
    await drain(store, full, count)
    begun = time.perf_counter()
    audit = await store.audit(CLOCK.now())
    seconds = time.perf_counter() - begun
    report("store-audit-with-backlog", 1, seconds, [seconds * 1000], balanced=audit.balanced, rss_mb=rss_mb())
    await store.close()


async def drain(store: Store, version: Version, count: int) -> None:
    """Work off part of the backlog, 256 at a time."""
    before, begun = thread_cpu_s(), time.perf_counter()
    done = 0
    while done < count:
        for node in NEXT:
            messages = await store.take(version.id, node, 256, CLOCK.now(), ordered=False)
            done += len(messages) if node == "c" else 0
            await asyncio.gather(*(store.settle([step(message)]) for message in messages))
    seconds, after = time.perf_counter() - begun, thread_cpu_s()
    cpu = {name: round((after[name] - before.get(name, 0.0)) / done * 1e6, 1) for name in after}
    report(
        "store-drain-backlog", done, seconds, [0.0], loop_cpu_us=cpu.get("MainThread"),
        writer_cpu_us=cpu.get("segue-writer"), reader_cpu_us=cpu.get("segue-loader_0"), rss_mb=rss_mb(),
    )  # fmt: skip


SCENARIOS: dict[str, Callable[[Path], Coroutine[object, object, None]]] = {
    "alone": store_alone,
    "backlog": store_backlog,
}


def main() -> None:
    """Run the benches named on the command line, or all, in a folder that is removed afterwards."""
    # What was imported lives as long as the process, and what a message makes are trees: the collector may look seldom.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    for name in sys.argv[1:] or SCENARIOS:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
            uvloop.run(SCENARIOS[name](Path(folder)))


if __name__ == "__main__":
    main()
