"""The contract of what messages do together: M15 (clearing a scope), M16 (joins) and M17 (calls)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from segue.core import calls
from segue.core.children import Content, offspring
from segue.core.routing import Routes
from segue.model.errors import NoEnabledVersion
from segue.model.graph import Bodies, Flow, Meeting, Node, NodeKind, ProcessGraph
from segue.model.message import Consumed, Message, Outcome, Place, Result, SetAside
from segue.model.versions import InstanceState, Version
from segue.ports.views import PlacedFilter
from segue.testing.contracts.store_world import PROCESS, Player, StoreWorld, failed, returned

_LISTED = Meeting(bodies=Bodies.LIST)


def drawn(nodes: dict[str, NodeKind | Node], *flows: str) -> ProcessGraph:
    """Return a graph of these nodes, and flows written as `a > b`, which are named by what they join."""
    made = [node if isinstance(node, Node) else _node(id_, node) for id_, node in nodes.items()]
    ends = [[part.strip() for part in text.split(">")] for text in flows]
    joined = tuple(Flow(id=f"{source}-{target}", source=source, target=target) for source, target in ends)
    return ProcessGraph(key=PROCESS, name="Orders", nodes=tuple(made), flows=joined)


def _node(id_: str, kind: NodeKind) -> Node:
    return Node(id=id_, kind=kind, element="task", meeting=_LISTED if kind is NodeKind.PARALLEL else None)


A, P = NodeKind.ACTION, NodeKind.PARALLEL
SPLIT = drawn({"a": A, "b": A, "c": A, "join": P, "d": A}, "a > b", "a > c", "b > join", "c > join", "join > d")
NESTED = drawn(
    {"a": A, "b": A, "c": A, "x": A, "y": A, "inner": P, "join": P},
    "a > b", "a > c", "b > x", "b > y", "x > inner", "y > inner", "inner > join", "c > join",
)  # fmt: skip
SUB = drawn(
    {
        "a": A,
        "part": Node(id="part", kind=NodeKind.SUB_PROCESS, element="subProcess", meeting=_LISTED),
        "in": Node(id="in", kind=NodeKind.START, element="startEvent", parent="part"),
        "b": Node(id="b", kind=A, element="task", parent="part"),
        "c": Node(id="c", kind=A, element="task", parent="part"),
        "out": Node(id="out", kind=NodeKind.END, element="endEvent", parent="part"),
        "d": A,
    },
    "a > part", "in > b", "in > c", "b > out", "c > out", "part > d",
)  # fmt: skip
CALL = Node(id="call", kind=NodeKind.CALL, element="callActivity", calls="called")
CALLER = drawn({"call": CALL, "d": A}, "call > d")


def left(graph: ProcessGraph, message: Message, body: bytes | None = None, outcome: Outcome = Outcome.OK) -> Consumed:
    """The message goes on as the core says, with this body."""
    routes = Routes(graph)
    sent = message.body if body is None else body
    content = Content(sent, message.headers, routes.route(message.node, sent, message.headers))
    born = offspring(routes, message, [content], message.entered, items=False)
    result = Result(sent, message.headers) if not born.children else None
    return Consumed(outcome=outcome, children=born.children, clears=born.clears, result=result)


class MeetingContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def _split(self, player: Player, graph: ProcessGraph = SPLIT, first: str = "a") -> tuple[Version, str]:
        version = await player.enable(entries={"": first}, graph=graph)
        accepted = await player.start()
        await _forward(player, graph, version, first)
        return version, accepted.instance

    # -- M16 ----------------------------------------------------------------------------------------------------------

    async def test_M16_the_last_one_to_come_makes_one_of_all(self, player: Player) -> None:
        """Before, the others wait at the join and count as waiting; afterwards there is one, where the join is."""
        version, instance = await self._split(player)
        await _forward(player, SPLIT, version, "b", b"1")
        assert await _places(player, instance) == [("c", Place.QUEUED), ("join", Place.JOINING)]
        assert await player.take(version, "join") == []
        [line] = (await player.store.audit(player.now)).versions
        assert (line.queued, line.waiting) == (1, 1)
        await player.world.crash()
        await _forward(player, SPLIT, version, "c", b"2")
        [joined] = await player.take(version, "join")
        assert (joined.body, joined.scope, joined.place) == (b"[1,2]", "", Place.QUEUED)
        steps = await player.store.instance_steps(instance)
        done = [(step.node, step.outcome, step.produced) for step in steps if step.node == "join"]
        assert done == [("join", "joined", 1), ("join", "joined", 0)]
        assert await player.settle(joined, left(SPLIT, joined))
        await _forward(player, SPLIT, version, "d")
        assert await _state(player, instance) is InstanceState.FINISHED
        await player.check_ledger()

    async def test_M16_bodies_stand_in_the_order_of_the_flows(self, player: Player) -> None:
        """Whichever comes first."""
        version, _ = await self._split(player)
        await _forward(player, SPLIT, version, "c", b"2")
        await _forward(player, SPLIT, version, "b", b"1")
        assert (await player.take_one(version, "join")).body == b"[1,2]"

    @pytest.mark.parametrize("outcome", [Outcome.STOPPED, Outcome.DISCARDED, Outcome.MOVED, Outcome.CANCELLED])
    async def test_M16_who_ends_is_not_waited_for(self, player: Player, outcome: Outcome) -> None:
        """Be it stopped, or dropped by a person; those who wait go on in the same settle."""
        version, _ = await self._split(player)
        await _forward(player, SPLIT, version, "b", b"1")
        other = await player.take_one(version, "c")
        assert await player.settle(other, Consumed(outcome=outcome))
        assert (await player.take_one(version, "join")).body == b"[1]"
        await player.check_ledger()

    async def test_M16_nobody_comes_and_nothing_happens(self, player: Player) -> None:
        """When all branches end before the join, the instance is over."""
        version, instance = await self._split(player)
        for node in ("b", "c"):
            assert await player.settle(await player.take_one(version, node), Consumed(outcome=Outcome.STOPPED))
        assert await _state(player, instance) is InstanceState.FINISHED
        await player.check_ledger()

    async def test_M16_who_is_in_trash_is_waited_for(self, player: Player) -> None:
        """Sent back, it meets the others after all."""
        version, instance = await self._split(player)
        await _forward(player, SPLIT, version, "b", b"1")
        other = await player.take_one(version, "c")
        assert await player.settle(other, failed())
        assert await player.take(version, "join") == []
        trashed = await player.placed(other.id)
        assert trashed.scope == other.scope != ""
        assert await player.settle(trashed, returned(trashed))
        assert await player.take(version, "join") == []
        await _forward(player, SPLIT, version, "c", b"2")
        assert (await player.take_one(version, "join")).body == b"[1,2]"
        assert await _state(player, instance) is InstanceState.RUNNING
        await player.check_ledger()

    async def test_M16_in_one_call_as_well(self, player: Player) -> None:
        """All branches in one list; and two instances never meet."""
        version, _ = await self._split(player)
        await player.start()
        await _forward(player, SPLIT, version, "a")
        taken = [*await player.take(version, "b"), *await player.take(version, "c")]
        effects = [player.transition(one, left(SPLIT, one, one.node.encode())) for one in taken]
        assert all(await player.store.settle(effects))
        joined = await player.take(version, "join")
        assert [one.body for one in joined] == [b'["b","c"]', b'["b","c"]']
        assert len({one.instance for one in joined}) == 2
        await player.check_ledger()

    async def test_M16_however_they_meet_in_transactions(self, player: Player) -> None:
        """Many splits whose branches are settled at once, each on its own."""
        version = await player.enable(entries={"": "a"}, graph=SPLIT)
        for _ in range(40):
            await player.start()
        await _forward(player, SPLIT, version, "a")
        taken = [*await player.take(version, "b"), *await player.take(version, "c")]
        assert all(await asyncio.gather(*(player.settle(one, left(SPLIT, one)) for one in taken)))
        joined = await player.take(version, "join")
        assert len(joined) == len({one.instance for one in joined}) == 40
        await player.check_ledger()

    async def test_M16_again_it_changes_nothing(self, player: Player) -> None:
        """A branch that was settled is stale the second time; the ids are the same however often one decides."""
        version, _ = await self._split(player)
        one = await player.take_one(version, "b")
        effect = left(SPLIT, one)
        assert await player.settle(one, effect)
        assert not await player.settle(one, effect)
        assert effect == left(SPLIT, one)
        await _forward(player, SPLIT, version, "c")
        assert len(await player.take(version, "join")) == 1
        await player.check_ledger()

    async def test_M16_splits_within_splits(self, player: Player) -> None:
        """The inner ones meet first, and what they become meets the others."""
        version, instance = await self._split(player, NESTED)
        await _forward(player, NESTED, version, "c", b"3")
        await _forward(player, NESTED, version, "b")
        await _forward(player, NESTED, version, "x", b"1")
        assert await player.take(version, "join") == await player.take(version, "inner") == []
        await _forward(player, NESTED, version, "y", b"2")
        await _forward(player, NESTED, version, "inner")
        assert [one.body for one in await player.take(version, "join")] == [b"[[1,2],3]"]
        assert len(await _places(player, instance)) == 1
        await player.check_ledger()

    async def test_M16_a_sub_process_waits_for_all_that_is_in_it(self, player: Player) -> None:
        """Then it goes on as one."""
        version, instance = await self._split(player, SUB)
        await _forward(player, SUB, version, "b", b"1")
        assert await player.take(version, "part") == []
        await _forward(player, SUB, version, "c", b"2")
        await _forward(player, SUB, version, "part")
        [message] = await player.take(version, "d")
        assert (message.body, message.scope) == (b"[1,2]", "")
        assert len(await _places(player, instance)) == 1
        await player.check_ledger()

    async def test_M16_cancelled_as_a_whole(self, player: Player) -> None:
        """What waits at a join ends with its instance, and nothing goes on."""
        version, instance = await self._split(player)
        await _forward(player, SPLIT, version, "b")
        one = await player.take_one(version, "c")
        assert await player.settle(one, Consumed(outcome=Outcome.CANCELLED, terminate=True))
        assert await _state(player, instance) is InstanceState.CANCELLED
        assert await player.take(version, "join") == []
        await player.check_ledger()

    async def test_M16_a_retired_version_keeps_what_waits(self, player: Player) -> None:
        """In trash, as everything else that lived in it; dropping the others brings nothing to life."""
        version, instance = await self._split(player)
        await _forward(player, SPLIT, version, "b")
        await player.store.retire(PROCESS, version.number, True, player.now)
        assert await _places(player, instance) == [("c", Place.TRASH), ("join", Place.TRASH)]
        for message in await player.store.instance_messages(instance):
            assert await player.settle(message, Consumed(outcome=Outcome.DISCARDED))
        assert await _state(player, instance) is InstanceState.FAILED
        await player.check_ledger()

    # -- V1 -----------------------------------------------------------------------------------------------------------

    async def test_V1_what_waits_beside_a_queue_is_counted_there(self, player: Player) -> None:
        """At a join, for a called instance, for a message: not what waits for a person or is in trash."""
        version, _ = await self._split(player)
        await _forward(player, SPLIT, version, "b")
        [other, join] = await player.store.queues(None, player.now)
        assert (other.node, other.depth, other.waiting) == ("c", 1, 0)
        assert (join.node, join.depth, join.waiting, join.oldest_ms) == ("join", 0, 1, 0)
        assert await player.settle(await player.take_one(version, "c"), failed())
        assert [(queue.node, queue.waiting) for queue in await player.store.queues(None, player.now)] == [("join", 1)]

    async def test_V1_who_listens_is_found_by_what_for(self, player: Player) -> None:
        """By the whole text, oldest first, and after a crash."""
        version = await player.enable(entries={"": "a"}, graph=SPLIT)
        for reason in ("one", "two", "one"):
            await player.start()
            aside = SetAside(reason=reason, reason_code="message", place=Place.LISTENING)
            assert await player.settle(await player.take_one(version, "a"), aside)
        await player.world.crash()
        found = await player.store.placed(PlacedFilter(place=Place.LISTENING, reason="one"))
        assert [each.message.reason for each in found] == ["one", "one"]
        assert found[0].message.seq < found[1].message.seq
        last = await player.store.placed(PlacedFilter(place=Place.LISTENING, reason="one", after=found[0].message.seq))
        assert [each.message.id for each in last] == [found[1].message.id]
        assert await player.settle(found[0].message, Consumed(outcome=Outcome.OK))
        assert not await player.settle(found[0].message, Consumed(outcome=Outcome.OK))

    # -- M15 ----------------------------------------------------------------------------------------------------------

    async def test_M15_what_else_is_in_the_scope_ends(self, player: Player) -> None:
        """Wherever it is, also when it was taken; what is outside stays, and so do the children."""
        version, instance = await self._split(player, NESTED)
        await _forward(player, NESTED, version, "b")
        one, other = await player.take_one(version, "x"), await player.take_one(version, "y")
        scope = one.scope
        child = left(NESTED, one).children[0]
        effect = Consumed(outcome=Outcome.FAILED, children=(child,), clears=scope)
        assert await player.settle(one, effect)
        assert not await player.settle(other, left(NESTED, other))
        nodes = [node for node, _ in await _places(player, instance)]
        assert nodes == ["c", "inner"]
        outcomes = {step.message: step.outcome for step in await player.store.instance_steps(instance)}
        assert outcomes[other.id] == "cancelled"
        await player.check_ledger()

    async def test_M15_in_one_call_the_later_one_is_stale(self, player: Player) -> None:
        """Two that each end the other: the first one counts."""
        version, _ = await self._split(player)
        one, other = await player.take_one(version, "b"), await player.take_one(version, "c")
        effects = [player.transition(each, Consumed(outcome=Outcome.OK, clears=each.scope)) for each in (one, other)]
        assert await player.store.settle(effects) == [True, False]
        await player.check_ledger()

    async def test_M15_the_instance_may_end_with_it(self, player: Player) -> None:
        """With one event; it has finished when its last message went as it should."""
        version, instance = await self._split(player)
        one = await player.take_one(version, "b")
        assert await player.settle(one, Consumed(outcome=Outcome.OK, clears=one.scope))
        assert await _state(player, instance) is InstanceState.FINISHED
        assert len([event for event in await player.events() if event.instance == instance]) == 1
        await player.check_ledger()

    # -- M17 ----------------------------------------------------------------------------------------------------------

    async def _calling(self, player: Player) -> tuple[Version, Version, str]:
        """A message that has called: caller's version, called version, caller's instance."""
        called = await player.enable("called", entries={"": "a"})
        version = await player.enable(entries={"": "call"}, graph=CALLER)
        accepted = await player.start()
        message = await player.take_one(version, "call")
        assert await player.settle(message, calls.calling(CALL, message, player.now))
        return version, called, accepted.instance

    async def test_M17_the_called_instance_is_there_and_the_caller_waits(self, player: Player) -> None:
        """It names the caller's instance as its origin."""
        version, called, instance = await self._calling(player)
        await player.world.crash()
        assert await _places(player, instance) == [("call", Place.CALLING)]
        message = await player.take_one(called, "a")
        found = await player.store.instance(message.instance)
        assert found is not None
        assert (found.origin, found.process, message.body) == (instance, "called", b"{}")
        assert await player.take(version, "call") == []
        await player.check_ledger()

    async def test_M17_the_end_brings_the_caller_back_with_the_result(self, player: Player) -> None:
        """At the end of its queue, in the same settle."""
        version, called, instance = await self._calling(player)
        message = await player.take_one(called, "a")
        effect = Consumed(outcome=Outcome.OK, result=Result(b'{"paid":1}', {"x": "y"}))
        assert await player.settle(message, effect)
        await player.world.crash()
        back = await player.take_one(version, "call")
        assert (back.body, back.headers["x"], back.headers["h"]) == (b'{"paid":1}', "y", "1")
        assert (back.reason_code, back.instance) == (calls.FINISHED, instance)
        assert await player.settle(back, left(CALLER, back))
        assert [one.body for one in await player.take(version, "d")] == [b'{"paid":1}']
        await player.check_ledger()

    async def test_M17_a_call_that_ends_badly_is_told(self, player: Player) -> None:
        """The caller has its own body, and knows why."""
        for outcome, code in ((Outcome.DISCARDED, calls.FAILED), (Outcome.CANCELLED, calls.CANCELLED)):
            version, called, _ = await self._calling(player)
            message = await player.take_one(called, "a")
            assert await player.settle(message, Consumed(outcome=outcome, result=Result(b"no", {})))
            back = await player.take_one(version, "call")
            assert (back.body, back.reason_code) == (b"{}", code)
            assert await player.settle(back, failed())
        await player.check_ledger()

    async def test_M17_only_the_last_end_counts(self, player: Player) -> None:
        """While anything of the called instance lives, the caller waits."""
        version, called, _ = await self._calling(player)
        assert await player.forward(called, "a", "b", "c") == [True]
        one, other = await player.take_one(called, "b"), await player.take_one(called, "c")
        assert await player.settle(one, Consumed(outcome=Outcome.OK, result=Result(b"1", {})))
        assert await player.take(version, "call") == []
        assert await player.settle(other, Consumed(outcome=Outcome.OK, result=Result(b"2", {})))
        assert (await player.take_one(version, "call")).body == b"2"
        await player.check_ledger()

    async def test_M17_who_cannot_be_called_leaves_nothing(self, player: Player) -> None:
        """The whole settle is refused."""
        version = await player.enable(entries={"": "call"}, graph=CALLER)
        await player.draft("called")
        await player.start()
        message = await player.take_one(version, "call")
        with pytest.raises(NoEnabledVersion):
            await player.settle(message, calls.calling(CALL, message, player.now))
        player.store.release(message)
        assert [one.place for one in await player.take(version, "call")] == [Place.QUEUED]
        await player.check_ledger()

    async def test_M17_who_is_cancelled_takes_along_what_it_called(self, player: Player) -> None:
        """However deep; later settles of those are stale, and nobody is called back."""
        version, called, instance = await self._calling(player)
        one = await player.take_one(called, "a")
        again = calls.calling(CALL, one, player.now)
        deep = await player.start("called")
        assert await player.settle(one, again)
        [inner] = [each for each in await player.take(called, "a") if each.instance != deep.instance]
        [seen] = await player.store.instance_messages(instance)
        assert await player.settle(seen, Consumed(outcome=Outcome.CANCELLED, terminate=True))
        for each in (instance, one.instance, inner.instance):
            assert await _state(player, each) is InstanceState.CANCELLED
        assert not await player.settle(inner, Consumed(outcome=Outcome.OK))
        assert await player.take(version, "call") == []
        assert await _state(player, deep.instance) is InstanceState.RUNNING
        await player.check_ledger()

    async def test_M17_who_left_meanwhile_is_not_called_back(self, player: Player) -> None:
        """The called instance ends by itself: its caller's version was retired, and the message is in trash."""
        version, called, instance = await self._calling(player)
        await player.store.retire(PROCESS, version.number, True, player.now)
        assert await player.forward(called, "a") == [True]
        assert await _places(player, instance) == [("call", Place.TRASH)]
        await player.check_ledger()


async def _forward(player: Player, graph: ProcessGraph, version: Version, node: str, body: bytes | None = None) -> None:
    """Handle all that is ready at a node as the core says."""
    taken = await player.take(version, node)
    assert taken
    assert all(await player.store.settle([player.transition(one, left(graph, one, body)) for one in taken]))


async def _places(player: Player, instance: str) -> Sequence[tuple[str, Place]]:
    found = [(one.node, one.place) for one in await player.store.instance_messages(instance)]
    return sorted(found)


async def _state(player: Player, instance: str) -> InstanceState:
    found = await player.store.instance(instance)
    assert found is not None
    return found.state
