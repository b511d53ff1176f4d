"""Operations on many messages: in bites, each message once, whoever else is at work and whenever the server ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from segue.adapters.chance import SystemChance
from segue.control import operations as module
from segue.control.operations import Operations, OperationWish
from segue.core.corrections import Correction
from segue.model.errors import Conflict, Invalid, NotFound, StoreUnavailable
from segue.model.message import Place
from segue.model.operations import Operation, OperationKind, OperationState
from segue.ports.views import PlacedFilter, PlacedMessage
from tests.files import chain, user_task
from tests.site import Site, ok, refuse
from tests.site import site as make_site

ORDERS = PlacedFilter(place=Place.TRASH, process="orders")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with make_site(tmp_path) as made:
        await made.deploy("orders", chain("echo"))
        made.serve("echo", refuse)
        yield made


async def fill(site: Site, count: int) -> None:
    for number in range(count):
        await site.start("orders", {"number": number}, wait=30)


async def finish(site: Site, operation: Operation, use: Operations | None = None) -> Operation:
    use = use or site.control.operations
    while await use.step():
        pass
    return await use.get(operation.id)


def wish(kind: OperationKind, **fields: object) -> OperationWish:
    return OperationWish(kind=kind, wanted=ORDERS, **fields)  # type: ignore[arg-type]


async def test_messages_are_changed_and_sent_back_in_bites(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BITE", 4)
    await fill(site, 10)
    site.serve("echo", ok)
    change = Correction(merge={"checked": True}, headers={"x-checked": "yes"})
    begun = await site.control.operations.begin(wish(OperationKind.RESEND, change=change), "ann")
    assert (begun.state, begun.total, begun.done) == (OperationState.RUNNING, 10, 0)
    now = await finish(site, begun)
    assert (now.state, now.done, now.gone, now.failed) == (OperationState.DONE, 10, 0, 0)
    assert now.finished is not None
    for instance in (await site.get("/api/v1/instances"))["items"]:
        await site.finished(instance["id"])
    assert all(b'checked\\":true' in call.payload and b"x-checked" in call.payload for call in site.workers.calls[10:])
    assert len(site.workers.calls) == 20
    assert (await site.control.audit.audit()).balanced


async def test_what_fails_again_is_not_met_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BITE", 2)
    await fill(site, 5)
    begun = await site.control.operations.begin(wish(OperationKind.RESEND), "ann")
    use = site.control.operations
    while await use.step():
        for instance in (await site.get("/api/v1/instances"))["items"]:
            await site.finished(instance["id"])
    assert (await use.get(begun.id)).done == 5
    assert len(site.workers.calls) == 10


async def test_a_body_that_cannot_be_changed_stays_with_the_reason(site: Site) -> None:
    await fill(site, 2)
    [first, _] = await site.store.placed(ORDERS)
    await site.control.trash.edit(first.message.id, b"no json", None, "ann")
    begun = await site.control.operations.begin(wish(OperationKind.RESEND, change=Correction(merge={"a": 1})), "ann")
    now = await finish(site, begun)
    assert (now.state, now.done, now.failed) == (OperationState.DONE, 1, 1)
    assert now.error is not None
    assert first.message.id in now.error
    assert "no JSON" in now.error


async def test_a_retired_version_is_told_of(site: Site) -> None:
    await fill(site, 1)
    await site.post("/api/v1/processes/orders/versions/1/retire", {"discard": True})
    now = await finish(site, await site.control.operations.begin(wish(OperationKind.RESEND), "ann"))
    assert (now.done, now.failed) == (0, 1)
    assert "retired" in str(now.error)


async def test_to_another_version_in_one_transaction_each(site: Site) -> None:
    await fill(site, 3)
    await site.deploy("orders", chain("better"))
    site.serve("better", ok)
    now = await finish(site, await site.control.operations.begin(wish(OperationKind.RESEND, version=2), "ann"))
    assert (now.done, now.failed) == (3, 0)
    for instance in (await site.get("/api/v1/instances?version=2"))["items"]:
        await site.finished(instance["id"])
    assert len((await site.get("/api/v1/instances?version=2&state=finished"))["items"]) == 3
    assert (await site.control.audit.audit()).balanced


async def test_pause_go_on_cancel(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BITE", 2)
    await fill(site, 7)
    use = site.control.operations
    begun = await use.begin(wish(OperationKind.DISCARD), "ann")
    await use.step()
    assert (await use.turn(begun.id, OperationState.PAUSED)).done == 2
    assert not await use.step()
    await use.turn(begun.id, OperationState.RUNNING)
    await use.step()
    cancelled = await use.turn(begun.id, OperationState.CANCELLED)
    assert (cancelled.state, cancelled.done, await use.step()) == (OperationState.CANCELLED, 4, False)
    with pytest.raises(Conflict, match="ended already"):
        await use.turn(begun.id, OperationState.RUNNING)
    with pytest.raises(NotFound):
        await use.turn("none", OperationState.RUNNING)
    assert len(await site.store.placed(ORDERS)) == 3


@pytest.mark.parametrize("restarted", [True, False])
async def test_a_bite_whose_progress_is_lost_is_not_done_twice_and_is_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
) -> None:
    monkeypatch.setattr(module, "BITE", 3)
    await fill(site, 5)
    begun = await site.control.operations.begin(wish(OperationKind.RESEND), "ann")
    with monkeypatch.context() as broken:

        async def lost(_operation: Operation) -> None:
            raise StoreUnavailable("the server ends here")

        broken.setattr(site.store, "progress", lost)
        with pytest.raises(StoreUnavailable):
            await site.control.operations.step()
    for instance in (await site.get("/api/v1/instances"))["items"]:
        await site.finished(instance["id"])
    now = await finish(site, begun, _another(site) if restarted else None)
    assert (now.state, now.done, now.gone) == (OperationState.DONE, 5, 0)
    for instance in (await site.get("/api/v1/instances"))["items"]:
        await site.finished(instance["id"])
    assert len(site.workers.calls) == 10


async def test_what_fails_after_the_beginning_is_left_alone_although_its_number_is_lower(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(site, 2)
    early, _ = await site.store.placed(ORDERS)
    begun = await site.control.operations.begin(wish(OperationKind.DISCARD), "ann")
    placed = site.store.placed

    async def seen(wanted: PlacedFilter) -> list[PlacedMessage]:
        """The first one came to trash only now: it was in its queue for long."""
        first, *others = await placed(wanted)
        return [replace(first, since=begun.created + 1), *others]

    with monkeypatch.context() as patched:
        patched.setattr(site.store, "placed", seen)
        now = await finish(site, begun)
    assert (now.state, now.done, now.failed) == (OperationState.DONE, 1, 0)
    assert [each.message.id for each in await site.store.placed(ORDERS)] == [early.message.id]


async def test_user_tasks_in_bulk(site: Site) -> None:
    await site.deploy("asks", user_task())
    site.serve("echo", ok)
    for number in range(4):
        await site.start("asks", {"number": number})
    await site.tasks(4)
    wanted = PlacedFilter(place=Place.TRASH, process="asks")
    use = site.control.operations
    first = (await site.tasks(4))[0]["id"]
    one = OperationWish(kind=OperationKind.REJECT, wanted=PlacedFilter(place=Place.TRASH, ids=(first,)))
    assert (await finish(site, await use.begin(one, "bob"))).done == 1
    change = Correction(merge={"approved": True})
    many = OperationWish(kind=OperationKind.ACCEPT, wanted=wanted, change=change)
    assert (await finish(site, await use.begin(many, "bob"))).done == 3
    for instance in (await site.get("/api/v1/instances?process=asks"))["items"]:
        await site.finished(instance["id"])
    assert sum(b"approved" in call.payload for call in site.workers.calls) == 3


async def test_it_runs_on_its_own_and_waits_out_trouble(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    await fill(site, 3)
    placed = site.store.placed
    refused = 0

    async def trouble_at_first(wanted: PlacedFilter) -> object:
        nonlocal refused
        if refused < 2:
            refused += 1
            raise StoreUnavailable("the disk is full")
        return await placed(wanted)

    monkeypatch.setattr(site.store, "placed", trouble_at_first)
    use = site.control.operations
    working = asyncio.create_task(use.run())
    begun = await use.begin(wish(OperationKind.DISCARD), "ann")
    while (await use.get(begun.id)).state is OperationState.RUNNING:
        pass
    working.cancel()
    now = await use.get(begun.id)
    assert (now.state, now.done, refused) == (OperationState.DONE, 3, 2)


async def test_a_wish_that_means_nothing_is_refused(site: Site) -> None:
    use = site.control.operations
    with pytest.raises(Invalid, match="cannot be changed"):
        await use.begin(wish(OperationKind.DISCARD, change=Correction(body=b"x")), "ann")
    with pytest.raises(Invalid, match="takes no version"):
        await use.begin(wish(OperationKind.REJECT, version=1), "ann")
    assert await site.store.operations(None, None, 10) == []


def _another(site: Site) -> Operations:
    """What another server, which has just begun, would work with."""
    store, use = site.store, site.control
    return Operations(store, store, store, use.trash, use.tasks, site.parts.clock, SystemChance())
