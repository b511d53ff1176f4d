"""Trash in bulk: bounded bites, every message once, whoever else is at work."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from segue.adapters.sqlite.file import FILE
from segue.control import trash as module
from segue.model.errors import MessageGone
from segue.model.message import Place, Transition
from segue.ports.views import PlacedFilter
from tests.files import chain
from tests.site import Site, refuse
from tests.site import site as make_site

EVERYTHING = PlacedFilter(place=Place.TRASH, process="orders")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with make_site(tmp_path) as made:
        await made.deploy("orders", chain("echo"))
        made.serve("echo", refuse)
        yield made


async def fill(site: Site, count: int) -> None:
    for number in range(count):
        await site.start("orders", {"number": number}, wait=30)


async def test_many_are_handled_in_bites(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(site, 10)
    bites: list[int] = []
    settle = site.store.settle

    async def counted(transitions: list[Transition]) -> list[bool]:
        bites.append(len(transitions))
        return await settle(transitions)

    monkeypatch.setattr(module, "_BITE", 4)
    monkeypatch.setattr(site.store, "settle", counted)
    result = await site.control.trash.discard_many(EVERYTHING, "me")
    assert (result.done, result.gone, result.more) == (10, 0, False)
    assert bites == [4, 4, 2]


async def test_messages_that_fail_again_are_not_sent_again_in_the_same_call(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker refuses everything, at once; sending back without end would never return."""
    await fill(site, 6)
    monkeypatch.setattr(module, "_BITE", 2)
    settle = site.store.settle

    async def settle_and_let_fail(transitions: list[Transition]) -> list[bool]:
        settled = await settle(transitions)
        if transitions[0].by is not None:
            for transition in transitions:
                await site.finished(transition.message.instance)
        return settled

    monkeypatch.setattr(site.store, "settle", settle_and_let_fail)
    result = await site.control.trash.resend_many(EVERYTHING, "me")
    assert result.done == 6
    assert len(site.workers.calls) == 12


async def test_at_most_as_many_as_asked(site: Site) -> None:
    await fill(site, 5)
    result = await site.control.trash.discard_many(EVERYTHING, "me", at_most=2)
    assert (result.done, result.more) == (2, True)
    result = await site.control.trash.discard_many(EVERYTHING, "me", at_most=3)
    assert (result.done, result.more) == (3, False)


async def test_those_that_somebody_else_took_are_counted_as_gone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(site, 3)
    found = await site.store.placed(EVERYTHING)
    placed = site.store.placed

    async def late(wanted: PlacedFilter) -> object:
        answer = await placed(wanted)
        if len(answer) == 3:
            await site.control.trash.discard(found[1].message.id, "other")
        return answer

    monkeypatch.setattr(site.store, "placed", late)
    result = await site.control.trash.discard_many(EVERYTHING, "me")
    assert (result.done, result.gone) == (2, 1)


async def test_a_second_click_meets_message_gone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is there when it is looked up, and has left when the decision is settled."""
    await fill(site, 1)
    [found] = await site.store.placed(EVERYTHING)

    async def as_before(_id: str, _place: Place) -> object:
        return found

    monkeypatch.setattr(site.store, "placed_message", as_before)
    await site.control.trash.discard(found.message.id, "first")
    for again in (
        site.control.trash.discard(found.message.id, "second"),
        site.control.trash.resend(found.message.id, None, None, None, "second"),
        site.control.trash.edit(found.message.id, b"x", None, "second"),
    ):
        with pytest.raises(MessageGone, match="somebody was faster"):
            await again
    assert (await site.control.audit.audit()).balanced


async def test_who_did_it_is_kept_with_the_step(site: Site, tmp_path: Path) -> None:
    await fill(site, 1)
    [found] = await site.store.placed(EVERYTHING)
    await site.control.trash.discard(found.message.id, "anna")
    with sqlite3.connect(tmp_path / FILE) as connection:
        assert connection.execute("SELECT outcome, by FROM step").fetchall() == [("discarded", "anna")]
