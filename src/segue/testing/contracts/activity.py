"""The contract of the activity log (A1, A2) and of the invitations (I1, I2)."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from segue.model.errors import NameTaken, NotFound
from segue.ports.activity import ActivityFilter, Invitation, NewActivity
from segue.ports.catalog import User
from segue.testing.contracts.store_world import Player, StoreWorld


def _did(at: int, by: str, action: str, about: str) -> NewActivity:
    return NewActivity(at=at, by=by, kind="user", action=action, about=about, detail={"role": "ä"}, address="::1")


def _invitation(id: str, email: str) -> Invitation:
    return Invitation(
        id=id, email=email, digest=id.encode() * 32, scopes=("read", "start"), created=int(id), expires=9, by="ann"
    )


def _user(id: str, email: str) -> User:
    return User(id=id, email=email, password="scrypt$1$1$1$AA==$AA==", scopes=("read",), created=1)  # noqa: S106


class ActivityContract:
    """What people did, and whom they invited. Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_a1_a2_what_was_noted_stays_in_its_order(self, player: Player) -> None:
        """Newest first, numbered in the order of the notes, whole after a crash."""
        done = [
            _did(5, "ann", "publish", "orders v1"),
            _did(4, "bob", "enable", "orders v1"),
            _did(6, "ann", "x", "100%"),
        ]
        for one in done:
            await player.store.note(one)
        await player.world.crash()
        found = await player.store.activities(ActivityFilter())
        assert [(one.at, one.by, one.action, one.detail) for one in found] == [
            (one.at, one.by, one.action, {"role": "ä"}) for one in reversed(done)
        ]
        assert [one.seq for one in found] == sorted((one.seq for one in found), reverse=True)
        older = await player.store.activities(ActivityFilter(before=found[0].seq, limit=1))
        assert older == [found[1]]

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (ActivityFilter(by="ann"), [3, 1]),
            (ActivityFilter(action="enable"), [2]),
            (ActivityFilter(about="ORDERS"), [2, 1]),
            (ActivityFilter(about="0%"), [3]),
            (ActivityFilter(about="%"), [3]),
            (ActivityFilter(about="_"), []),
            (ActivityFilter(since=20), [3, 2]),
            (ActivityFilter(until=20), [1]),
            (ActivityFilter(by="ann", since=20, limit=1), [3]),
        ],
    )
    async def test_they_are_found_by_what_is_known_of_them(
        self, player: Player, wanted: ActivityFilter, expected: list[int]
    ) -> None:
        """Each condition narrows; a text is a part of the words, no pattern."""
        await player.store.note(_did(10, "ann", "publish", "orders v1"))
        await player.store.note(_did(20, "bob", "enable", "orders v1"))
        await player.store.note(_did(30, "ann", "set-role", "100%"))
        assert [one.at // 10 for one in await player.store.activities(wanted)] == expected

    async def test_i1_an_address_has_one_invitation(self, player: Player) -> None:
        """A second one takes the place of the first; none is for who is a user already."""
        await player.store.put_invitation(_invitation("1", "bob@example.org"))
        await player.store.put_invitation(_invitation("2", "cat@example.org"))
        await player.store.put_invitation(_invitation("3", "bob@example.org"))
        await player.world.crash()
        assert [one.id for one in await player.store.invitations()] == ["2", "3"]
        assert (await player.store.invitations())[1] == _invitation("3", "bob@example.org")
        await player.store.put_user(_user("u", "ann@example.org"))
        with pytest.raises(NameTaken):
            await player.store.put_invitation(_invitation("4", "ann@example.org"))
        await player.store.delete_invitation("2")
        with pytest.raises(NotFound):
            await player.store.delete_invitation("2")

    async def test_i2_each_opens_once(self, player: Player) -> None:
        """Of two who come at once one becomes the user; an address that was taken meanwhile leaves it as it was."""
        await player.store.put_invitation(_invitation("1", "bob@example.org"))
        accepted = await asyncio.gather(
            *(player.store.accept_invitation("1", _user(key, "bob@example.org")) for key in ("a", "b"))
        )
        assert sorted(accepted) == [False, True]
        assert len(await player.store.users()) == 1
        await player.store.put_invitation(_invitation("2", "cat@example.org"))
        await player.store.put_user(_user("c", "cat@example.org"))
        with pytest.raises(NameTaken):
            await player.store.accept_invitation("2", _user("d", "cat@example.org"))
        assert await player.store.invitations() == [replace(_invitation("2", "cat@example.org"))]
