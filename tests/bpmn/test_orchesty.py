"""Orchesty's two formats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from segue.bpmn import Dialect
from segue.model.graph import Action, ActionKind, NodeKind, RepeatPolicy, Timer, TimerKind
from tests.bpmn.build import codes, finding, flow, graph_of, node_of, process, read

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:pipes="http://www.omg.org/spec/Pipes/20100524/MODEL" id="Definitions_1">
  <bpmn:process id="orders" isExecutable="false">
"""
ORDERS = (
    HEAD
    + """<bpmn:event id="Ev" name="every-ten" pipes:pipesType="cron" pipes:cronTime="*/10 * * * *"
      pipes:cronParams="%22limit%22%3A50"><bpmn:outgoing>F1</bpmn:outgoing></bpmn:event>
    <bpmn:task id="List" name="shop-list" pipes:pipesType="batch" pipes:sdkHost="worker:8080"
      pipes:sdkHostName="shop-worker" pipes:appName="shop" pipes:rabbitPrefetch="1" pipes:timeout="60"/>
    <bpmn:task id="Crm" name="crm-create" pipes:pipesType="connector" pipes:sdkHost="worker:8080"
      pipes:rabbitPrefetch="50" pipes:repeaterEnabled="true" pipes:repeaterHops="4" pipes:repeaterInterval="30"/>
    <bpmn:task id="Check" name="check" pipes:pipesType="user"/>
    <bpmn:task id="Map" name="mapper" pipes:sdkHost="http://mapper"/>
    <bpmn:sequenceFlow id="F1" sourceRef="Ev" targetRef="List"/>
    <bpmn:sequenceFlow id="F2" sourceRef="List" targetRef="Crm"/>
    <bpmn:sequenceFlow id="F3" sourceRef="Crm" targetRef="Check"/>
    <bpmn:sequenceFlow id="F4" sourceRef="Check" targetRef="Map"/>
  </bpmn:process>
</bpmn:definitions>"""
).encode()


def test_the_xml_dialect() -> None:
    result = read(ORDERS, "orders.tplg")
    assert result.dialect is Dialect.TPLG
    assert {item.code for item in result.findings} == {"worker-address"}
    assert result.publishable()
    (graph,) = result.processes
    event, listing, crm, check, mapper = graph.nodes
    assert (event.kind, event.label) == (NodeKind.START, "every-ten")
    assert event.timer == Timer(kind=TimerKind.CRON, value="*/10 * * * *", body='{"limit":50}')
    assert listing.action == Action(kind=ActionKind.BATCH, worker="shop-worker", name="shop-list", application="shop")
    assert (listing.prefetch, listing.timeout_ms, listing.repeat) == (1, 60_000, None)
    assert crm.action == Action(kind=ActionKind.CONNECTOR, worker="worker", name="crm-create")
    assert (crm.prefetch, crm.repeat) == (20, RepeatPolicy(interval_ms=30_000, at_most=4))
    assert check.kind is NodeKind.USER_TASK
    assert mapper.action == Action(kind=ActionKind.CUSTOM, worker="mapper", name="mapper")
    assert mapper.prefetch == 1


def typed(kind: str, more: str = "", element: str = "task") -> bytes:
    return process(f'<{element} id="x" name="n" pipes:pipesType="{kind}" pipes:sdkHost="w" {more}/>')


@pytest.mark.parametrize(
    ("kind", "element", "expected"),
    [
        ("start", "event", NodeKind.START),
        ("webhook", "event", NodeKind.START),
        ("debug", "event", NodeKind.START),
        ("cron", "event", NodeKind.START),
        ("start", "startEvent", NodeKind.START),
        ("user", "userTask", NodeKind.USER_TASK),
        ("gateway", "gateway", NodeKind.INCLUSIVE),
        ("gateway", "exclusiveGateway", NodeKind.EXCLUSIVE),
        ("table_parser", "task", NodeKind.UNSUPPORTED),
        ("splitter", "task", NodeKind.UNSUPPORTED),
        ("no-such-type", "task", NodeKind.UNSUPPORTED),
    ],
)
def test_types(kind: str, element: str, expected: NodeKind) -> None:
    assert node_of(typed(kind, element=element), "x").kind is expected


