"""The contract of `NoticeCatalog`, N1 to N8."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from segue.model.errors import Conflict, NotFound, StoreUnavailable
from segue.model.events import Event, EventKind
from segue.model.notices import Attempt, EmailSender, Notice, NoticeState, Rule, Sender, Told, UrlSender
from segue.ports.notices import NoticeFilter
from segue.testing.contracts.store_world import PROCESS, Player, StoreWorld, failed

_TRASH = EventKind.MESSAGE_IN_TRASH
_DOWN = EventKind.WORKER_DOWN


class NoticeContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    async def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test, which has one sender."""
        player = Player(world)
        await player.store.put_sender(_sender("hook"))
        return player

    async def test_N1_events_that_no_settle_caused_are_stored_and_told(self, player: Player) -> None:
        """In order among those of settles, with and without a version; to who named kinds, those alone."""
        told, trash, others = list[Event](), list[Event](), list[Event]()
        player.store.on_events(told.extend)
        player.store.on_events(trash.extend, [_TRASH])
        player.store.on_events(others.extend, [EventKind.INSTANCE_FAILED])
        version = await player.enable()
        await player.start()
        await player.store.note_events(
            [_event(_DOWN, player, process=PROCESS, version=1, node="a"), _event(_DOWN, player)]
        )
        [message] = await player.take(version, "a")
        assert await player.settle(message, failed())
        await player.world.crash()
        events = await _events(player)
        assert [event.kind for event in events[-3:]] == [_DOWN, _DOWN, _TRASH]
        assert [event.seq for event in events] == sorted({event.seq for event in events})
        assert (events[-3].process, events[-3].version, events[-3].node) == (PROCESS, 1, "a")
        assert (events[-2].process, events[-2].version) == (None, None)
        assert told[-3:] == events[-3:]
        assert (trash, others) == (events[-1:], [])

    async def test_N1_of_events_in_trouble_none_is_stored(self, player: Player) -> None:
        """All or none."""
        player.world.break_commits()
        with pytest.raises(StoreUnavailable):
            await player.store.note_events([_event(_DOWN, player), _event(_DOWN, player)])
        player.world.mend_writes()
        assert await _events(player) == []

    async def test_N2_the_position_moves_with_the_notices_or_not_at_all(self, player: Player) -> None:
        """So an event becomes a notice once."""
        events = await _told(player, 3)
        assert await player.store.position() == 0
        first = _notices(player, events[:2])
        assert await player.store.advance(0, events[1].seq, first)
        assert not await player.store.advance(0, events[1].seq, first)
        player.world.break_commits()
        with pytest.raises(StoreUnavailable):
            await player.store.advance(events[1].seq, events[2].seq, _notices(player, events[2:]))
        player.world.mend_writes()
        await player.world.crash()
        assert await player.store.position() == events[1].seq
        assert [notice.key for notice in await _listed(player)] == [first[1].key, first[0].key]
        assert await player.store.advance(events[1].seq, events[2].seq, _notices(player, events[2:]))
        assert len(await _listed(player)) == 3

    async def test_N2_events_are_scanned_in_bites_by_kind(self, player: Player) -> None:
        """What was seen is known also where nothing fits."""
        await _told(player, 5)
        await player.store.note_events([_event(EventKind.WORKER_UP, player)])
        events = await _events(player)
        scan = await player.store.scan_events(0, [_DOWN], 4)
        assert [event.seq for event in scan.events] == [event.seq for event in events[:4]]
        assert scan.seen == events[3].seq
        scan = await player.store.scan_events(scan.seen, [EventKind.WORKER_UP], 4)
        assert scan.events == (events[-1],)
        assert scan.seen == events[-1].seq
        scan = await player.store.scan_events(scan.seen, [_DOWN], 4)
        assert (scan.events, scan.seen) == ((), events[-1].seq)

    async def test_N3_of_a_known_notice_the_content_is_replaced(self, player: Player) -> None:
        """Not what attempts have made of it."""
        events = await _told(player, 2)
        [notice] = _notices(player, events[:1])
        await player.store.advance(0, events[0].seq, [notice])
        [claimed] = await player.store.claim_notices("hook", player.now, player.now + 10, 9)
        await player.store.record_attempts([Attempt(key=notice.key, at=player.now)])
        more = replace(notice, count=2, suppressed=1, told=(*notice.told, Told(event=events[1])))
        await player.store.advance(events[0].seq, events[1].seq, [more])
        await player.world.crash()
        found = await player.store.notice(notice.key)
        assert found is not None
        assert (found.count, found.suppressed, len(found.told), found.seq) == (2, 1, 2, claimed.seq)
        assert (found.state, found.attempts) == (NoticeState.DELIVERED, 1)

    async def test_N4_a_due_notice_is_claimed_once_until_its_lease_ends(self, player: Player) -> None:
        """Also across a crash; earliest due first."""
        events = await _told(player, 4)
        dues = (3, 1, 2, 1_000)
        made = [
            replace(notice, due=player.now + due) for notice, due in zip(_notices(player, events), dues, strict=True)
        ]
        await player.store.advance(0, events[-1].seq, made)
        assert await player.store.dues() == {"hook": player.now + 1}
        assert await player.store.claim_notices("hook", player.now, player.now + 50, 9) == []
        player.world.clock.advance(10)
        first = await player.store.claim_notices("hook", player.now, player.now + 50, 2)
        assert [notice.key for notice in first] == [made[1].key, made[2].key]
        second = await player.store.claim_notices("hook", player.now, player.now + 50, 9)
        assert [notice.key for notice in second] == [made[0].key]
        assert await player.store.claim_notices("other", player.now, player.now + 50, 9) == []
        await player.store.record_attempts([Attempt(key=made[1].key, at=player.now, error="no", due=player.now + 5)])
        await player.world.crash()
        player.world.clock.advance(5)
        again = await player.store.claim_notices("hook", player.now, player.now + 50, 9)
        assert [(notice.key, notice.attempts, notice.error) for notice in again] == [(made[1].key, 2, "no")]
        player.world.clock.advance(45)
        again = await player.store.claim_notices("hook", player.now, player.now + 50, 9)
        assert {notice.key for notice in again} == {made[2].key, made[0].key}

    async def test_N4_what_gathers_is_claimed_once_its_time_is_over(self, player: Player) -> None:
        """It is listed until then."""
        events = await _told(player, 1)
        [made] = _notices(player, events)
        made = replace(made, state=NoticeState.GATHERING, due=player.now + 60)
        await player.store.advance(0, events[0].seq, [made])
        assert [notice.key for notice in await player.store.gathering()] == [made.key]
        assert await player.store.dues() == {"": player.now + 60}
        assert await player.store.close_gathering(player.now) == 0
        player.world.clock.advance(60)
        assert await player.store.claim_notices("hook", player.now, player.now + 9, 9) == []
        assert await player.store.close_gathering(player.now) == 1
        assert await player.store.gathering() == []
        assert len(await player.store.claim_notices("hook", player.now, player.now + 9, 9)) == 1

    async def test_N5_what_is_delivered_stays_so(self, player: Player) -> None:
        """Whatever is recorded later; given up is the other end, until a person sends it again."""
        events = await _told(player, 2)
        good, bad = _notices(player, events)
        await player.store.advance(0, events[-1].seq, [good, bad])
        await player.store.claim_notices("hook", player.now, player.now + 9, 9)
        await player.store.record_attempts(
            [Attempt(key=good.key, at=player.now), Attempt(key=bad.key, at=player.now, error="gone", due=None)]
        )
        await player.store.record_attempts([Attempt(key=good.key, at=player.now + 1, error="no", due=player.now)])
        await player.world.crash()
        delivered = await player.store.notice(good.key)
        given_up = await player.store.notice(bad.key)
        assert delivered is not None
        assert given_up is not None
        assert (delivered.state, delivered.error, delivered.delivered_at) == (NoticeState.DELIVERED, None, player.now)
        assert (given_up.state, given_up.error) == (NoticeState.GIVEN_UP, "gone")
        player.world.clock.advance(100)
        assert await player.store.claim_notices("hook", player.now, player.now + 9, 9) == []
        again = await player.store.resend_notice(bad.key, player.now)
        assert (again.state, again.attempts, again.key) == (NoticeState.PENDING, 0, bad.key)
        assert len(await player.store.claim_notices("hook", player.now, player.now + 9, 9)) == 1
        with pytest.raises(NotFound):
            await player.store.resend_notice("nothing", player.now)

    async def test_N6_senders_are_kept_with_their_secrets(self, player: Player) -> None:
        """And how they are doing; a change of settings lets them be tried at once."""
        mail = EmailSender(host="mail.example", sender="a@example.org", to=("b@example.org",), password="hush")  # noqa: S106
        await player.store.put_sender(Sender(name="mail", settings=mail, created=5))
        [_, stored] = await player.store.senders()
        await player.store.note_sender(replace(stored, error="no", failures=3, until=77, failed_at=7))
        await player.world.crash()
        [hook, stored] = await player.store.senders()
        assert hook == _sender("hook")
        assert stored == Sender(name="mail", settings=mail, created=5, error="no", failures=3, until=77, failed_at=7)
        await player.store.put_sender(Sender(name="mail", settings=replace(mail, port=25), created=9))
        [_, stored] = await player.store.senders()
        assert (stored.created, stored.until, stored.settings) == (5, 0, replace(mail, port=25))
        await player.store.note_sender(_sender("gone"))
        assert len(await player.store.senders()) == 2

    async def test_N6_a_sender_in_use_stays(self, player: Player) -> None:
        """One that goes leaves nothing waiting."""
        await player.store.put_rule(_rule("r"))
        with pytest.raises(Conflict):
            await player.store.delete_sender("hook")
        events = await _told(player, 1)
        await player.store.advance(0, events[-1].seq, _notices(player, events))
        await player.store.delete_rule("r")
        await player.store.delete_sender("hook")
        assert await player.store.senders() == []
        [notice] = await _listed(player)
        assert notice.state is NoticeState.GIVEN_UP
        with pytest.raises(NotFound):
            await player.store.delete_sender("hook")

    async def test_N7_a_rule_applies_to_what_comes_after_it(self, player: Player) -> None:
        """Also when it was off for a while; and nobody looks at events that came while there was no rule."""
        before = await _told(player, 2)
        rule = await player.store.put_rule(_rule("r"))
        assert rule.since == before[-1].seq
        assert await player.store.position() == before[-1].seq
        between = await _told(player, 1)
        other = await player.store.put_rule(replace(_rule("s"), created=3))
        assert other.since == between[-1].seq
        assert await player.store.position() == before[-1].seq
        assert (await player.store.put_rule(replace(rule, name="new"))).since == rule.since
        off = await player.store.put_rule(replace(rule, enabled=False))
        await _told(player, 1)
        on = await player.store.put_rule(replace(off, enabled=True))
        assert on.since == (await _events(player))[-1].seq
        await player.world.crash()
        assert await player.store.rules() == [on, other]
        with pytest.raises(NotFound):
            await player.store.put_rule(replace(rule, sender="nobody"))
        await player.store.delete_rule("s")
        with pytest.raises(NotFound):
            await player.store.delete_rule("s")
        assert await player.store.rules() == [on]

    async def test_N8_only_what_is_over_and_old_is_pruned(self, player: Player) -> None:
        """In bites."""
        events = await _told(player, 5)
        made = _notices(player, events)
        await player.store.advance(0, events[-1].seq, made)
        await player.store.claim_notices("hook", player.now, player.now + 9, 9)
        await player.store.record_attempts([Attempt(key=notice.key, at=player.now) for notice in made[:3]])
        await player.store.record_attempts([Attempt(key=made[3].key, at=player.now, error="x", due=None)])
        assert await player.store.prune_notices(player.now, 9) == 0
        assert [await player.store.prune_notices(player.now + 1, 3) for _ in range(3)] == [3, 1, 0]
        assert [notice.key for notice in await _listed(player)] == [made[4].key]

    async def test_N8_notices_are_listed_by_what_they_are(self, player: Player) -> None:
        """Newest first, page by page; the newest of a group can be asked for."""
        events = await _told(player, 4)
        made = _notices(player, events)
        made[3] = replace(made[3], rule="other", group="g")
        await player.store.advance(0, events[-1].seq, made)
        page = await player.store.notices(NoticeFilter(limit=3))
        rest = await player.store.notices(NoticeFilter(limit=3, before=page[-1].seq))
        assert [notice.key for notice in (*page, *rest)] == [notice.key for notice in reversed(made)]
        assert [notice.key for notice in await player.store.notices(NoticeFilter(rule="other"))] == [made[3].key]
        assert await player.store.notices(NoticeFilter(state=NoticeState.DELIVERED)) == []
        assert await player.store.notices(NoticeFilter(sender="nobody")) == []
        latest = await player.store.latest_notices([("r", "group"), ("other", "g"), ("none", "")])
        assert [notice.key for notice in latest] == [made[2].key, made[3].key]

    async def test_N8_reports_are_those_of_the_instances(self, player: Player) -> None:
        """Those that are there."""
        version = await player.enable()
        accepted = await player.start()
        await player.forward(version, "a")
        [report] = await player.store.reports([accepted.instance, "nothing"])
        assert report == await player.store.instance(accepted.instance)


