"""Hints: how often a process sends them, by how many there are."""

from __future__ import annotations

import pytest

from segue.adapters.postgres.hints import Hints


async def _send(_channel: str, _payload: str) -> None:
    """Nobody is there."""


def _hear(_process: int, _topic: str, _texts: list[str]) -> None:
    """Nothing comes."""


@pytest.mark.parametrize("others", [0, 1, 4, 10, 100, 400])
def test_no_more_hints_are_carried_however_many_processes_send(others: int) -> None:
    hints = Hints(_send, _hear, lambda: 1, lambda: others)
    processes = others + 1
    assert processes**2 / hints.gather_s <= 40_000
    assert hints.gather_s == pytest.approx(0.005) or processes > 14