@pytest.mark.parametrize(
    ("kind", "expected"), [("start", NodeKind.PASS), ("webhook", NodeKind.PASS), ("cron", NodeKind.START)]
)
def test_an_event_with_a_flow_into_it_passes_messages_on(kind: str, expected: NodeKind) -> None:
    data = process(f'<event id="s" pipes:pipesType="start"/><event id="x" pipes:pipesType="{kind}"/>' + flow("s", "x"))
    assert node_of(data, "x").kind is expected


def test_types_default_by_element_in_this_dialect_alone() -> None:
    data = process('<startEvent id="s"/><task id="x" name="do"/>' + flow("s", "x"))
    assert node_of(data, "x", "a.tplg").action is None
    assert codes(data, "a.tplg") == {"bad-binding", "no-action"}
    assert codes(data, "a.bpmn") == {"no-action"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ('pipes:rabbitPrefetch="many"', "bad-setting"),
        ('pipes:timeout="-1"', "bad-setting"),
        ('pipes:timeout="90000"', "bad-setting"),
        ('pipes:repeaterEnabled="true"', "bad-setting"),
        ('pipes:repeaterEnabled="true" pipes:repeaterHops="3" pipes:repeaterInterval="0"', "bad-setting"),
    ],
)
def test_settings_that_cannot_be_used(more: str, code: str) -> None:
    assert code in codes(typed("connector", more))


def test_a_schedule_that_cannot_be_used() -> None:
    assert "bad-timer" in codes(typed("cron", 'pipes:cronTime="often"', "event"))
    assert "schedule-missing" in codes(typed("cron", "", "event"))


def test_parameters_that_are_no_json_are_not_sent() -> None:
    data = typed("cron", 'pipes:cronTime="0 * * * *" pipes:cronParams="nonsense"', "event")
    timer = node_of(data, "x").timer
    assert timer is not None
    assert timer.body == "{}"
    assert "ignored-setting" in codes(data)


def test_a_task_without_name_or_worker_has_no_action() -> None:
    assert "bad-binding" in codes(process('<task id="x" pipes:pipesType="connector" pipes:sdkHost="w"/>'))
    assert "bad-binding" in codes(process('<task id="x" pipes:pipesType="connector" name="n"/>'))


def node(id_: str, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "type": "flow", "shape": "square", "label": "x", "name": None, "action": None,
            "position": {"x": 0, "y": 0}, "property": None} | fields  # fmt: skip


def act(**fields: Any) -> dict[str, Any]:
    return {"name": "do", "worker": "w", "type": "custom"} | fields


def file(*nodes: dict[str, Any], flows: tuple[str, ...] = ()) -> bytes:
    connections = [
        {"id": f"c{number}", "from": ends[0], "to": ends[1], "sourceOutput": "output", "targetInput": "input"}
        for number, ends in enumerate(flows)
    ]
    return json.dumps({"nodes": list(nodes), "connections": connections}).encode()


CONTACTS = file(
    node("1", shape="circle", label="Event", name="start"),
    node("2", action=act(name="mapper")),
    node("3", shape="hexagon", label="Breakpoint", name="check"),
    node("4", action=act(name="create", type="connector", app="crm")),
    node("5", shape="circle", label="End Event"),
    node("6", type="annotation", label="a note"),
    flows=("12", "23", "34", "45"),
)


def test_the_json_dialect() -> None:
    result = read(CONTACTS, "some/contacts.tplg.json")
    assert (result.dialect, result.findings, result.publishable()) == (Dialect.TPLG_JSON, (), True)
    (graph,) = result.processes
    assert (graph.key, graph.name) == ("contacts", "contacts")
    kinds = [NodeKind.START, NodeKind.ACTION, NodeKind.USER_TASK, NodeKind.ACTION, NodeKind.END]
    assert [item.kind for item in graph.nodes] == kinds
    assert graph.nodes[1].action == Action(kind=ActionKind.CUSTOM, worker="w", name="mapper")
    assert graph.nodes[1].prefetch == 1
    assert graph.nodes[3].action == Action(kind=ActionKind.CONNECTOR, worker="w", name="create", application="crm")
    assert [(item.source, item.target) for item in graph.flows] == [("1", "2"), ("2", "3"), ("3", "4"), ("4", "5")]


