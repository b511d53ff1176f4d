"""The semantic hash and the difference: blind to layout and order, and to nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs

from segue.bpmn.diff import GraphDiff, SettingDiff, diff
from segue.bpmn.hashing import choice_orders, semantic_hash
from segue.model.graph import (
    Action,
    ActionKind,
    Bodies,
    Condition,
    Flow,
    LimitRule,
    Meeting,
    MissedTicks,
    Node,
    NodeKind,
    ProcessGraph,
    RepeatPolicy,
    Timer,
    TimerKind,
)
from tests.bpmn.build import condition, flow, graph_of, process, read, task
from tests.bpmn.strategies import graphs

# Every field of every struct differs from its default, so that each can be changed and be taken away.
FULL = ProcessGraph(
    key="P",
    name="Orders",
    executable=True,
    nodes=(
        Node(
            id="a",
            kind=NodeKind.ACTION,
            element="serviceTask",
            name="create",
            action=Action(kind=ActionKind.BATCH, worker="w", name="n", application="app"),
            timer=Timer(
                kind=TimerKind.CRON, value="0 8 * * *", zone="Europe/Prague", missed=MissedTicks.ALL, body="{}"
            ),
            default_flow="f",
            prefetch=3,
            timeout_ms=5_000,
            priority=4,
            repeat=RepeatPolicy(interval_ms=1_000, at_most=4, backoff=2, longest_ms=60_000, jitter=20),
            limits=(LimitRule(key="k", calls=2, per_ms=1_000),),
            message_name="m",
            parent="s",
            attached_to="b",
            interrupting=False,
            error_code="E1",
            calls="other",
            correlation="body.id",
            meeting=Meeting(bodies=Bodies.LIST, into="field", waits=False),
            passes=True,
        ),
        Node(id="b", kind=NodeKind.END, element="endEvent"),
    ),
    flows=(Flow(id="f", source="a", target="b", name="go", condition=Condition(source="x", language="cel", cel="x")),),
)


def other(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, Enum):
        return next(item for item in type(value) if item is not value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, str)
    return value + "2"


def changes(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every copy of a struct in which exactly one leaf, option or element differs, with its path."""
    if isinstance(value, Struct):
        for field in structs.fields(value):
            held = getattr(value, field.name)
            if not field.required and held != field.default:
                yield f"{path}.{field.name}=default", structs.replace(value, **{field.name: field.default})
            for deeper, changed in changes(held, f"{path}.{field.name}"):
                yield deeper, structs.replace(value, **{field.name: changed})
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield f"{path}[{number}] gone", value[:number] + value[number + 1 :]
            for deeper, changed in changes(item, f"{path}[{number}]"):
                yield deeper, (*value[:number], changed, *value[number + 1 :])
    elif value is not None:
        yield path, other(value)


CHANGES = dict(changes(FULL))
STORED = "69990dcfefee6735e16b5b7f34f58376be01dc7c247fe160d4ba074558013a3f"
FIRST = "82d633267558099476e70618243006aed7396ab5423be4cc7b5f96c58b9c144c"


def test_the_example_sets_every_field() -> None:
    """A field that is added to the model has to be set in FULL, or the tests below would not try it."""
    node, rest = FULL.nodes[0], (FULL, FULL.flows[0], FULL.flows[0].condition)
    for struct in (node, node.action, node.timer, node.repeat, node.limits[0], node.meeting, *rest):
        for field in structs.fields(struct):
            assert field.required or getattr(struct, field.name) != field.default, field.name


@pytest.mark.parametrize("path", CHANGES)
def test_every_single_change_changes_the_hash_and_shows_in_the_difference(path: str) -> None:
    changed = CHANGES[path]
    assert semantic_hash(changed) != semantic_hash(FULL)
    assert not diff(FULL, changed).same
    assert not diff(changed, FULL).same


def test_no_two_changes_have_the_same_hash() -> None:
    assert len({semantic_hash(changed) for changed in CHANGES.values()}) == len(set(CHANGES.values()))


def test_the_hash_is_the_one_that_is_stored() -> None:
    """Stored versions carry it: it may only change together with the name of the canonical form."""
    assert semantic_hash(FULL) == STORED


def test_fields_that_came_later_leave_older_hashes_as_they_are() -> None:
    later = {"attached_to": None, "interrupting": True, "error_code": None, "calls": None, "correlation": None}
    later |= {"passes": False, "priority": 0}
    first = structs.replace(FULL.nodes[0], meeting=None, **later)
    assert semantic_hash(structs.replace(FULL, nodes=(first, FULL.nodes[1]))) == FIRST


@given(graphs(), st.randoms(use_true_random=False))
def test_order_does_not_matter_but_where_a_gateway_chooses(graph: ProcessGraph, chance: random.Random) -> None:
    nodes, flows = list(graph.nodes), list(graph.flows)
    chance.shuffle(nodes)
    chance.shuffle(flows)
    shuffled = structs.replace(graph, nodes=tuple(nodes), flows=tuple(flows))
    same = choice_orders(graph) == choice_orders(shuffled)
    assert (semantic_hash(graph) == semantic_hash(shuffled)) == same
    assert diff(graph, shuffled).same == same


