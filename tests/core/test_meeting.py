"""Where messages meet: which scopes are opened on the way, and that in no drawing anything waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from segue.adapters.memory.store import MemoryStore
from segue.core.children import meeting_scope
from segue.core.decide import decide
from segue.core.joins import Crowd, complete
from segue.core.routing import Routes, Target
from segue.model.graph import ActionKind, Flow, Node, NodeKind, ProcessGraph
from segue.model.message import Consumed, Message, Place
from segue.model.versions import InstanceState
from segue.testing.contracts.store_world import ManualClock, Player
from tests.core.build import NOW, TAKEN, action, graph, message, node, reply, routes, timer

P, X = NodeKind.PARALLEL, NodeKind.EXCLUSIVE
BOTH, JOIN = node("both", P), node("join", P)


def sub(id_: str, kind: NodeKind, parent: str = "part", **fields: Any) -> Node:
    return node(id_, kind, parent=parent, **fields)


def decided(made: Routes, at: str, scope: str = "", **headers: str) -> Consumed:
    effect = decide(made, message(at, scope=scope), reply("0", **headers), NOW, TAKEN, 0.5).effect
    assert isinstance(effect, Consumed)
    return effect


def test_only_branches_that_meet_again_are_counted() -> None:
    apart = routes([action("s"), action("a"), action("b")], "s > a", "s > b")
    assert [child.scope for child in decided(apart, "s").children] == ["", ""]
    joined = routes([action("s"), action("a"), action("b"), JOIN], "s > a", "s > b", "a > join", "b > join")
    first, second = (child.scope for child in decided(joined, "s").children)
    assert first == second != ""


def test_a_loop_does_not_open_scopes_without_end() -> None:
    """A branch that comes back to the split is none that the join could wait for."""
    made = routes([action("s"), action("a"), JOIN, action("e")], "s > a", "s > join", "a > s", "s > e", "e > join")
    assert not made.shape.closed_by("a")
    assert made.shape.closed_by("s") == {"join"}


def test_each_item_of_a_batch_that_splits_meets_its_own_copies() -> None:
    made = routes(
        [action("s", ActionKind.BATCH), action("a"), action("b"), JOIN], "s > a", "s > b", "a > join", "b > join"
    )
    effect = decide(made, message("s"), reply("0", '[{"body":"1"},{"body":"2"}]'), NOW, TAKEN, 0.5).effect
    assert isinstance(effect, Consumed)
    scopes = [child.scope for child in effect.children]
    assert scopes[0] == scopes[1] != scopes[2] == scopes[3]


def test_one_join_may_close_several_splits() -> None:
    """The message waits there as a branch of the outermost of them."""
    made = routes(
        [BOTH, action("a"), action("s"), action("b"), action("c"), JOIN],
        "both > a", "both > s", "s > b", "s > c", "a > join", "b > join", "c > join",
    )  # fmt: skip
    first = f"f{made.shape.index['both']}.x/"
    second = f"{first}f{made.shape.index['s']}.y/"
    assert meeting_scope(made, "join", second) == first
    assert complete(made, first, [Crowd("join", True), Crowd("c", False)]) == []
    assert complete(made, first, [Crowd("join", True)]) == ["join"]


def test_whoever_cannot_come_is_not_waited_for() -> None:
    made = routes([BOTH, action("a"), action("b"), action("c"), JOIN], "both > a", "both > b", "both > c", "a > join",
                  "b > join")  # fmt: skip
    assert complete(made, "f0.x/", [Crowd("join", True), Crowd("c", False)]) == ["join"]


def test_two_joins_that_wait_for_one_another_do_not_wait_for_ever() -> None:
    made = routes(
        [BOTH, action("a"), action("b"), node("one", P), node("two", P), action("d")],
        "both > a", "both > b", "a > one", "b > two", "one > two", "two > d", "d > one",
    )  # fmt: skip
    assert complete(made, "f0.x/", [Crowd("one", True), Crowd("two", True)]) == ["one"]


def test_a_watched_activity_has_who_watches_beside_it() -> None:
    late = node("late", NodeKind.TIMER, attached_to="a", timer=timer("t").timer)
    made = routes([action("s"), action("a"), late, action("b")], "s > a", "late > b")
    watched, watching = decided(made, "s").children
    assert (watched.node, watching.node, watching.place) == ("a", "late", Place.DELAYED)
    assert watching.scope == f"{watched.scope}w2.0/"
    assert "process-id" not in watched.headers
    left = decided(made, "a", watched.scope)
    assert left.clears == watched.scope
    assert [(way.node, way.beside) for way in made.route("s", b"", {}) if isinstance(way, Target)] == [
        ("a", False),
        ("late", True),
    ]


def test_a_cycle_that_only_reminds_comes_again_as_often_as_it_says() -> None:
    from segue.model.graph import Timer, TimerKind  # noqa: PLC0415 - used here alone

    again = Timer(kind=TimerKind.CYCLE, value="R3/PT1H")
    remind = node("remind", NodeKind.TIMER, attached_to="a", interrupting=False, timer=again)
    made = routes([action("s"), action("a"), remind, action("b")], "s > a", "remind > b")
    told = decided(made, "s").children[1]
    seen = 0
    while True:
        waiting = message("remind", scope=told.scope, due=NOW - 1)
        effect = decide(made, waiting, None, NOW, TAKEN, 0.5).effect
        assert isinstance(effect, Consumed)
        assert (effect.children[0].node, effect.children[0].scope, effect.clears) == ("b", "", "")
        seen += 1
        if len(effect.children) == 1:
            break
        told = effect.children[1]
        assert (told.node, told.due) == ("remind", NOW + 3_600_000)
    assert seen == 3


def test_a_message_leaves_a_sub_process_that_holds_one_at_once() -> None:
    made = routes(
        [action("s"), node("part", NodeKind.SUB_PROCESS), sub("in", NodeKind.START), sub("out", NodeKind.END),
         Node(id="a", kind=NodeKind.ACTION, element="task", parent="part", action=action("a").action), action("b")],
        "s > part", "in > a", "a > out", "part > b",
    )  # fmt: skip
    assert [(child.node, child.scope) for child in decided(made, "s").children] == [("a", "")]
    assert [(child.node, child.scope) for child in decided(made, "a").children] == [("b", "")]


def test_terminate_in_a_sub_process_ends_only_that() -> None:
    inner = Node(id="a", kind=NodeKind.ACTION, element="task", parent="part", action=action("a").action)
    made = routes(
        [action("s"), node("part", NodeKind.SUB_PROCESS), sub("in", NodeKind.START), inner,
         sub("stop", NodeKind.TERMINATE), action("b")],
        "s > part", "in > a", "a > stop", "part > b",
    )  # fmt: skip
    [inside] = decided(made, "s").children
    effect = decided(made, "a", inside.scope)
    assert not effect.terminate
    assert effect.clears == inside.scope
    assert [(child.node, child.place, child.scope) for child in effect.children] == [("part", Place.QUEUED, "")]


# -- whatever is drawn ------------------------------------------------------------------------------------------------

MOST = 9
KINDS = st.sampled_from([NodeKind.ACTION, NodeKind.ACTION, P, X, NodeKind.INCLUSIVE, NodeKind.PASS])


@st.composite
def drawings(draw: st.DrawFn) -> ProcessGraph:
    """Any graph without a way back: nodes in a row, flows forward between any of them."""
    count = draw(st.integers(2, MOST))
    nodes = [action("n0")]
    for number in range(1, count):
        kind = draw(KINDS)
        id_ = f"n{number}"
        nodes.append(action(id_) if kind is NodeKind.ACTION else node(id_, kind))
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, count - 2), st.integers(1, count - 1)).filter(lambda ends: ends[0] < ends[1]),
            min_size=1,
            max_size=14,
        )
    )
    flows = tuple(
        Flow(id=f"f{number}", source=f"n{source}", target=f"n{target}") for number, (source, target) in enumerate(pairs)
    )
    return graph(nodes, flows)


@settings(max_examples=150, deadline=None)
@given(drawings(), st.randoms(use_true_random=False))
def test_nothing_waits_for_ever_and_nothing_is_lost(drawn: ProcessGraph, chance: Any) -> None:
    """However it is drawn, and in whatever order it is handled, an instance ends and the account balances."""
    asyncio.run(_played(drawn, chance))


async def _played(drawn: ProcessGraph, chance: Any) -> None:
    clock = ManualClock(NOW)
    store = MemoryStore(clock)

    class World:
        pass

    world: Any = World()
    world.store, world.clock = store, clock
    player, made = Player(world), Routes(drawn)
    version = await player.enable(entries={"": "n0"}, graph=drawn)
    accepted = await player.start(body=b'{"total":5}')
    for _ in range(4_000):
        ready = sorted(await store.nodes_ready(version.id, NOW))
        if not ready:
            break
        [taken] = await store.take(version.id, chance.choice(ready), 1, NOW, False)
        assert await store.settle([_decision(made, taken, chance)]) == [True]
        await player.check_ledger()
    else:
        return  # so many copies that it proves nothing more
    found = await store.instance(accepted.instance)
    assert found is not None
    left = [(each.node, each.place) for each in await store.instance_messages(accepted.instance)]
    assert (found.state, left) in [(InstanceState.FINISHED, []), (InstanceState.FAILED, left)]
    assert {place for _, place in left} <= {Place.TRASH}


def _decision(made: Routes, taken: Message, chance: Any) -> Any:
    answer = reply(chance.choice(["0", "0", "0", "1003"])) if made.nodes[taken.node].action else None
    return decide(made, taken, answer, NOW, TAKEN, 0.5)
