"""Which operations the event loop may execute itself: those whose statements are few for sure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from segue.adapters.sql.operations import AcceptOperation, CallOperation, SettleOperation
from segue.adapters.sql.work import is_short
from segue.model.message import (
    Child,
    Consumed,
    Edited,
    Effect,
    Kept,
    Message,
    Outcome,
    Place,
    Record,
    Returned,
    SetAside,
    Staged,
    Transition,
)
from segue.model.start import Start

START = Start(process="p", instance="i", message="m", at=1, body=b"", headers={})
CHILD = Child(id="c", node="b", body=b"", headers={})


@pytest.fixture
async def future() -> AsyncIterator[asyncio.Future[Any]]:
    made: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    yield made
    made.cancel()


def settling(future: asyncio.Future[Any], *effects: Effect, scope: str = "") -> SettleOperation:
    message = Message(id="m", version=1, node="a", instance="i", body=b"", headers={}, entered=1, seq=1, scope=scope)
    record = Record(taken=1)
    transitions = [Transition(message=message, effect=effect, record=record, at=1) for effect in effects]
    return SettleOperation(transitions, [True] * len(transitions), future)


SHORT = (
    Consumed(outcome=Outcome.OK, children=(CHILD,)),
    Consumed(outcome=Outcome.OK),
    Kept(outcome=Outcome.REPEAT, due=2, repeats=1, outages=0, reason="again", reason_code="repeat"),
    SetAside(reason="failed", reason_code="failed"),
)
LONG = (
    Consumed(outcome=Outcome.OK, terminate=True),
    Consumed(outcome=Outcome.OK, clears="f1.a/"),
    Consumed(outcome=Outcome.OK, starts=(START,)),
    Consumed(outcome=Outcome.OK, staged=Staged(spread=1)),
    Consumed(outcome=Outcome.OK, children=(replace(CHILD, scope="f1.a/"),)),
    Consumed(outcome=Outcome.OK, children=(CHILD,) * 51),
    SetAside(reason="calls", reason_code="calls", starts=(START,)),
    Returned(body=b"", headers={}),
    Edited(body=b"", headers={}),
)


@pytest.mark.parametrize("effect", SHORT)
async def test_what_most_messages_do_is_short(effect: Effect, future: asyncio.Future[Any]) -> None:
    assert is_short(settling(future, effect))
    assert is_short(settling(future, *SHORT))


@pytest.mark.parametrize("effect", LONG)
async def test_what_looks_at_others_or_writes_much_is_not(effect: Effect, future: asyncio.Future[Any]) -> None:
    assert not is_short(settling(future, SHORT[0], effect))


async def test_a_message_of_a_scope_is_not(future: asyncio.Future[Any]) -> None:
    assert not is_short(settling(future, SHORT[0], scope="f1.a/"))


async def test_what_people_decide_on_is_not(future: asyncio.Future[Any]) -> None:
    """It may have called an instance, all of whose messages end with it."""
    operation = settling(future, SHORT[0])
    for place in (Place.WAITING, Place.TRASH, Place.CALLING):
        operation.transitions[0].message.place = place
        assert not is_short(operation)


async def test_a_start_is_short_unless_a_timer_made_it(future: asyncio.Future[Any]) -> None:
    assert is_short(AcceptOperation(START, future))
    assert not is_short(AcceptOperation(replace(START, tick=1), future))


async def test_calls_are_not(future: asyncio.Future[Any]) -> None:
    assert not is_short(CallOperation(lambda _connection, _changes: None, future, versions=False))
