"""Two engines on one store: limits, schedules' leadership, changes that the other one made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from segue.adapters.chance import SystemChance
from segue.adapters.memory.store import MemoryStore
from segue.core.figures import Figures, Span
from segue.core.routing import entry_points
from segue.model.errors import StoreUnavailable
from segue.model.events import Event, EventKind
from segue.model.graph import Action, ActionKind, Flow, LimitRule, Node, NodeKind, ProcessGraph
from segue.model.limits import GivenLimit
from segue.model.services import Member, Role, ServiceStatus
from segue.model.versions import InstanceState, Version, VersionContent, VersionState
from segue.model.workers import Worker, WorkerCall, WorkerReply
from segue.ports.catalog import NewVersion
from segue.ports.limits import Ask, Ended
from segue.ports.metrics import Minute
from segue.runtime.accept import StartRequest
from segue.runtime.engine import Engine
from segue.runtime.figure_totals import FigureTotals
from segue.runtime.leadership import Lead
from segue.runtime.shape import Shape
from segue.runtime.shared_limiter import SharedLimiter
from segue.testing.contracts.store_world import ManualClock
from segue.testing.worker import FakeWorkers, envelope

RULE = LimitRule(key="k", calls=3, per_ms=60_000)


def shape(name: str, *roles: Role) -> Shape:
    member = Member(id=name, host="h", pid=1, roles=roles, release="1", started=1)
    return Shape(member=member, roles=frozenset(roles or Role), alone=False, poll_s=0.01)


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(
                0.005
            )  # not synchronisation: what another engine will do has to be asked for again and again


def graph(limits: tuple[LimitRule, ...] = ()) -> ProcessGraph:
    action = Action(kind=ActionKind.CUSTOM, worker="w", name="act")
    nodes = (
        Node(id="start", kind=NodeKind.START, element="startEvent"),
        Node(id="a", kind=NodeKind.ACTION, element="serviceTask", action=action, limits=limits),
    )
    return ProcessGraph(key="p", name="p", nodes=nodes, flows=(Flow(id="f", source="start", target="a"),))


async def publish(store: MemoryStore, drawn: ProcessGraph) -> Version:
    if not await store.processes(None, 1):
        await store.create_process("p", "", 1)
    draft = NewVersion(
        process="p",
        content=VersionContent(source=b"", dialect="bpmn", graph=drawn),
        entries=entry_points(drawn),
        semantic_hash="x",
        author="a",
        note="",
        at=1,
    )
    version = await store.put_draft(draft)
    await store.set_state("p", version.number, VersionState.DISABLED, 1)
    return await store.set_state("p", version.number, VersionState.ENABLED, 1)


class Calls:
    """A worker that counts its calls and answers at once."""

    def __init__(self) -> None:
        self.count = 0

    def transport(self) -> FakeWorkers:
        fake = FakeWorkers()
        fake.serve("http://w", "/custom-node/act/process", self._answer)
        return fake

    def _answer(self, call: WorkerCall) -> WorkerReply:
        self.count += 1
        return envelope("{}")


@asynccontextmanager
async def running(store: MemoryStore, calls: Calls, *shapes: Shape) -> AsyncIterator[list[Engine]]:
    clock = ManualClock()
    engines = [Engine(store, calls.transport(), clock, SystemChance(), shape=each) for each in shapes]
    try:
        for engine in engines:
            await engine.start()
        yield engines
    finally:
        for engine in engines:
            await engine.stop(1.0)


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore(ManualClock())
    await store.put_worker(Worker(name="w", url="http://w", headers={}, created=1))
    return store


async def start(engine: Engine) -> InstanceState:
    request = StartRequest(process="p", body=b"{}", headers={})
    return (await engine.acceptor.start_and_wait(request, 20.0))[1]


async def test_a_process_without_control_services_hears_how_its_instance_ended(store: MemoryStore) -> None:
    await publish(store, graph())
    async with running(store, Calls(), shape("api", Role.API), shape("control", Role.CONTROL)) as (api, control):
        assert api.services() == []
        assert await start(api) is InstanceState.FINISHED
        await until(lambda: any(state.handled for state in control.services()))


async def test_who_runs_control_services_alone_reads_no_ends_of_instances(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each process that is added reads what all the others do."""
    heard: list[EventKind] = []
    pass_on = Engine._pass_on

    def note(engine: Engine, events: Sequence[Event]) -> None:
        if Role.API not in engine.shape.roles:
            heard.extend(event.kind for event in events)
        pass_on(engine, events)

    monkeypatch.setattr(Engine, "_pass_on", note)
    version = await publish(store, graph())
    async with running(store, Calls(), shape("api", Role.API), shape("control", Role.CONTROL)) as (api, control):
        for _ in range(3):
            assert await start(api) is InstanceState.FINISHED
        await store.retire("p", version.number, discard=False, at=1)
        await until(lambda: control.services() == [])
        await until(lambda: EventKind.VERSION_RETIRED in heard)
    assert EventKind.INSTANCE_FINISHED not in heard


