"""The contract of the catalogs: C1 to C6, workers, tokens, users, schedules."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from segue.model.errors import (
    Conflict,
    DraftChanged,
    MessagesLive,
    NameTaken,
    NoEnabledVersion,
    NotFound,
    ProcessNotFound,
    VersionNotFound,
)
from segue.model.events import Event, EventKind
from segue.model.message import Consumed, Outcome, Place
from segue.model.start import Accepted
from segue.model.versions import InstanceState, VersionContent, VersionState, revision_of
from segue.model.workers import Worker
from segue.ports.catalog import NewVersion, ScheduleState, Session, Token, User
from segue.testing.contracts.store_world import (
    PROCESS,
    Player,
    StoreWorld,
    child_of,
    failed,
    passed,
    returned,
    simple_graph,
)

_HASH = "scrypt$15$8$3$c2FsdA==$a2V5"
_OTHER_HASH = "scrypt$15$8$3$c2FsdA==$b3RoZXI="


def _file(source: bytes) -> VersionContent:
    return VersionContent(source=source, dialect="bpmn", graph=simple_graph(("a",)))


def _session(id: str, expires: int) -> Session:
    digest = id.encode() * 32
    return Session(id=id, digest=digest, user="ann", created=0, used=0, expires=expires, address="", user_agent="")


class ProcessCatalogContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_a_process_has_its_name_for_itself(self, player: Player) -> None:
        """A second one of that name is refused, also when both come at once."""
        await player.store.create_process("orders", "sales", player.now)
        with pytest.raises(NameTaken):
            await player.store.create_process("orders", "other", player.now)
        twins = (player.store.create_process("twin", "", player.now) for _ in range(2))
        answers = await asyncio.gather(*twins, return_exceptions=True)
        assert sum(isinstance(answer, NameTaken) for answer in answers) == 1
        await player.world.crash()
        process = await player.store.process("orders")
        assert (process.folder, process.created, process.versions) == ("sales", player.now, ())
        with pytest.raises(ProcessNotFound):
            await player.store.process("nobody")

    async def test_a_process_is_moved_to_another_folder(self, player: Player) -> None:
        """Nothing else of it changes."""
        await player.enable(PROCESS)
        before = await player.store.process(PROCESS)
        moved = await player.store.move_process(PROCESS, "other/place")
        assert moved == replace(before, folder="other/place")
        await player.world.crash()
        assert await player.store.process(PROCESS) == moved
        with pytest.raises(ProcessNotFound):
            await player.store.move_process("nobody", "x")

    async def test_processes_are_listed_by_name_in_pages(self, player: Player) -> None:
        """With their versions."""
        for name in ("delta", "alpha", "charlie", "bravo"):
            await player.enable(name)
        first = await player.store.processes(None, 3)
        assert [process.name for process in first] == ["alpha", "bravo", "charlie"]
        rest = await player.store.processes("charlie", 3)
        assert [process.name for process in rest] == ["delta"]
        assert [version.number for version in rest[0].versions] == [1]

    async def test_C1_version_numbers_grow_by_one_and_are_never_reused(self, player: Player) -> None:
        """Whatever became of the versions before."""
        for number in (1, 2, 3):
            assert (await player.publish()).number == number
        await player.store.retire(PROCESS, 3, discard=False, at=player.now)
        await player.world.crash()
        assert (await player.publish()).number == 4
        versions = (await player.store.process(PROCESS)).versions
        assert [version.number for version in versions] == [1, 2, 3, 4]
        assert len({version.id for version in versions}) == 4
        assert (await player.publish("returns")).number == 1

    async def test_C2_a_process_has_at_most_one_draft(self, player: Player) -> None:
        """Putting another one replaces it under the same number."""
        first = await player.draft(nodes=("a",))
        second = await player.draft(nodes=("a", "z"))
        assert (second.number, second.id) == (first.number, first.id)
        assert second.semantic_hash == "a-z"
        [version] = (await player.store.process(PROCESS)).versions
        assert version == second
        content = await player.store.content(version.id)
        assert content.graph == simple_graph(("a", "z"))
        with pytest.raises(ProcessNotFound):
            await player.store.put_draft(_draft_of(player, "nobody"))

    async def test_C2_of_drafts_at_once_one_stays(self, player: Player) -> None:
        """There is one, whichever came last."""
        await player.store.create_process(PROCESS, "", player.now)
        drafts = [_draft_of(player, PROCESS, f"n{n}") for n in range(10)]
        await asyncio.gather(*(player.store.put_draft(draft) for draft in drafts))
        [version] = (await player.store.process(PROCESS)).versions
        assert version.state is VersionState.DRAFT

    async def test_C3_the_content_of_a_published_version_stays(self, player: Player) -> None:
        """A later draft is another version; only the drawing may be replaced."""
        version = await player.publish()
        content = await player.store.content(version.id)
        draft = await player.draft(nodes=("x",))
        assert draft.id != version.id
        assert await player.store.content(version.id) == content
        await player.store.replace_source(version.id, b"<moved/>")
        await player.world.crash()
        after = await player.store.content(version.id)
        assert (after.source, after.graph, after.findings) == (b"<moved/>", content.graph, content.findings)
        for missing in (player.store.content(99), player.store.replace_source(99, b"")):
            with pytest.raises(VersionNotFound):
                await missing

    async def test_C6_a_draft_is_not_overwritten_unseen(self, player: Player) -> None:
        """Only the draft that was seen is replaced; the error says what is there now."""
        await player.store.create_process(PROCESS, "", player.now)
        first = replace(_draft_of(player, PROCESS, "a"), content=_file(b"<one/>"), expected="")
        await player.store.put_draft(first)
        second = replace(first, content=_file(b"<two/>"), author="bob", expected=revision_of(b"<one/>"))
        await player.store.put_draft(second)
        await player.world.crash()
        for stale in ("", revision_of(b"<one/>"), revision_of(b"<three/>")):
            with pytest.raises(DraftChanged) as caught:
                await player.store.put_draft(replace(first, content=_file(b"<three/>"), expected=stale))
            extra = caught.value.extra
            assert (extra["revision"], extra["author"], extra["version"]) == (revision_of(b"<two/>"), "bob", 1)
        [version] = (await player.store.process(PROCESS)).versions
        assert (await player.store.content(version.id)).source == b"<two/>"
        await player.store.put_draft(replace(first, content=_file(b"<four/>"), expected=None))
        await player.store.set_state(PROCESS, 1, VersionState.DISABLED, player.now)
        made = await player.store.put_draft(replace(first, expected=revision_of(b"<gone/>")))
        assert made.number == 2

    async def test_C6_of_two_that_expect_the_same_one_succeeds(self, player: Player) -> None:
        """And so it is for the drawing of a published version."""
        await player.store.create_process(PROCESS, "", player.now)
        await player.store.put_draft(replace(_draft_of(player, PROCESS, "a"), content=_file(b"<seen/>")))
        seen = revision_of(b"<seen/>")
        drafts = [
            replace(_draft_of(player, PROCESS, f"n{n}"), content=_file(b"<%d/>" % n), expected=seen) for n in range(5)
        ]
        answers = await asyncio.gather(*(player.store.put_draft(each) for each in drafts), return_exceptions=True)
        assert sum(isinstance(answer, DraftChanged) for answer in answers) == 4
        version = await player.store.set_state(PROCESS, 1, VersionState.DISABLED, player.now)
        source = (await player.store.content(version.id)).source
        drawings = (player.store.replace_source(version.id, b"<d%d/>" % n, revision_of(source)) for n in range(5))
        drawn = await asyncio.gather(*drawings, return_exceptions=True)
        assert sum(isinstance(answer, DraftChanged) for answer in drawn) == 4
        assert (await player.store.content(version.id)).source.startswith(b"<d")

    async def test_C4_enabling_is_serialised_with_accept(self, player: Player) -> None:
        """While versions are switched every start runs on one that was enabled, and none is lost."""
        versions = [await player.enable(), await player.enable()]
        accepted: list[Accepted] = []
        switching = True

        async def start() -> None:
            while switching:
                accepted.append(await player.start())

        starters = [asyncio.create_task(start()) for _ in range(5)]
        for _ in range(40):
            await player.store.set_state(PROCESS, 2, VersionState.DISABLED, player.now)
            count = len(accepted)
            answer = await player.start()
            assert answer.version == 1
            await player.store.set_state(PROCESS, 2, VersionState.ENABLED, player.now)
            assert (await player.start()).version == 2
            assert len(accepted) >= count
        switching = False
        await asyncio.gather(*starters)
        counts = [len([one for one in accepted if one.version == number]) for number in (1, 2)]
        lines = (await player.store.audit(player.now)).versions
        assert [line.accepted for line in lines] == [counts[0] + 40, counts[1] + 40]
        assert len(versions) == 2
        await player.check_ledger()

    async def test_C4_disabling_the_last_one_ends_starts_at_once(self, player: Player) -> None:
        """No start is accepted after the answer."""
        await player.enable()
        starts = [asyncio.ensure_future(player.start()) for _ in range(20)]
        change = asyncio.ensure_future(player.store.set_state(PROCESS, 1, VersionState.DISABLED, player.now))
        later = [asyncio.ensure_future(player.start()) for _ in range(20)]
        await change
        early = await asyncio.gather(*starts, return_exceptions=True)
        late = await asyncio.gather(*later, return_exceptions=True)
        assert all(isinstance(answer, Accepted) for answer in early)
        assert all(isinstance(answer, NoEnabledVersion) for answer in late)

    async def test_the_life_of_a_version(self, player: Player) -> None:
        """Draft, disabled, enabled, disabled, retired; each change is told once, and nothing else is possible."""
        heard: list[Event] = []
        player.store.on_events(heard.extend)
        await player.draft()
        with pytest.raises(Conflict):
            await player.store.set_state(PROCESS, 1, VersionState.ENABLED, player.now)
        with pytest.raises(Conflict):
            await player.store.retire(PROCESS, 1, discard=False, at=player.now)
        steps = [VersionState.DISABLED, VersionState.ENABLED, VersionState.ENABLED, VersionState.DISABLED]
        for state in steps:
            assert (await player.store.set_state(PROCESS, 1, state, player.now)).state is state
        with pytest.raises(Conflict):
            await player.store.set_state(PROCESS, 1, VersionState.DRAFT, player.now)
        with pytest.raises(VersionNotFound):
            await player.store.set_state(PROCESS, 9, VersionState.ENABLED, player.now)
        assert (await player.store.retire(PROCESS, 1, discard=False, at=player.now)).state is VersionState.RETIRED
        with pytest.raises(Conflict):
            await player.store.set_state(PROCESS, 1, VersionState.ENABLED, player.now)
        kinds = [
            EventKind.VERSION_PUBLISHED,
            EventKind.VERSION_ENABLED,
            EventKind.VERSION_DISABLED,
            EventKind.VERSION_RETIRED,
        ]
        assert [event.kind for event in heard] == kinds
        assert {(event.process, event.version) for event in heard} == {(PROCESS, 1)}
        assert await player.store.events(0, 10) == heard

    async def test_published_versions_are_those_that_need_a_control_service(self, player: Player) -> None:
        """Disabled and enabled ones; what lives in them is not counted, since whoever runs them asks all the time."""
        enabled = await player.enable()
        disabled = await player.publish()
        await player.publish()
        await player.store.retire(PROCESS, 3, discard=False, at=player.now)
        await player.draft()
        await player.start()
        found = await player.store.published()
        assert [(version.id, version.live) for version in found] == [(enabled.id, None), (disabled.id, None)]
        assert await player.store.published(PROCESS) == found
        assert await player.store.published("nobody") == []

    @pytest.mark.parametrize("place", ["queued", "taken", "delayed", "waiting", "trash"])
    async def test_C5_retire_refuses_while_messages_live(self, player: Player, place: str) -> None:
        """Wherever they are; nothing changes then."""
        version = await player.enable()
        await player.start()
        if place != "queued":
            message = await player.take_one(version, "a")
            if place == "delayed":
                await player.settle(message, passed(message, "b", due=player.now + 1000))
            if place == "trash":
                await player.settle(message, failed())
            if place == "waiting":
                child = child_of(message, "b", place=Place.WAITING)
                await player.settle(message, Consumed(outcome=Outcome.OK, children=(child,)))
        with pytest.raises(MessagesLive):
            await player.store.retire(PROCESS, 1, discard=False, at=player.now)
        assert (await player.store.process(PROCESS)).versions[0].state is VersionState.ENABLED
        assert (await player.start()).version == 1

    async def test_C5_with_discard_retire_moves_them_to_trash(self, player: Player) -> None:
        """All of them, in one step, also those that are taken; what is done with these later is stale."""
        version = await player.enable()
        accepted = [await player.start() for _ in range(6)]
        other = await player.enable("returns")
        await player.start("returns", body=b"untouched")
        first, second = await player.take(version, "a", 2)
        assert await player.settle(second, passed(second, "b", due=player.now + 5000))
        retired = await player.store.retire(PROCESS, 1, discard=True, at=player.now)
        assert (retired.state, retired.live) == (VersionState.RETIRED, 6)
        assert not await player.settle(first, passed(first, "b"))
        player.store.release(first)
        player.world.clock.advance(5000)
        for _ in range(2):
            assert await player.take(version, "a") == []
            assert await player.take(version, "b") == []
            assert await player.store.nodes_ready(version.id, player.now) == []
            assert await player.store.next_due(version.id, 0) is None
            await player.world.crash()
        for one in accepted:
            instance = await player.store.instance(one.instance)
            assert instance is not None
            assert (instance.state, instance.trash, instance.live) == (InstanceState.FAILED, 1, 1)
        trashed = await player.placed(accepted[5].message)
        assert trashed.reason_code == "version-retired"
        assert not await player.settle(trashed, returned(trashed)), "nobody would take it from its queue (M5)"
        with pytest.raises(NoEnabledVersion):
            await player.start()
        assert await player.left(other) == {"a": [b"untouched"]}
        await player.check_ledger()


class KeepingContract:
    """Workers, tokens, users and schedules. Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_workers_are_kept_with_their_headers(self, player: Player) -> None:
        """By name; putting one of a known name replaces it."""
        store = player.store
        await store.put_worker(Worker(name="shop", url="http://shop", created=1))
        await store.put_worker(Worker(name="crm", url="http://crm", headers={"x-key": "secret"}, created=2))
        await store.put_worker(Worker(name="shop", url="http://shop2", headers={"a": "b"}, created=3))
        await player.world.crash()
        assert await player.store.workers() == [
            Worker(name="crm", url="http://crm", headers={"x-key": "secret"}, created=2),
            Worker(name="shop", url="http://shop2", headers={"a": "b"}, created=1),
        ]
        await player.store.delete_worker("crm")
        with pytest.raises(NotFound):
            await player.store.delete_worker("crm")
        assert [worker.name for worker in await player.store.workers()] == ["shop"]

    async def test_tokens_are_found_by_their_digest(self, player: Player) -> None:
        """And noted when used."""
        one = Token(id="1", name="ci", digest=b"\x01" * 32, scopes=("start", "read"), created=5)
        two = Token(id="2", name="me", digest=b"\x02" * 32, scopes=("admin",), created=4)
        for token in (one, two):
            await player.store.put_token(token)
        with pytest.raises(NameTaken):
            await player.store.put_token(Token(id="3", name="x", digest=one.digest, scopes=(), created=6))
        await player.store.touch_tokens([("1", 77), ("gone", 78)])
        await player.world.crash()
        assert await player.store.token_by_digest(two.digest) == two
        assert await player.store.token_by_digest(b"\x03" * 32) is None
        found = await player.store.tokens()
        assert [(token.id, token.last_used) for token in found] == [("2", None), ("1", 77)]
        await player.store.delete_token("1")
        with pytest.raises(NotFound):
            await player.store.delete_token("1")
        assert await player.store.token_by_digest(one.digest) is None

    async def test_users_have_their_address_for_themselves(self, player: Player) -> None:
        """A second one with it is refused."""
        ann = User(id="1", email="ann@example.org", password=_HASH, scopes=("admin",), created=1)
        await player.store.put_user(ann)
        with pytest.raises(NameTaken):
            await player.store.put_user(User(id="2", email=ann.email, password=_HASH, scopes=(), created=2))
        await player.world.crash()
        assert await player.store.users() == [ann]
        assert await player.store.user_by_email(ann.email) == ann
        assert await player.store.user_by_email("bob@example.org") is None

    async def test_the_first_user_is_the_first(self, player: Player) -> None:
        """Of two who come at once one is stored."""
        people = [User(id=each, email=each, password=_HASH, scopes=("admin",), created=1) for each in ("a", "b")]
        stored = await asyncio.gather(*(player.store.put_first_user(user) for user in people))
        assert sorted(stored) == [False, True]
        assert len(await player.store.users()) == 1

    async def test_the_last_with_a_scope_stays(self, player: Player) -> None:
        """Neither a change nor a deletion takes it from the last one; of anybody else it may be taken."""
        one = User(id="1", email="a", password=_HASH, scopes=("admin",), created=1)
        two = User(id="2", email="b", password=_HASH, scopes=("read",), created=2)
        await player.store.put_user(one)
        await player.store.put_user(two)
        with pytest.raises(Conflict):
            await player.store.delete_user("1", unless_last="admin")
        with pytest.raises(Conflict):
            await player.store.change_user(replace(one, scopes=("read",)), unless_last="admin")
        with pytest.raises(NotFound):
            await player.store.delete_user("3")
        with pytest.raises(NotFound):
            await player.store.change_user(replace(one, id="3"))
        assert await player.store.users() == [one, two]
        changed = replace(two, scopes=("admin",), password=_OTHER_HASH)
        await player.store.change_user(changed, unless_last="admin")
        await player.store.delete_user("1", unless_last="admin")
        await player.world.crash()
        assert await player.store.users() == [changed]

    async def test_a_session_is_found_by_its_digest_until_it_is_deleted(self, player: Player) -> None:
        """Its use is noted, a new one sweeps out those that have ended, and it goes with its user."""
        old, kept, new = (_session(str(number), expires=expires) for number, expires in ((1, 50), (2, 200), (3, 300)))
        await player.store.put_user(User(id="ann", email="ann", password=_HASH, scopes=(), created=1))
        await player.store.put_session(old)
        await player.store.put_session(kept)
        await player.store.touch_session("2", 60)
        await player.store.touch_session("gone", 60)
        await player.store.put_session(replace(new, created=100))
        await player.world.crash()
        assert [session.id for session in await player.store.sessions()] == ["2", "3"]
        assert await player.store.session_by_digest(kept.digest) == replace(kept, used=60)
        await player.store.delete_session("2")
        await player.store.delete_session("2")
        assert await player.store.session_by_digest(kept.digest) is None
        await player.store.delete_user("ann")
        assert await player.store.sessions() == []

    async def test_skipped_ticks_never_go_back(self, player: Player) -> None:
        """An older tick changes nothing; a skipped tick does not fire any more."""
        await player.enable(entries={"": "a", "T": "a"})
        for tick in (500, 300):
            await player.store.skip_ticks(ScheduleState(process=PROCESS, node="T", tick=tick))
        await player.world.crash()
        assert await player.store.schedule_states() == [ScheduleState(process=PROCESS, node="T", tick=500)]
        answer = await player.start(node="T", tick=500)
        assert (answer.repeated, answer.instance) == (True, "")
        assert not (await player.start(node="T", tick=501)).repeated
        with pytest.raises(ProcessNotFound):
            await player.store.skip_ticks(ScheduleState(process="nobody", node="T", tick=1))


def _draft_of(player: Player, process: str, node: str = "a") -> NewVersion:
    return NewVersion(
        process=process,
        content=VersionContent(source=b"", dialect="bpmn", graph=simple_graph((node,))),
        entries={"": node},
        semantic_hash=node,
        author="",
        note="",
        at=player.now,
    )