@given(graphs(), graphs())
def test_the_difference_is_empty_exactly_when_the_hashes_are_equal(one: ProcessGraph, two: ProcessGraph) -> None:
    assert diff(one, two).same == (semantic_hash(one) == semantic_hash(two))
    assert diff(one, one).same


@given(graphs(), graphs())
def test_the_difference_backwards_swaps_added_and_removed(one: ProcessGraph, two: ProcessGraph) -> None:
    there, back = diff(one, two), diff(two, one)
    assert [item.id for item in there.nodes.added] == [item.id for item in back.nodes.removed]
    assert [item.id for item in there.flows.removed] == [item.id for item in back.flows.added]
    assert [item.field for item in there.settings.added] == [item.field for item in back.settings.removed]
    assert [item.field for item in there.settings.changed] == [item.field for item in back.settings.changed]


FILE = process(
    '<startEvent id="s"/><exclusiveGateway id="g" default="g-b"/>' + task("a") + task("b") + flow("s", "g")
    + flow("g", "a", condition("x"), 'name="yes"') + flow("g", "b")
)  # fmt: skip


def hash_of(data: bytes) -> str:
    return semantic_hash(graph_of(data))


def test_layout_documentation_and_foreign_data_do_not_matter() -> None:
    layout = '<x:plane xmlns:x="urn:x" id="z"><x:shape bpmnElement="s" x="1"/></x:plane></definitions>'
    more = FILE.replace(b"</definitions>", layout.encode()).replace(b"<startEvent", b"\n\n <startEvent")
    more = more.replace(b'<startEvent id="s"/>', b'<startEvent id="s"><documentation>why</documentation></startEvent>')
    assert more != FILE
    assert hash_of(more) == hash_of(FILE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<![CDATA[x]]>", b"<![CDATA[!x]]>"),
        (b'default="g-b"', b'default="g-a"'),
        (b'targetRef="b"', b'targetRef="a"'),
        (b'worker="crm"', b'worker="erp"'),
        (b'name="create-contact"', b'name="create-contact" prefetch="3"'),
        (b'name="create-contact"', b'name="create-contact" timeout="PT5S"'),
        (b'name="yes"', b'name="no"'),
        (b"exclusiveGateway", b"inclusiveGateway"),
        (b'id="P"', b'id="P" isExecutable="true"'),
    ],
)
def test_what_is_drawn_matters(old: bytes, new: bytes) -> None:
    assert old in FILE
    assert hash_of(FILE.replace(old, new)) != hash_of(FILE)


def test_the_order_in_which_an_exclusive_gateway_asks_matters() -> None:
    nodes = '<startEvent id="s"/>{}' + task("a") + task("b") + flow("s", "g")
    first, second = flow("g", "a", condition("x")), flow("g", "b", condition("y"))
    for gate, matters in (('<exclusiveGateway id="g"/>', True), ('<inclusiveGateway id="g"/>', False)):
        there = hash_of(process(nodes.format(gate) + first + second))
        back = hash_of(process(nodes.format(gate) + second + first))
        assert (there != back) == matters


def test_where_the_default_flow_stands_does_not_matter() -> None:
    nodes = '<startEvent id="s"/><exclusiveGateway id="g" default="g-b"/>' + task("a") + task("b") + flow("s", "g")
    asked, default = flow("g", "a", condition("x")), flow("g", "b")
    also = flow("g", "s", condition("y"))
    assert hash_of(process(nodes + asked + default + also)) == hash_of(process(nodes + default + asked + also))


def test_another_kind_of_node_is_a_changed_node_and_no_setting() -> None:
    before = read(FILE).processes[0]
    found = diff(before, read(FILE.replace(b"exclusiveGateway", b"inclusiveGateway")).processes[0])
    assert [(item.id, [change.field for change in item.changes]) for item in found.nodes.changed] == [
        ("g", ["element", "kind"])
    ]
    assert found.settings == SettingDiff()


def test_a_difference_names_what_a_person_looks_for() -> None:
    before = read(FILE).processes[0]
    text = FILE.replace(b'name="create-contact"', b'name="create" prefetch="3"', 1)
    after = text.replace(b"<![CDATA[x]]>", b"<![CDATA[x > 1]]>").replace(
        b"</process>", (task("c") + flow("a", "c")).encode() + b"</process>"
    )
    found = diff(before, read(after).processes[0])
    assert [(item.id, item.label) for item in found.nodes.added] == [("c", "c")]
    assert [(item.id, item.label) for item in found.flows.added] == [("a-c", "a → c")]
    assert [(item.label, [change.field for change in item.changes]) for item in found.flows.changed] == [
        ("yes (g → a)", ["condition"])
    ]
    settings = [(item.node, item.field, item.before, item.after) for item in found.settings.changed]
    assert settings == [("a", "action.name", "create-contact", "create"), ("a", "prefetch", 10, 3)]
    assert found.nodes.removed == ()
    assert found.process == ()


def test_settings_that_come_and_go() -> None:
    bare = structs.replace(FULL, nodes=(structs.replace(FULL.nodes[0], repeat=None, limits=()), FULL.nodes[1]))
    assert [item.field for item in diff(bare, FULL).settings.added] == ["limits", "repeat"]
    assert [item.field for item in diff(FULL, bare).settings.removed] == ["limits", "repeat"]
    assert diff(FULL, FULL) == GraphDiff()
