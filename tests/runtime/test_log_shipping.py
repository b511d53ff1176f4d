"""Sending log lines: each line once in its order, whatever the destination does; what goes unsent is counted."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest

from segue.adapters.memory.store import MemoryStore
from segue.model.message import LogLine
from segue.model.versions import Version
from segue.ports.log_book import LogFilter
from segue.ports.log_sinks import Sent, SinkTrouble
from segue.ports.views import StoredLog
from segue.runtime.log_shipping import LogShipping, Shipper
from segue.testing.contracts.store_world import ManualClock, Player, passed


class Paper:
    """A destination that writes down what it gets, and fails as it is told."""

    kind = "paper"
    address = "paper:"
    link = None
    knows_ids = True

    def __init__(self, name: str = "paper", levels: tuple[str, ...] = ("debug", "info", "warning", "error")) -> None:
        self.name = name
        self.levels = levels
        self.got: list[StoredLog] = []
        self.trouble: str | None = None
        self.refuses = ""
        self.closed = False
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def send(self, lines: Sequence[StoredLog]) -> Sent:
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.trouble is not None:
            raise SinkTrouble(self.trouble)
        taken = [line for line in lines if not self.refuses or self.refuses not in line.text]
        self.got += taken
        refused = len(lines) - len(taken)
        return Sent(taken=len(taken), refused=refused, reason="not this" if refused else None)

    async def close(self) -> None:
        self.closed = True


class World:
    """A store in memory with a process that says things."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.memory = MemoryStore(self.clock)
        self.store = self.memory

    async def crash(self) -> None:
        self.memory.crash()

    def break_writes(self) -> None:
        self.memory.break_writes("the disk is full")

    def break_commits(self) -> None:
        self.break_writes()

    def mend_writes(self) -> None:
        self.memory.mend_writes()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def player(world: World) -> Player:
    return Player(world)


async def say(player: Player, version: Version, *levels: str) -> None:
    await player.start()
    message = await player.take_one(version, "a")
    logs = tuple(LogLine(level=level, text=f"{level} {n}", at=player.now) for n, level in enumerate(levels))
    assert await player.settle(message, passed(message), logs=logs)


async def turn() -> None:
    """Let the others have their turn of the loop."""
    await asyncio.sleep(0)


async def carried(shipper: Shipper) -> None:
    while await shipper.step():
        pass


async def test_lines_arrive_once_in_order_and_go_on_after_a_restart(world: World, player: Player) -> None:
    version = await player.enable()
    paper, errors = Paper(), Paper("errors", ("error",))
    for _ in range(3):
        await say(player, version, *["info", "error"] * 300)
        for sink in (paper, errors):
            await carried(Shipper(sink, world.store, world.clock))  # each time another life
    every = await world.store.find_logs(LogFilter(limit=10_000))
    assert paper.got == every
    assert errors.got == [line for line in every if line.level == "error"]
    shipping = LogShipping([paper, errors], world.store, world.clock, 10)
    assert [(state.waiting, state.sent) for state in await shipping.states()] == [(0, 1800), (0, 900)]


async def test_a_destination_in_trouble_keeps_its_lines_waiting_and_says_why(world: World, player: Player) -> None:
    version = await player.enable()
    paper = Paper()
    shipper = Shipper(paper, world.store, world.clock)
    await say(player, version, "info")
    paper.trouble = "it is away"
    with pytest.raises(SinkTrouble):
        await shipper.step()
    paper.trouble = None
    await carried(shipper)
    assert len(paper.got) == 1


async def test_a_line_that_is_refused_does_not_hold_up_the_others(world: World, player: Player) -> None:
    version = await player.enable()
    paper = Paper()
    paper.refuses = "info 1"
    shipping = LogShipping([paper], world.store, world.clock, 10)
    await say(player, version, "info", "info", "error")
    running = asyncio.create_task(shipping.run())
    async with asyncio.timeout(30):
        while (await shipping.states())[0].waiting:
            await turn()
    running.cancel()
    await asyncio.wait({running})
    [state] = await shipping.states()
    assert (state.sent, state.refused, state.refusal, state.status) == (2, 1, "not this", "ok")
    assert paper.closed


async def test_what_had_to_go_unsent_is_counted_to_the_line() -> None:
    """Random histories: every line is sent, still waiting, or counted as dropped."""
    for seed in range(30):
        dice = random.Random(seed)
        world = World()
        player = Player(world)
        version = await player.enable()
        paper = Paper()
        said = 0
        shipping = LogShipping([paper], world.store, world.clock, dice.randint(1, 60))
        [shipper] = shipping.shippers
        await shipping.begin()
        for _ in range(40):
            paper.trouble = dice.choice([None, None, "it is away"])
            paper.meanwhile = dice.choice([None, shipping.trim])
            count = dice.randint(0, 30)
            await say(player, version, *["info"] * count)
            said += count
            if dice.random() < 0.5:
                with contextlib.suppress(SinkTrouble):
                    await shipper.step()
            if dice.random() < 0.5:
                await shipping.trim()
        [state] = await shipping.states()
        assert state.sent == len(paper.got) == len({line.seq for line in paper.got})
        assert said == state.sent + state.waiting + state.dropped


async def test_the_store_in_trouble_is_waited_for(world: World, player: Player) -> None:
    version = await player.enable()
    paper = Paper()
    await say(player, version, "info")
    shipper = Shipper(paper, world.store, world.clock)
    world.break_writes()
    running = asyncio.create_task(shipper.run())
    async with asyncio.timeout(30):
        while shipper.trouble is None:
            await turn()
    assert "the disk is full" in shipper.trouble
    running.cancel()
    await asyncio.wait({running})
    assert paper.got == []


async def test_a_destination_that_is_no_longer_configured_is_forgotten(world: World, player: Player) -> None:
    version = await player.enable()
    await say(player, version, "info")
    await carried(Shipper(Paper("old"), world.store, world.clock))
    running = asyncio.create_task(LogShipping([], world.store, world.clock, 10).run())
    async with asyncio.timeout(30):
        while await world.store.sink_positions():
            await turn()
    running.cancel()
    await asyncio.wait({running})
