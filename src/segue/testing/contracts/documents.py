"""The contract of documents (D1 to D4), deliveries, authorizations under way (P1, P2), lines and marks."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from segue.model.documents import Delivery, Document, DocumentKind, PendingAuthorization
from segue.model.errors import NameTaken, StoreUnavailable
from segue.ports.documents import KEPT_DELIVERIES, DocumentFilter, WorkerLine
from segue.testing.contracts.store_world import Player, StoreWorld

_INSTALL = DocumentKind.INSTALL
_WEBHOOK = DocumentKind.WEBHOOK
_SECRET = b"0123456789-very-secret"


def _install(id: str, fields: bytes = b"{}", created: int = 1, own: bytes = b"{}") -> Document:
    return Document(id=id, kind=_INSTALL, fields=fields, own=own, created=created, updated=created)


def _delivery(number: int, webhook: str = "w") -> Delivery:
    return Delivery(
        id=f"{number:08}-{webhook}",
        webhook=webhook,
        at=number,
        method="POST",
        sender="192.0.2.1",
        size=7,
        status=200,
        outcome="accepted",
        instance="i",
        message_id="m",
        detail="d",
    )


class DocumentContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_D1_a_document_comes_back_as_it_was_put(self, player: Player) -> None:
        """With every member of what it says, and found by what it says."""
        text = (
            b'{"user":"ann","key":"shop","sdk":"w","enabled":false,"expires":"2026-01-01T00:00:00.000Z","x":[1,null]}'
        )
        put = _install("1", text, own=b'{"y":1}')
        await player.store.put_document(put)
        await player.world.crash()
        [found] = await player.store.documents(DocumentFilter(kind=_INSTALL))
        expected = replace(put, user="ann", application="shop", worker="w", enabled=False, expires=1767225600000)
        assert found == expected
        with pytest.raises(NameTaken):
            await player.store.put_document(_install("1"))

    async def test_documents_are_found_by_what_they_say(self, player: Player) -> None:
        """Each condition for itself; an empty list of values finds nothing."""
        for number, (user, key, enabled) in enumerate((("ann", "shop", True), ("bob", "shop", False))):
            fields = msgspec.json.encode(
                {"user": user, "key": key, "enabled": enabled, "expires": 1_700_000_000 + number}
            )
            await player.store.put_document(_install(str(number), fields, created=5 - number))
        hook = b'{"user":"ann","application":"shop","topology":"orders","node":"in","unsubscribeFailed":false}'
        await player.store.put_document(Document(id="h", kind=_WEBHOOK, fields=hook, created=1, updated=1))
        for wanted, ids in (
            (DocumentFilter(kind=_INSTALL), ["1", "0"]),
            (DocumentFilter(kind=_INSTALL, ids=["0", "h"]), ["0"]),
            (DocumentFilter(kind=_INSTALL, users=["ann"], applications=["shop", "crm"]), ["0"]),
            (DocumentFilter(kind=_INSTALL, applications=[]), []),
            (DocumentFilter(kind=_INSTALL, workers=["w"]), []),
            (DocumentFilter(kind=_INSTALL, enabled=False), ["1"]),
            (DocumentFilter(kind=_INSTALL, expires_by=1_700_000_000_000), ["0"]),
            (DocumentFilter(kind=_WEBHOOK, process="orders", node="in"), ["h"]),
            (DocumentFilter(kind=_WEBHOOK, process="orders", node="out"), []),
        ):
            assert [found.id for found in await player.store.documents(wanted)] == ids, wanted

    async def test_D2_merging_sets_the_members_given_and_no_other(self, player: Player) -> None:
        """What the document is found by follows."""
        await player.store.put_document(_install("1", b'{"user":"ann","a":1,"b":2}', own=b'{"z":0}'))
        changes = {"b": Raw(b"3"), "c": Raw(b'"x"'), "enabled": Raw(b"false")}
        assert await player.store.merge_document(_INSTALL, "1", changes, {"y": Raw(b"1")}, 9)
        await player.world.crash()
        [found] = await player.store.documents(DocumentFilter(kind=_INSTALL, enabled=False))
        said = msgspec.json.decode(found.fields)
        assert said == {"user": "ann", "a": 1, "b": 3, "c": "x", "enabled": False}
        assert (msgspec.json.decode(found.own), found.created, found.updated) == ({"z": 0, "y": 1}, 1, 9)
        assert not await player.store.merge_document(_WEBHOOK, "1", changes, {}, 9)
        assert not await player.store.merge_document(_INSTALL, "2", changes, {}, 9)

    async def test_D2_merges_at_once_lose_nothing(self, player: Player) -> None:
        """Each sets its own member."""
        await player.store.put_document(_install("1"))
        await asyncio.gather(
            *(player.store.merge_document(_INSTALL, "1", {f"m{n}": Raw(b"%d" % n)}, {}, n) for n in range(20))
        )
        [found] = await player.store.documents(DocumentFilter(kind=_INSTALL))
        assert msgspec.json.decode(found.fields) == {f"m{n}": n for n in range(20)}

    async def test_D3_a_deleted_document_is_out_of_the_way(self, player: Player) -> None:
        """It is found by who asks for it, and stays as it was."""
        for number in ("1", "2"):
            await player.store.put_document(_install(number))
        assert await player.store.delete_documents(_WEBHOOK, ["1"], 7) == 0
        assert await player.store.delete_documents(_INSTALL, ["1", "1", "gone"], 7) == 1
        assert await player.store.delete_documents(_INSTALL, ["1"], 8) == 0
        assert not await player.store.merge_document(_INSTALL, "1", {"a": Raw(b"1")}, {}, 9)
        await player.world.crash()
        assert [found.id for found in await player.store.documents(DocumentFilter(kind=_INSTALL))] == ["2"]
        every = await player.store.documents(DocumentFilter(kind=_INSTALL, deleted=True))
        assert [(found.id, found.deleted, found.fields) for found in every] == [("1", 7, b"{}"), ("2", None, b"{}")]

    async def test_nothing_is_changed_in_trouble(self, player: Player) -> None:
        """And it can be done later."""
        await player.store.put_document(_install("1"))
        player.world.break_commits()
        with pytest.raises(StoreUnavailable):
            await player.store.put_document(_install("2"))
        with pytest.raises(StoreUnavailable):
            await player.store.merge_document(_INSTALL, "1", {"a": Raw(b"1")}, {}, 9)
        player.world.mend_writes()
        assert await player.store.documents(DocumentFilter(kind=_INSTALL)) == [_install("1")]
        await player.store.put_document(_install("2"))

    async def test_the_newest_deliveries_are_kept(self, player: Player) -> None:
        """Of each webhook so many; in pages, newest first."""
        await player.store.put_delivery(_delivery(0, "other"))
        for number in range(KEPT_DELIVERIES + 3):
            await player.store.put_delivery(_delivery(number))
        await player.world.crash()
        newest = await player.store.deliveries("w", None, 2)
        assert newest == [_delivery(KEPT_DELIVERIES + 2), _delivery(KEPT_DELIVERIES + 1)]
        rest = await player.store.deliveries("w", newest[-1].id, 10_000)
        assert [each.at for each in rest] == list(range(KEPT_DELIVERIES, 2, -1))
        assert await player.store.deliveries("other", None, 10) == [_delivery(0, "other")]
        await player.store.put_document(Document(id="w", kind=_WEBHOOK, created=1, updated=1))
        await player.store.delete_documents(_WEBHOOK, ["w", "other"], 9)
        assert await player.store.deliveries("w", None, 10) == []
        assert len(await player.store.deliveries("other", None, 10)) == 1

    async def test_P1_an_authorization_is_taken_once(self, player: Player) -> None:
        """By one of those who come at once."""
        pending = PendingAuthorization(digest=b"\x01" * 32, expires=100, content=_SECRET)
        await player.store.put_authorization(pending, 1)
        await player.world.crash()
        taken = await asyncio.gather(*(player.store.take_authorization(pending.digest, 50) for _ in range(5)))
        assert sorted(taken, key=lambda found: found is None) == [pending, None, None, None, None]
        assert await player.store.take_authorization(b"\x02" * 32, 50) is None

    async def test_P2_an_authorization_ends(self, player: Player) -> None:
        """At the instant it says."""
        pending = PendingAuthorization(digest=b"\x01" * 32, expires=100, content=_SECRET)
        await player.store.put_authorization(pending, 1)
        assert await player.store.take_authorization(pending.digest, 100) is None
        await player.store.put_authorization(pending, 1)
        await player.store.put_authorization(replace(pending, digest=b"\x02" * 32, expires=900), 100)
        assert await player.store.take_authorization(pending.digest, 50) is None

    async def test_lines_are_stored_where_they_belong(self, player: Player) -> None:
        """One of an instance or a node that is not known is left out."""
        version = await player.enable()
        accepted = await player.start()
        await player.forward(version, "a")
        at = player.now
        lines = [
            WorkerLine(at=at, level="error", text="one", instance=accepted.instance, node="a"),
            WorkerLine(at=at, level="info", text="two", instance="nobody", node="a"),
            WorkerLine(at=at, level="info", text="three", instance=accepted.instance, node="zz"),
        ]
        assert await player.store.put_lines(lines) == 1
        await player.world.crash()
        found = await player.store.logs(accepted.instance, None, 0, 100)
        [stored] = [line for line in found if line.text == "one"]
        assert (stored.level, stored.at, stored.node, stored.message) == ("error", at, "a", "")
        assert all(line.text not in {"two", "three"} for line in found)

    async def test_a_mark_stays(self, player: Player) -> None:
        """The last one put of its name."""
        assert await player.store.mark("a") is None
        for seq in (5, 9):
            await player.store.put_mark("a", seq)
        await player.store.put_mark("b", 1)
        await player.world.crash()
        assert (await player.store.mark("a"), await player.store.mark("b")) == (9, 1)
