"""The contract of searching instances by what their messages hold, and of showing that."""

from __future__ import annotations

import pytest

from segue.core.searching import parse_match
from segue.ports.views import InstanceFilter
from segue.testing.contracts.store_world import Player, StoreWorld, child_of, passed


class SearchContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_what_a_message_held_stays_when_it_has_left(self, player: Player) -> None:
        """Live and gone alike, each with its own; also after a crash."""
        version = await player.enable()
        begun = await player.start(body=b'{"n": 1}', headers={"h": "1"})
        message = await player.take_one(version, "a")
        child = child_of(message, "b")
        assert await player.settle(message, passed(message, "b"))
        await player.world.crash()
        for name, node in ((begun.message, "a"), (child.id, "b")):
            found = await player.store.message_content(begun.instance, name)
            assert found is not None
            assert (found.node, found.headers, found.body) == (node, {"h": "1"}, b'{"n": 1}')
        assert await player.store.message_content(begun.instance, "nobody") is None
        assert await player.store.message_content("nobody", begun.message) is None

    async def test_a_body_that_is_too_large_is_not_kept(self, player: Player) -> None:
        """While the message lives it is there; then the store may say that it kept nothing."""
        version = await player.enable()
        begun = await player.start(body=b"x" * 40_000)
        live = await player.store.message_content(begun.instance, begun.message)
        assert live is not None
        assert live.body == b"x" * 40_000
        await player.forward(version, "a")
        gone = await player.store.message_content(begun.instance, begun.message)
        assert gone is not None
        assert (gone.headers, gone.body) in [(None, None), ({"h": "1"}, b"x" * 40_000)]

    async def test_instances_are_found_by_what_their_messages_hold(self, player: Player) -> None:
        """Live or gone, by a field, a header or a text; conditions narrow, newest first."""
        version = await player.enable()
        first = await player.start(body=b'{"order": {"id": 7}}', headers={"x": "a"})
        await player.forward(version, "a")
        second = await player.start(body=b'{"order": {"id": 7}}', headers={"x": "b"})
        third = await player.start(body=b'{"order": {"id": 8}}', headers={"x": "a"})

        async def ids(text: str, **fields: object) -> list[str]:
            found = await player.store.search(InstanceFilter(**fields), parse_match(text), 10_000)  # type: ignore[arg-type]
            assert found.next is None
            return [one.id for one in found.instances]

        assert await ids("body.order.id=7") == [second.instance, first.instance]
        assert await ids("header.x=a") == [third.instance, first.instance]
        assert await ids('"id": 8') == [third.instance]
        assert await ids("body.order.id=7", process="nobody") == []
        assert await ids("body.order.id=9") == []

    async def test_a_search_goes_on_where_it_stopped(self, player: Player) -> None:
        """By pages, and however little time there is for each: every match comes once, newest first."""
        version = await player.enable()
        wanted = [(await player.start(body=b'{"n": %d}' % (n % 2))).instance for n in range(230)][::-2]
        await player.forward(version, "a")
        for limit, budget in ((7, 10_000), (500, 0)):
            found: list[str] = []
            cursor: str | None = None
            while True:
                wanted_page = InstanceFilter(limit=limit, before=cursor)
                page = await player.store.search(wanted_page, parse_match("body.n=1"), budget)
                found += [one.id for one in page.instances]
                cursor = page.next
                if cursor is None:
                    break
                assert page.reached is not None
            assert found == wanted
