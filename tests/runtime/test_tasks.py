"""Tasks that are told to end, also those that would rather go on."""

from __future__ import annotations

import asyncio
import logging
import os

import pytest

from segue.bootstrap.server import _give_up
from segue.model.errors import StoreUnavailable
from segue.tasks import end


async def test_a_task_is_ended_though_an_error_took_the_place_of_the_cancellation() -> None:
    begun, cleaned = asyncio.Event(), 0

    async def stubborn() -> None:
        nonlocal cleaned
        while True:
            try:
                begun.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cleaned += 1
                if cleaned == 2:
                    raise

    task = asyncio.create_task(stubborn())
    await begun.wait()
    await end(task, None)
    assert task.cancelled()
    assert cleaned == 2


async def test_what_a_task_ended_with_is_not_raised_at_its_end() -> None:
    async def failing() -> None:
        raise StoreUnavailable("away")

    task = asyncio.create_task(failing())
    await asyncio.wait({task})
    await end(task)
    assert isinstance(task.exception(), StoreUnavailable)


async def test_a_server_that_cannot_end_says_what_still_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    task = asyncio.create_task(asyncio.Event().wait(), name="the one that hangs")
    with caplog.at_level(logging.ERROR):
        _give_up()
    await end(task)
    assert codes == [1]
    assert "the one that hangs" in caplog.text
