"""The contract of `MetricStore`, K1 to K4."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from segue.core.figures import DURATION, STARTED, WAIT, WORK, WORKER, Figures, Gathered, Span
from segue.model.errors import StoreUnavailable
from segue.model.message import Outcome, Record, RemoteCall
from segue.model.versions import Version
from segue.ports.metrics import MetricFilter, MetricPoint, Minute
from segue.testing.contracts.store_world import PROCESS, Player, StoreWorld, failed, kept, passed

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


class MetricContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_K1_every_handling_is_measured_with_its_settle(self, player: Player) -> None:
        """Whatever became of it; and starts and ends of instances."""
        version = await player.enable()
        for _ in range(5):
            await player.start()
        player.world.clock.advance(40)
        done, repeated, trashed, stays, _ = await player.take(version, "a")
        record = Record(
            taken=player.now - 10,
            worker_us=7_000,
            remote_us=3_000,
            cpu_us=50,
            remote=(RemoteCall("crm.example", 2_000, 200), RemoteCall("crm.example", 1_000, 503)),
        )
        assert await player.settle(done, passed(done), record=record)
        repeat = kept(player.now + 5, outages=0, repeats=1, outcome=Outcome.REPEAT)
        assert await player.settle(repeated, repeat, record=replace(record, remote=()))
        assert await player.settle(trashed, failed(), record=replace(record, remote=()))
        assert await player.settle(stays, kept(player.now + 5), record=replace(record, worker_us=0, remote=()))
        await player.world.crash()
        figures = (await _measured(player))[version.id, "a"]
        assert figures.counts == {"ok": 1, "repeat": 1, "trash": 1, "outage": 1}
        assert (figures.executed(), figures.failures()) == (3, 1)
        waited, worked, worker = (figures.sketches[name] for name in (WAIT, WORK, WORKER))
        assert (waited.count, waited.least, waited.most) == (4, 30, 30)
        assert (worked.count, worked.total) == (4, 40)
        assert (worker.count, worker.total) == (3, 21_000)
        crm = figures.remote["crm.example"]
        assert (crm.took_us.total, crm.statuses) == (3_000, {200: 1, 503: 1})
        instances = (await _measured(player))[version.id, ""]
        assert instances.counts == {STARTED: 5, "finished": 1}
        assert instances.sketches[DURATION].total == 40

    async def test_K1_what_was_not_settled_is_not_measured(self, player: Player) -> None:
        """A stale transition, and a commit that fails."""
        version = await player.enable()
        await player.start()
        [message] = await player.take(version, "a")
        player.world.break_commits()
        with pytest.raises(StoreUnavailable):
            await player.settle(message, passed(message))
        player.world.mend_writes()
        assert await player.settle(message, passed(message))
        assert not await player.settle(message, passed(message))
        measured = await _measured(player)
        assert measured[version.id, "a"].counts == {"ok": 1}
        assert measured[version.id, ""].counts == {STARTED: 1, "finished": 1}

    async def test_K1_measures_are_as_many_as_steps(self, player: Player) -> None:
        """Counted by outcome, also when an instance is ended at once."""
        version = await player.enable()
        for number in range(30):
            await player.start()
            message = await player.take_one(version, "a")
            effect = passed(message, *(["b"] * (number % 3)), outcome=Outcome.STOPPED if number % 5 else Outcome.OK)
            assert await player.settle(message, effect)
        await player.forward(version, "b")
        await player.world.crash()
        steps: Counter[tuple[str, str]] = Counter()
        for notice in await player.store.events(0, 1_000):
            if notice.instance is not None:
                for step in await player.store.instance_steps(notice.instance):
                    steps[step.node, step.outcome] += 1
        counted = {
            (node, outcome): count
            for (_, node), figures in (await _measured(player)).items()
            if node
            for outcome, count in figures.counts.items()
        }
        assert counted == steps

    async def test_K2_measures_are_counted_once(self, player: Player) -> None:
        """Rolling is all or nothing."""
        version = await player.enable()
        for _ in range(3):
            await player.start()
        seqs = [each.seq for each in await player.store.measures(0, 2)]
        assert len(seqs) == 2
        minute = _minute(version, player.now, STARTED)
        player.world.break_commits()
        with pytest.raises(StoreUnavailable):
            await player.store.roll(seqs, [minute])
        player.world.mend_writes()
        assert await player.store.roll(seqs, [minute])
        assert not await player.store.roll(seqs, [minute])
        assert not await player.store.roll(
            [*[each.seq for each in await player.store.measures(0, 9)], seqs[0]], [minute]
        )
        await player.world.crash()
        assert len(await player.store.measures(0, 9)) == 1
        [point] = await _points(player, Span.MINUTE, node="")
        assert (point.process, point.version, point.figures.counts) == (PROCESS, 1, {STARTED: 1})
        await player.start()
        assert len({each.seq for each in await player.store.measures(0, 9)}) == 2

    async def test_K3_hours_and_days_are_their_minutes(self, player: Player) -> None:
        """Sketches and counts alike."""
        version = await player.enable()
        first = player.now - player.now % _DAY_MS
        for number, offset in enumerate((0, 60_000, 60_000, _HOUR_MS, _DAY_MS - 1, _DAY_MS)):
            minute = _minute(version, first + offset, "ok", node="a")
            minute.figures.sketch(WORK).add([number * 100])
            assert await player.store.roll([], [minute])
        await player.world.crash()
        minutes = await _points(player, Span.MINUTE)
        assert [point.figures.counts["ok"] for point in minutes] == [1, 2, 1, 1, 1]
        hours = await _points(player, Span.HOUR)
        assert [(point.at, point.figures.counts["ok"]) for point in hours] == [
            (first, 3),
            (first + _HOUR_MS, 1),
            (first + 23 * _HOUR_MS, 1),
            (first + _DAY_MS, 1),
        ]
        days = await _points(player, Span.DAY)
        assert [(point.at, point.figures.sketches[WORK].total) for point in days] == [
            (first, 1_000),
            (first + _DAY_MS, 500),
        ]
        later = MetricFilter(span=Span.DAY, since=first + 1, until=first + 2 * _DAY_MS, process=PROCESS, version=1)
        assert [point.at for point in await player.store.metrics(later)] == [first + _DAY_MS]
        other = MetricFilter(span=Span.DAY, since=0, until=first + 2 * _DAY_MS, node="b")
        assert await player.store.metrics(other) == []

    async def test_K4_only_what_is_old_is_pruned_of_its_span_alone(self, player: Player) -> None:
        """In bites."""
        version = await player.enable()
        for number in range(4):
            assert await player.store.roll([], [_minute(version, number * 60_000, "ok", node="a")])
        assert [await player.store.prune_metrics(Span.MINUTE, 180_000, 2) for _ in range(3)] == [2, 1, 0]
        assert [point.at for point in await _points(player, Span.MINUTE)] == [180_000]
        assert [point.figures.counts for point in await _points(player, Span.HOUR)] == [{"ok": 4}]

    async def test_K4_places_are_those_of_the_queues(self, player: Player) -> None:
        """Those that are there."""
        version = await player.enable()
        await player.start()
        await player.forward(version, "a")
        [queue] = {group.queue for each in await player.store.measures(0, 9) for group in each.handled}
        assert await player.store.places([queue, 999_999]) == {queue: (version.id, "a")}


def _minute(version: Version, at: int, outcome: str, node: str = "") -> Minute:
    return Minute(version=version.id, node=node, at=at - at % 60_000, figures=Figures(counts={outcome: 1}))


async def _measured(player: Player) -> dict[tuple[int, str], Figures]:
    """All measures so far as figures by version and node, whatever the minute."""
    gathered = Gathered()
    for measures in await player.store.measures(0, 10_000):
        gathered.handled(measures.handled)
        gathered.started(measures.started)
        gathered.ended(measures.ended)
    places = await player.store.places(sorted({key for key, _ in gathered.by_key if key > 0}))
    found: dict[tuple[int, str], Figures] = {}
    for (key, _), figures in gathered.by_key.items():
        found.setdefault(places[key] if key > 0 else (-key, ""), Figures()).merge(figures)
    return found


async def _points(player: Player, span: Span, node: str | None = None) -> list[MetricPoint]:
    return await player.store.metrics(MetricFilter(span=span, since=0, until=2**50, node=node))