async def test_nothing_of_a_process_goes_on_after_its_end(store: MemoryStore) -> None:
    await publish(store, graph())
    async with running(store, Calls(), shape("one"), shape("two")):
        pass
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_one_process_publishes_and_retires_the_others_run_and_drop(store: MemoryStore) -> None:
    async with running(store, Calls(), shape("one"), shape("two")) as (one, two):
        version = await publish(store, graph())
        await until(lambda: len(one.services()) == len(two.services()) == 1)
        await store.retire("p", version.number, discard=False, at=1)
        await until(lambda: one.services() == two.services() == [])


async def test_a_worker_that_was_registered_elsewhere_is_called(store: MemoryStore) -> None:
    await store.delete_worker("w")
    await publish(store, graph())
    calls = Calls()
    async with running(store, calls, shape("one")) as (one,):
        waiting = asyncio.create_task(start(one))
        await store.put_worker(Worker(name="w", url="http://w", headers={}, created=1))
        await until(lambda: one._directory.worker("w") is not None)
        [version] = await store.published()
        one._deployment.wake(version.id, "a")
        waiting.cancel()


async def test_two_processes_together_make_no_more_calls_than_the_limit_allows(store: MemoryStore) -> None:
    await publish(store, graph((RULE,)))
    calls = Calls()
    async with running(store, calls, shape("one"), shape("two")) as (one, two):
        for engine in (one, two) * 4:
            await engine.acceptor.start(StartRequest(process="p", body=b"{}", headers={}))
        held = "the limit of k is reached"
        await until(lambda: all(lane.held == held for e in (one, two) for s in e.services() for lane in s.lanes[1:]))
        assert calls.count == RULE.calls


async def test_a_process_without_control_services_says_why_a_queue_waits(store: MemoryStore) -> None:
    await publish(store, graph((RULE,)))
    shapes = shape("api", Role.API), shape("one", Role.CONTROL), shape("two", Role.CONTROL)
    async with running(store, Calls(), *shapes) as (api, one, two):
        for _ in range(8):
            await api.acceptor.start(StartRequest(process="p", body=b"{}", headers={}))
        await until(lambda: all(s.lanes[1].held is not None for e in (one, two) for s in e.services()))
        for engine in (one, two):
            await engine._beat()
        [seen] = await api.services_together()
        assert seen.lanes[1].held == "the limit of k is reached"
        api.note_remote(seen.version_id, "a", "shop.example", 5, 200)
        assert not api.meter._beside
        await api._look_around()
        api.note_remote(seen.version_id, "a", "shop.example", 5, 200)
        api.note_remote(seen.version_id, "nobody", "shop.example", 5, 200)
        assert [node for _, node, _ in api.meter._beside] == ["a"]
        assert seen.lanes[1].prefetch == sum(e.services()[0].lanes[1].prefetch for e in (one, two))


async def test_a_scrape_of_one_process_tells_what_others_added_up(store: MemoryStore) -> None:
    await publish(store, graph())
    async with running(store, Calls(), shape("api", Role.API), shape("control", Role.CONTROL)) as (api, control):
        for _ in range(3):
            assert await start(api) is InstanceState.FINISHED
        await control.meter.step()
        totals = await api.figures_together()
        assert totals["p", 1, "a"].counts == {"ok": 3}
        assert totals["p", 1, ""].counts == {"started": 3, "finished": 3}


async def test_sums_over_minutes_never_fall(store: MemoryStore) -> None:
    """Neither when minutes are closed, nor when their rows are pruned."""
    version, clock = await publish(store, graph()), ManualClock()
    totals = FigureTotals(store, clock)

    async def handled(at: int, count: int) -> None:
        figures = Figures(first=at, last=at, counts={"ok": count})
        minute = Minute(version=version.id, node="a", at=at - at % 60_000, figures=figures)
        assert await store.roll([], [minute])

    seen = []
    for minutes in range(8):
        await handled(clock.now(), 2)
        await totals.read()
        if minutes:
            await handled(clock.now() - 60_000, 1)  # what came late
        seen.append((await totals.read())["p", 1, "a"].counts["ok"])
        await store.prune_metrics(Span.MINUTE, clock.now() - 3 * 60_000, 100)
        clock.advance(60_000)
    assert seen == [2 + 3 * minutes for minutes in range(8)]
    clock.advance(10 * 60_000)
    assert seen[-1:] == [(await totals.read())["p", 1, "a"].counts["ok"]]