def _sender(name: str) -> Sender:
    return Sender(name=name, settings=UrlSender(url="https://example.org/hook", secret="whsec_c2VjcmV0"), created=1)  # noqa: S106


def _rule(id_: str) -> Rule:
    return Rule(id=id_, name=id_, events=(_DOWN,), sender="hook", created=2)


def _event(
    kind: EventKind, player: Player, process: str | None = None, version: int | None = None, node: str | None = None
) -> Event:
    return Event(kind=kind, at=player.now, process=process, version=version, node=node, detail="x")


async def _told(player: Player, count: int) -> list[Event]:
    """Store so many events; they come back with their numbers."""
    await player.store.note_events([_event(_DOWN, player) for _ in range(count)])
    return (await _events(player))[-count:]


def _notices(player: Player, events: Sequence[Event]) -> list[Notice]:
    return [
        Notice(
            key=f"r.{event.seq}",
            rule="r",
            sender="hook",
            group="group",
            state=NoticeState.PENDING,
            first_at=event.at,
            last_at=event.at,
            due=player.now,
            told=(Told(event=event),),
        )
        for event in events
    ]


async def _listed(player: Player) -> list[Notice]:
    return await player.store.notices(NoticeFilter())


async def _events(player: Player) -> list[Event]:
    return await player.store.events(0, 1000)
