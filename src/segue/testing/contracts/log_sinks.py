"""The contract of `LogSink`, S1 to S4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pytest

from segue.ports.log_sinks import LogSink, SinkTrouble
from segue.ports.views import StoredLog

INSTANCE = "018f2f6c-7f00-7000-8000-000000000001"
_TEXTS = ("plain", "quotes \" ' and \\", "two\nlines", "späť 🙂 \u2028", "", "x" * 20_000, "{ $where: 1 }", "a.b.$c")


class SinkWorld(Protocol):
    """A destination under test with what receives its lines."""

    sink: LogSink

    async def found(self) -> Sequence[Mapping[str, Any]]:
        """Every document that arrived, by its `event.sequence`; those that arrived twice are there twice."""
        ...

    async def vanish(self) -> None:
        """The receiver is gone; who connects is refused."""
        ...

    async def come_back(self) -> None:
        """The receiver is there again, with what it had."""
        ...


def stored(seq: int, text: str, level: str = "info") -> StoredLog:
    """A line as the store gives it."""
    return StoredLog(
        seq=seq,
        at=1_700_000_000_123 + seq,
        level=level,
        text=text,
        process="orders",
        version=3,
        node="Task_1",
        instance=INSTANCE,
        message=f"m{seq}",
    )


class LogSinkContract:
    """Needs the fixture `world`."""

    async def test_S1_S4_lines_arrive_whole(self, world: SinkWorld) -> None:
        """Each with everything that it belongs to, whatever its text."""
        lines = [stored(seq, text, "error" if seq % 2 else "debug") for seq, text in enumerate(_TEXTS, 1)]
        sent = await world.sink.send(lines)
        assert (sent.taken, sent.refused) == (len(lines), 0)
        found = await world.found()
        assert [document["message"] for document in found] == list(_TEXTS)
        for line, document in zip(lines, found, strict=True):
            assert document["log"]["level"] == line.level
            assert document["event"]["id"] == f"{INSTANCE}-{line.seq}"
            assert document["@timestamp"] == f"2023-11-14T22:13:20.{123 + line.seq}Z"
            assert document["segue"] == {
                "process": "orders",
                "version": 3,
                "node": "Task_1",
                "instance": INSTANCE,
                "message": line.message,
            }

    async def test_S2_lines_that_come_again_are_there_once(self, world: SinkWorld) -> None:
        """Where ids are known; elsewhere each copy has the same id."""
        await world.sink.send([stored(seq, "first") for seq in range(1, 8)])
        sent = await world.sink.send([stored(seq, "first") for seq in range(4, 11)])
        assert (sent.taken, sent.refused) == (7, 0)
        found = [document["event"]["sequence"] for document in await world.found()]
        assert sorted(set(found)) == list(range(1, 11))
        if world.sink.knows_ids:
            assert len(found) == 10

    async def test_S3_trouble_is_told_and_over_when_it_is_over(self, world: SinkWorld) -> None:
        """The same lines go through afterwards, over the same sink."""
        await world.sink.send([stored(1, "before")])
        assert [document["event"]["sequence"] for document in await world.found()] == [1]
        await world.vanish()
        with pytest.raises(SinkTrouble) as told:
            await _send_often(world, stored(2, "meanwhile"))
        assert "password" not in str(told.value)
        await world.come_back()
        await world.sink.send([stored(2, "meanwhile"), stored(3, "after")])
        assert {document["event"]["sequence"] for document in await world.found()} >= {1, 2, 3}


async def _send_often(world: SinkWorld, line: StoredLog) -> None:
    """A protocol without confirmations learns late that nobody is there."""
    for _ in range(10):
        await world.sink.send([line])
