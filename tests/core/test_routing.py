"""Where messages go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.routing import Routes, Stuck, Target, Terminate, entry_points
from segue.model.errors import NodeNotFound
from segue.model.graph import Flow, NodeKind, Timer, TimerKind
from tests.core.build import action, cel, flows, graph, node, routes, timer

S, E = node("s", NodeKind.START), node("e", NodeKind.END)
A, B, C = action("a"), action("b", name="Bee"), action("c")


def went(made: Routes, at: str, body: bytes = b"{}", headers: dict[str, str] | None = None) -> list[str]:
    return [f"{type(way).__name__} {way.node}" for way in made.route(at, body, headers or {})]


def test_one_flow_is_the_same_tuple_for_every_message() -> None:
    made = routes([A, B], "a > b")
    assert made.route("a", b"{}", {}) == (Target("b", ("f0",)),)
    assert made.route("a", b"no json", {"x": "y"}) is made.route("a", b"{}", {})


def test_a_copy_goes_over_each_flow_in_document_order() -> None:
    made = routes([A, B, C, timer("t")], "a > c", "a > b", "a > t", "a > c")
    assert went(made, "a") == ["Target c", "Target b", "Target t", "Target c"]


def test_gateways_and_events_are_crossed_with_the_path_noted() -> None:
    nodes = [A, node("x", NodeKind.EXCLUSIVE), node("p", NodeKind.PASS), node("s2", NodeKind.PARALLEL), B, C, E]
    made = routes(nodes, "a > x", "x > p", "p > s2", "s2 > b", "s2 > c", "s2 > e")
    assert made.route("a", b"", {}) == (Target("b", ("f0", "f1", "f2", "f3")), Target("c", ("f0", "f1", "f2", "f4")))


def test_what_only_passes_between_nested_gateways_keeps_document_order() -> None:
    nodes = [A, *(node(f"p{n}", NodeKind.PARALLEL) for n in range(3)), *(action(f"t{n}") for n in range(5))]
    made = routes(nodes, "a > p0", "a > t4", "p0 > p1", "p0 > p2", "p1 > t0", "p1 > t1", "p2 > t2", "p2 > t3")
    assert went(made, "a") == [f"Target t{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("total", "expected"), [(9, ["Target a"]), (5, ["Target b"]), (1, ["Target c"]), (0, ["Target c"])]
)
def test_exclusive_takes_the_first_true_flow_else_the_default(total: int, expected: list[str]) -> None:
    gate = node("x", NodeKind.EXCLUSIVE, default_flow="f1")
    made = routes([S, gate, A, B, C], "s > x", "x > c", "x > a", "x > b", f2=cel("total > 8"), f3=cel("total > 4"))
    assert went(made, "s", b'{"total":%d}' % total) == expected


def test_exclusive_takes_a_flow_without_condition_when_it_is_the_first_that_fits() -> None:
    made = routes([node("x", NodeKind.EXCLUSIVE), A, B, C], "x > a", "x > b", "x > c", f0=cel("false"), f2=cel("true"))
    assert went(made, "x") == ["Target b"]


def test_exclusive_does_not_ask_conditions_behind_the_true_one() -> None:
    made = routes([node("x", NodeKind.EXCLUSIVE), A, B], "x > a", "x > b", f0=cel("true"), f1=cel("missing == 1"))
    assert went(made, "x") == ["Target a"]


@pytest.mark.parametrize(("total", "expected"), [(9, ["a", "b"]), (5, ["b"]), (1, ["c"])])
def test_inclusive_takes_all_true_flows_else_the_default(total: int, expected: list[str]) -> None:
    gate = node("x", NodeKind.INCLUSIVE, default_flow="f1")
    made = routes([S, gate, A, B, C], "s > x", "x > c", "x > a", "x > b", f2=cel("total > 8"), f3=cel("total > 4"))
    assert went(made, "s", b'{"total":%d}' % total) == [f"Target {name}" for name in expected]


def test_inclusive_with_one_condition_without_answer_takes_no_flow_at_all() -> None:
    made = routes([A, node("x", NodeKind.INCLUSIVE), B, C], "a > x", "x > b", "x > c", f1=cel("true"), f2=cel("nope"))
    (stuck,) = made.route("a", b"{}", {})
    assert isinstance(stuck, Stuck)
    assert (stuck.node, stuck.path, stuck.code) == ("x", ("f0",), "condition-failed")
    assert "no field 'nope'" in stuck.reason


def test_the_condition_of_a_default_flow_is_not_asked() -> None:
    gate = node("x", NodeKind.EXCLUSIVE, default_flow="f0")
    assert went(routes([gate, A, B], "x > a", "x > b", f0=cel("nope"), f1=cel("false")), "x") == ["Target a"]


def test_a_single_conditional_flow_of_a_gateway_is_asked() -> None:
    made = routes([node("x", NodeKind.EXCLUSIVE), A], "x > a", f0=cel("total == 1"))
    assert went(made, "x", b'{"total":1}') == ["Target a"]
    assert went(made, "x", b'{"total":2}') == ["Stuck x"]


@pytest.mark.parametrize(
    ("total", "expected"),
    [(1, ["Target a", "Target b"]), (2, ["Target a", "Target c"]), (3, ["Target a", "Target e2"])],
)
def test_conditions_on_flows_out_of_a_task(total: int, expected: list[str]) -> None:
    """Without condition always, with condition if true, the default only if no condition was true."""
    nodes = [action("t", default_flow="f3"), A, B, C, action("e2")]
    made = routes(nodes, "t > a", "t > b", "t > c", "t > e2", f1=cel("total == 1"), f2=cel("total == 2"))
    assert went(made, "t", b'{"total":%d}' % total) == expected


def test_a_parallel_gateway_asks_no_condition() -> None:
    made = routes([node("x", NodeKind.PARALLEL), A, B], "x > a", "x > b", f0=cel("false"))
    assert went(made, "x") == ["Target a", "Target b"]


def test_headers_and_plain_text_bodies_can_be_asked() -> None:
    gate = node("x", NodeKind.EXCLUSIVE, default_flow="f1")
    made = routes([gate, A, B], "x > a", "x > b", f0=cel("headers.kind == 'x' && body.contains('hello')"))
    assert went(made, "x", b"say hello", {"kind": "x"}) == ["Target a"]
    assert went(made, "x", b"say hello", {"kind": "y"}) == ["Target b"]


def test_ends_vanish_and_terminate_is_told() -> None:
    made = routes([A, E, node("z", NodeKind.TERMINATE), B], "a > e", "a > z", "a > b")
    assert made.route("a", b"", {}) == (Terminate("z", ("f1",)), Target("b", ("f2",)))


def test_a_circle_without_task_is_stuck_and_comes_to_an_end() -> None:
    made = routes([A, node("x", NodeKind.EXCLUSIVE), node("y", NodeKind.PASS)], "a > x", "x > y", "y > x")
    (stuck,) = made.route("a", b"", {})
    assert isinstance(stuck, Stuck)
    assert (stuck.node, stuck.code) == ("x", "loop")


def test_a_circle_with_a_way_out_is_left_when_the_condition_says_so() -> None:
    """The circle is only walked once: the message cannot change while nobody works on it."""
    gate = node("x", NodeKind.EXCLUSIVE)
    made = routes(
        [A, gate, node("y", NodeKind.PASS), B], "a > x", "x > y", "y > x", "x > b", f1=cel("again"), f3=cel("true")
    )
    assert went(made, "a", b'{"again":false}') == ["Target b"]
    assert went(made, "a", b'{"again":true}') == ["Stuck x"]


def test_a_loop_over_a_task_is_a_normal_way() -> None:
    gate = node("x", NodeKind.EXCLUSIVE, default_flow="f2")
    made = routes([A, gate, B], "a > x", "x > a", "x > b", f1=cel("again"))
    assert went(made, "a", b'{"again":true}') == ["Target a"]
    assert made.followers("a") == (("a", "a"), ("b", "Bee"))


def test_a_drawing_that_multiplies_without_end_is_stopped() -> None:
    nodes = [action("a"), *(node(f"p{n}", NodeKind.PASS) for n in range(30)), B]
    lines = ["a > p0", *(f"p{n} > p{n + 1}" for n in range(29)), *(f"p{n} > p{n + 1}" for n in range(29)), "p29 > b"]
    (stuck,) = routes(nodes, *lines).route("a", b"", {})
    assert isinstance(stuck, Stuck)
    assert (stuck.node, stuck.code) == ("a", "too-wide")


def test_a_long_row_of_gateways_is_no_problem() -> None:
    count = 2_000
    nodes = [A, *(node(f"x{n}", NodeKind.PASS) for n in range(count)), B]
    made = routes(nodes, "a > x0", *(f"x{n} > x{n + 1}" for n in range(count - 1)), f"x{count - 1} > b")
    assert went(made, "a") == ["Target b"]
    assert made.followers("a") == (("b", "Bee"),)


def test_a_flow_to_nowhere_is_stuck_where_it_begins() -> None:
    made = routes([A, node("x", NodeKind.PASS)], "a > x", "x > ghost")
    assert [(way.node, way.code) for way in made.route("a", b"", {}) if isinstance(way, Stuck)] == [("x", "no-flow")]


def test_followers_are_unique_in_order_and_regardless_of_conditions() -> None:
    nodes = [A, node("x", NodeKind.EXCLUSIVE), B, C, timer("t"), node("u", NodeKind.USER_TASK), E]
    made = routes(nodes, "a > x", "x > t", "x > b", "a > u", "a > b", "x > e", "b > c", f1=cel("false"))
    assert made.followers("a") == (("t", "t"), ("b", "Bee"), ("u", "u"))
    assert made.followers("c") == ()


def test_the_way_to_a_chosen_follower_ignores_conditions() -> None:
    made = routes([A, node("x", NodeKind.EXCLUSIVE), B, C], "a > x", "x > b", "b > c", f1=cel("false"))
    assert made.to_follower("a", "b") == (Target("b", ("f0", "f1")),)
    assert made.to_follower("a", "c") == ()
    assert made.to_follower("a", "x") == ()


def test_previous_nodes_count_starts_tasks_and_timers() -> None:
    made = routes([S, A, node("x", NodeKind.PASS), B, C], "s > a", "a > x", "x > b", "b > a", "b > c")
    assert made.previous("a") == ("s", "b")
    assert made.previous("b") == ("a",)
    assert made.previous("s") == ()


def test_an_unknown_node_is_named() -> None:
    made = routes([A])
    for ask in (made.node, made.followers, made.call_headers, lambda id_: made.route(id_, b"", {})):
        with pytest.raises(NodeNotFound, match="'ghost'"):
            ask("ghost")


def test_entry_is_the_first_queue_behind_the_start() -> None:
    nodes = [S, node("x", NodeKind.EXCLUSIVE), node("p", NodeKind.PASS), A]
    assert entry_points(graph(nodes, flows("s > x", "x > p", "p > a"))) == {"s": "a", "": "a"}


@pytest.mark.parametrize(
    ("nodes", "lines"),
    [
        ([S, A, B], ("s > a", "s > b")),
        ([S, E], ("s > e",)),
        ([S], ()),
        ([S, node("z", NodeKind.TERMINATE)], ("s > z",)),
        ([S, node("x", NodeKind.PARALLEL), A, B], ("s > x", "x > a", "x > b")),
        ([S, node("odd", NodeKind.UNSUPPORTED)], ("s > odd",)),
    ],
)
def test_a_start_that_splits_or_ends_takes_the_message_itself(nodes: list, lines: tuple[str, ...]) -> None:
    assert entry_points(graph(nodes, flows(*lines)))[""] == "s"


def test_a_start_that_decides_takes_the_message_itself() -> None:
    made = graph([S, A], flows("s > a", f0=cel("total > 1")))
    assert entry_points(made)[""] == "s"


def test_entries_are_known_by_name_and_id_and_the_default_is_the_first_plain_start() -> None:
    clock = node("s1", NodeKind.START, name="nightly", timer=Timer(kind=TimerKind.CRON, value="0 0 * * *"))
    mail = node("s2", NodeKind.START, name="order", message_name="order")
    plain = node("s3", NodeKind.START, name="by hand")
    inner = node("s4", NodeKind.START, name="inner", parent="sub")
    made = graph([clock, mail, plain, inner, A, B], flows("s1 > a", "s2 > b", "s3 > b"))
    assert entry_points(made) == {
        "nightly": "a",
        "s1": "a",
        "order": "b",
        "s2": "b",
        "by hand": "b",
        "s3": "b",
        "": "b",
    }
    assert entry_points(graph([clock, A], flows("s1 > a")))[""] == "a"


def test_an_id_comes_before_the_name_of_another_start() -> None:
    first, second = node("s1", NodeKind.START, name="s2"), node("s2", NodeKind.START, name="s1")
    made = graph([first, second, A, B], flows("s1 > a", "s2 > b"))
    assert (entry_points(made)["s1"], entry_points(made)["s2"]) == ("a", "b")


def test_without_a_start_there_is_no_entry() -> None:
    assert entry_points(graph([A], ())) == {}


@st.composite
def drawings(draw: st.DrawFn) -> Routes:
    """Any graph of queues, passing nodes and ends, circles included; conditions are true or false by a coin."""
    kinds = [NodeKind.ACTION, NodeKind.EXCLUSIVE, NodeKind.INCLUSIVE, NodeKind.PARALLEL, NodeKind.PASS, NodeKind.END]
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=7))
    nodes = [action("n0")]
    for index, kind in enumerate(chosen, 1):
        nodes.append(action(f"n{index}") if kind is NodeKind.ACTION else node(f"n{index}", kind))
    ends = st.integers(0, len(nodes) - 1)
    pairs = draw(st.lists(st.tuples(ends, ends, st.sampled_from([None, "true", "false"])), max_size=12))
    made = tuple(
        Flow(id=f"f{index}", source=f"n{source}", target=f"n{target}", condition=cel(text) if text else None)
        for index, (source, target, text) in enumerate(pairs)
    )
    return Routes(graph(nodes, made))


@given(drawings())
def test_every_way_is_a_connected_path_from_the_node(made: Routes) -> None:
    by_id = {flow.id: flow for flow in made.graph.flows}
    for way in made.route("n0", b"{}", {}):
        at = "n0"
        for id_ in way.path:
            assert by_id[id_].source == at
            at = by_id[id_].target
        assert at == way.node


@given(drawings())
def test_every_target_is_a_follower_and_routing_twice_is_the_same(made: Routes) -> None:
    ways = made.route("n0", b"{}", {})
    assert list(ways) == list(made.route("n0", b"{}", {}))
    targets = {way.node for way in ways if isinstance(way, Target)}
    assert targets <= {id_ for id_, _ in made.followers("n0")}
    assert all(made.to_follower("n0", id_) for id_ in targets)


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.booleans())
def test_exclusive_chooses_exactly_one_and_inclusive_exactly_the_true_ones(
    truths: list[bool], has_default: bool
) -> None:
    tasks = [action(f"t{index}") for index in range(len(truths) + 1)]
    lines = [f"x > t{index}" for index in range(len(truths) + has_default)]
    conditions = {f"f{index}": cel("true" if truth else "false") for index, truth in enumerate(truths)}
    default = f"f{len(truths)}" if has_default else None
    true = [f"Target t{index}" for index, truth in enumerate(truths) if truth]
    otherwise = [f"Target t{len(truths)}"] if has_default else ["Stuck x"]
    for kind, expected in ((NodeKind.EXCLUSIVE, true[:1]), (NodeKind.INCLUSIVE, true)):
        made = routes([node("x", kind, default_flow=default), *tasks], *lines, **conditions)
        assert went(made, "x") == (expected or otherwise)
