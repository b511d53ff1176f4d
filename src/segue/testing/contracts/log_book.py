"""The contract of `LogBook`, B1 to B4."""

from __future__ import annotations

import pytest

from segue.model.errors import ProcessNotFound, StoreUnavailable
from segue.model.message import LogLine
from segue.model.versions import Version
from segue.ports.log_book import LogFilter, SinkPosition
from segue.testing.contracts.store_world import PROCESS, Player, StoreWorld, passed

ALL = ("debug", "info", "warning", "error")


async def _say(player: Player, version: Version, *lines: tuple[str, str]) -> str:
    """An instance whose one message leaves these lines at `a` and ends; its id."""
    accepted = await player.start()
    message = await player.take_one(version, "a")
    logs = tuple(LogLine(level=level, text=text, at=player.now + n) for n, (level, text) in enumerate(lines))
    assert await player.settle(message, passed(message), logs=logs)
    return accepted.instance


class LogBookContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_B1_lines_are_found_by_every_condition(self, player: Player) -> None:
        """Each alone and together; each line once, whole, in both orders, also after a crash."""
        version = await player.enable()
        first = await _say(player, version, ("info", "Order 7 (50%_off) filed"), ("debug", "took 3 ms"))
        player.world.clock.advance(1_000)
        second = await _say(player, version, ("error", "ORDER 8 is lost"), ("info", "Ärger"))
        await player.world.crash()
        every = await player.store.find_logs(LogFilter())
        assert [line.text for line in every] == ["Order 7 (50%_off) filed", "took 3 ms", "ORDER 8 is lost", "Ärger"]
        assert [line.seq for line in every] == sorted({line.seq for line in every})
        line = every[2]
        assert (line.level, line.process, line.version, line.node) == ("error", PROCESS, version.number, "a")
        assert (line.instance, line.at) == (second, player.now)
        wanted = [
            (LogFilter(newest=True, limit=2), [3, 2]),
            (LogFilter(levels=("info",)), [0, 3]),
            (LogFilter(words=("order",)), [0, 2]),
            (LogFilter(words=("order", "LOST")), [2]),
            (LogFilter(words=("%_",)), [0]),
            (LogFilter(words=("0_%",)), []),
            (LogFilter(words=("ger",)), [3]),
            (LogFilter(instance=first), [0, 1]),
            (LogFilter(process=PROCESS, version=version.number, node="a"), [0, 1, 2, 3]),
            (LogFilter(process="other"), []),
            (LogFilter(version=version.number + 1), []),
            (LogFilter(node="b"), []),
            (LogFilter(message=line.message), [2, 3]),
            (LogFilter(since=player.now), [2, 3]),
            (LogFilter(until=player.now), [0, 1]),
            (LogFilter(after=every[1].seq), [2, 3]),
            (LogFilter(before=every[1].seq), [0]),
            (LogFilter(after=every[0].seq, before=every[3].seq, newest=True), [2, 1]),
            (LogFilter(levels=("info", "error"), words=("order",), since=player.now), [2]),
        ]
        for conditions, places in wanted:
            assert await player.store.find_logs(conditions) == [every[place] for place in places], conditions
        assert await player.store.last_log() == every[-1].seq
        assert await player.store.count_logs(every[0].seq, ("info", "debug")) == 2

    async def test_B2_a_position_comes_back(self, player: Player) -> None:
        """Also after a crash; a forgotten one does not."""
        kept = SinkPosition(name="elastic", levels=("warning", "error"), seq=7, sent=5, refused=1)
        await player.store.put_sink_position(SinkPosition(name="elastic", levels=ALL))
        await player.store.put_sink_position(kept)
        await player.store.put_sink_position(SinkPosition(name="mongodb", levels=ALL, seq=3))
        await player.world.crash()
        await player.store.forget_sink("mongodb")
        await player.store.forget_sink("unknown")
        assert await player.store.sink_positions() == [kept]
        player.world.break_writes()
        with pytest.raises(StoreUnavailable):
            await player.store.put_sink_position(SinkPosition(name="elastic", levels=ALL, seq=9))
        player.world.mend_writes()
        assert await player.store.sink_positions() == [kept]

    async def test_B3_old_lines_go_and_what_was_not_sent_is_counted(self, player: Player) -> None:
        """To the line: of the levels that are for the destination and beyond where it is. What is on its way stays."""
        version = await player.enable()
        for _ in range(3):
            await _say(player, version, *((level, level) for level in ALL))
        lines = await player.store.find_logs(LogFilter())
        await player.store.put_sink_position(SinkPosition(name="all", levels=ALL, seq=lines[1].seq))
        await player.store.put_sink_position(SinkPosition(name="errors", levels=("error",)))
        await player.store.put_sink_position(SinkPosition(name="held", levels=("info", "error"), seq=lines[1].seq))
        held = {"held": lines[5].seq, "all": lines[0].seq}
        on_their_way = [line for line in lines[2:6] if line.level in {"info", "error"}]
        assert await player.store.trim_logs(5, 3, held) == 3
        assert await player.store.trim_logs(5, 3, held) == 2
        assert await player.store.trim_logs(5, 3, held) == 0
        assert await player.store.find_logs(LogFilter()) == on_their_way + lines[7:]
        assert await player.store.trim_logs(5, 3, {}) == 2
        await player.world.crash()
        assert await player.store.find_logs(LogFilter()) == lines[7:]
        found = {position.name: position.dropped for position in await player.store.sink_positions()}
        assert found == {"all": 5, "errors": 1, "held": 2}  # "held": those that nobody held any more
        await player.store.put_sink_position(SinkPosition(name="errors", levels=("error",), seq=lines[7].seq, sent=1))
        assert [position.dropped for position in await player.store.sink_positions()] == [5, 1, 2]

    async def test_B3_lines_of_pruned_instances_are_counted_too(self, player: Player) -> None:
        """An instance whose time is over takes its lines with it."""
        version = await player.enable()
        await _say(player, version, ("info", "a"), ("error", "b"))
        await player.store.put_sink_position(SinkPosition(name="errors", levels=("error",)))
        player.world.clock.advance(10)
        assert await player.store.prune(player.now, 10) == 1
        assert [position.dropped for position in await player.store.sink_positions()] == [1]

    async def test_B3_numbers_go_on_beyond_what_was_sent(self, player: Player) -> None:
        """When every line has gone and the store opens again: a destination must not take a new line for an old one."""
        version = await player.enable()
        await _say(player, version, ("info", "a"), ("info", "b"))
        last = await player.store.last_log()
        await player.store.put_sink_position(SinkPosition(name="all", levels=ALL, seq=last))
        await player.store.trim_logs(0, 10, {})
        await player.world.crash()
        await _say(player, version, ("info", "c"))
        assert await player.store.last_log() > last

    async def test_B4_levels_of_processes(self, player: Player) -> None:
        """Put, replaced, taken away; of a process that is there."""
        await player.enable()
        assert await player.store.log_levels() == {}
        await player.store.put_log_level(PROCESS, "debug")
        await player.store.put_log_level(PROCESS, "error")
        await player.world.crash()
        assert await player.store.log_levels() == {PROCESS: "error"}
        with pytest.raises(ProcessNotFound):
            await player.store.put_log_level("nobody", "debug")
        await player.store.put_log_level(PROCESS, None)
        assert await player.store.log_levels() == {}