async def test_services_of_all_are_seen_by_all_and_restarted_by_any(store: MemoryStore) -> None:
    await publish(store, graph())
    async with running(store, Calls(), shape("api", Role.API), shape("control", Role.CONTROL)) as (api, control):
        await control._beat()
        [seen] = await api.all_services()
        assert (seen.member.id, seen.state.status, seen.id) == ("control", ServiceStatus.RUNNING, "control.1")
        await api.restart_service(seen.id)
        await until(lambda: [state.restarts for state in control.services()] == [1])
        kinds = lambda events: [event.kind for event in events]  # noqa: E731
        await until(lambda: _holds(store, EventKind.SERVICE_RESTARTED))
        assert EventKind.RESTART_ASKED in kinds(await store.events(0, 100))


async def _holds(store: MemoryStore, kind: EventKind) -> bool:
    return any(event.kind is kind for event in await store.events(0, 100))


async def test_one_leads_and_another_takes_over(store: MemoryStore) -> None:
    led: list[str] = []

    def lead(name: str) -> Lead:
        async def work() -> None:
            led.append(name)
            await asyncio.Event().wait()

        return Lead(store, "timers", name, work)

    one, two = lead("one"), lead("two")
    first = asyncio.create_task(one.run())
    await until(lambda: led == ["one"])
    second = asyncio.create_task(two.run())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    assert not one.leading
    await one.resign()
    await until(lambda: led == ["one", "two"])
    second.cancel()
    await asyncio.wait({second})


async def test_who_cannot_renew_stops_before_another_begins(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    lead = Lead(store, "timers", "one", work)
    monkeypatch.setattr("segue.runtime.leadership._RENEW_S", 0.01)
    monkeypatch.setattr("segue.runtime.leadership._GIVE_UP_S", 0.05)
    running = asyncio.create_task(lead.run())
    await until(lambda: lead.leading)
    store.break_writes("gone")
    async with asyncio.timeout(30):
        await ended.wait()
    running.cancel()
    await asyncio.wait({running})


class Unsure:
    """Limits whose answer gets lost after it was made true."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.lose = False

    async def settle_slots(self, ended: list[Ended], asks: list[Ask]) -> list[int | None]:
        answers = await self.store.settle_slots(ended, asks)
        if self.lose:
            self.lose = False
            raise StoreUnavailable("the line is cut")
        return answers

    async def declare_rules(self, version: int, rules: list[LimitRule]) -> None:
        await self.store.declare_rules(version, rules)

    async def watch_windows(self, windows: list[tuple[str, int]]) -> None:
        await self.store.watch_windows(windows)

    async def tidy_slots(self) -> int:
        return await self.store.tidy_slots()


async def test_a_grant_whose_answer_was_lost_is_not_held_for_ever(store: MemoryStore) -> None:
    rule = replace(RULE, calls=1, per_ms=1)
    unsure = Unsure(store)
    limiter = SharedLimiter(unsure, ManualClock())
    await limiter.declare(0, [rule])
    unsure.lose = True
    assert await limiter.acquire("first", [rule], lambda: None) is not None
    assert [slot.ended for slot in await store.slots()] == [None]
    assert await limiter.acquire("second", [rule], lambda: None) is not None
    store._slot_clock.advance(2)
    assert await limiter.acquire("third", [rule], lambda: None) is None


async def test_a_call_whose_asker_was_cancelled_ends(store: MemoryStore) -> None:
    limiter = SharedLimiter(store, ManualClock())
    await limiter.declare(0, [RULE])
    asking = asyncio.create_task(limiter.acquire("x", [RULE], lambda: None))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking})
    await until(lambda: not limiter._ends and limiter._work is None and limiter._later is None)
    assert all(slot.ended is not None for slot in await store.slots())


async def test_what_a_person_gives_in_one_process_limits_the_others(store: MemoryStore) -> None:
    """The store decides it, under the rule that came with the ask; of the file's rule alone more would go."""
    await publish(store, graph((RULE,)))
    calls = Calls()
    async with running(store, calls, shape("api", Role.API), shape("control", Role.CONTROL)) as (api, control):
        given = LimitRule(key="k", calls=1, per_ms=RULE.per_ms)
        await store.put_given_limit(GivenLimit(key="k", rules=(given,), by="a", at=1))
        await api.reload_limits()
        await until(lambda: control._limits._given == {"k": (given,)})
        assert await start(api) is InstanceState.FINISHED
        await api.acceptor.start(StartRequest(process="p", body=b"{}", headers={}))
        await until(lambda: control.waiting_for("k") == ["p"])
        assert calls.count == 1


async def test_work_that_finds_the_store_away_is_begun_again_without_a_trace_of_calls(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise StoreUnavailable("the database ended the connection")
        await asyncio.Event().wait()

    monkeypatch.setattr("segue.runtime.leadership._RENEW_S", 0.01)
    running = asyncio.create_task(Lead(store, "timers", "one", work).run())
    await until(lambda: begun == 2)
    running.cancel()
    await asyncio.wait({running})
    assert "the database ended the connection" in caplog.text
    assert "Traceback" not in caplog.text