def test_a_byte_order_mark_before_json() -> None:
    assert read(b"\xef\xbb\xbf" + CONTACTS, "a.tplg.json").publishable()


@pytest.mark.parametrize(
    ("fields", "kind", "name"),
    [
        ({"shape": "circle", "label": "Event", "name": "go"}, NodeKind.START, "go"),
        ({"shape": "circle", "label": "Anything"}, NodeKind.START, "start"),
        ({"shape": "circle", "label": "Cron"}, NodeKind.START, "cron"),
        ({"shape": "circle", "label": "Webhook"}, NodeKind.START, "webhook"),
        ({"shape": "circle", "label": "Webhook", "action": act(name="shop.new")}, NodeKind.START, "shop.new"),
        ({"shape": "circle", "label": "Webhook", "action": act(app="shop", event="sold")}, NodeKind.START, "shop.sold"),
        ({"shape": "circle", "label": "Webhook", "action": act(name="sold", app="shop")}, NodeKind.START, "shop.sold"),
        ({"shape": "circle", "label": "Webhook", "action": {}, "name": "hook"}, NodeKind.START, "hook"),
        ({"shape": "hexagon"}, NodeKind.USER_TASK, "user-task"),
        ({"shape": "square", "action": act(type="user", name="look")}, NodeKind.USER_TASK, "look"),
        ({"shape": "rectangle", "action": act(type=None)}, NodeKind.ACTION, "do"),
        ({"shape": None, "action": act()}, NodeKind.ACTION, "do"),
        ({"shape": "square", "action": act(type="table_parser")}, NodeKind.UNSUPPORTED, "do"),
    ],
)  # fmt: skip
def test_shapes(fields: dict[str, Any], kind: NodeKind, name: str) -> None:
    found = node_of(file(node("x", **fields)), "x")
    assert (found.kind, found.name) == (kind, name)


def test_a_node_without_action_wants_one() -> None:
    data = file(node("s", shape="circle"), node("x", name="later"), flows=("sx",))
    assert finding(data, "no-action").node == "x"


def test_what_the_json_cannot_say_is_found() -> None:
    assert finding(file(node("x", shape="circle", label="Cron")), "schedule-missing").node == "x"
    assert "bad-binding" in codes(file(node("x", action=act(worker=None))))
    assert "unsupported-element" in codes(file(node("x", action=act(type="ftp"))))
    assert "dangling-flow" in codes(file(node("x", action=act()), flows=("xy",)))
    assert "duplicate-id" in codes(file(node("x"), node("x")))


def test_connections_that_share_an_id_are_kept_apart() -> None:
    data = CONTACTS.replace(b'"c1"', b'"c0"')
    assert read(data).findings == ()
    assert {item.id for item in graph_of(data).flows} == {"c0", "c0_2", "c2", "c3"}


@pytest.mark.parametrize(
    "settings",
    [
        {"prefetch": 0},
        {"timeout": "60"},
        {"priority": 10},
        {"repeat": {"interval": "P1Y", "at-most": 1}},
        {"repeat": {"interval": "PT1S", "at-most": 0}},
        {"limits": [{"key": "", "calls": 1, "per": "PT1S"}]},
        {"limits": [{"key": "k", "calls": 0, "per": "PT1S"}]},
    ],
)
def test_our_settings_in_json_that_cannot_be_used(settings: dict[str, Any]) -> None:
    assert finding(file(node("x", action=act(), segue=settings)), "bad-setting").node == "x"


def test_an_unknown_setting_of_ours_is_refused() -> None:
    assert codes(file(node("x", action=act(), segue={"prefetsh": 3}))) == {"not-bpmn"}


@pytest.mark.parametrize(
    ("label", "kind"), [("Event", NodeKind.PASS), ("Webhook", NodeKind.PASS), ("Cron", NodeKind.START)]
)
def test_a_circle_with_a_connection_into_it(label: str, kind: NodeKind) -> None:
    data = file(node("s", shape="circle"), node("x", shape="circle", label=label), flows=("sx",))
    assert node_of(data, "x").kind is kind
