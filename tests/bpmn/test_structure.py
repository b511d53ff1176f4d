"""Nodes and flows: namespaces, ids and references as tools really write them."""

from __future__ import annotations

import pytest

from segue.bpmn import Dialect
from segue.model.graph import NodeKind
from tests.bpmn.build import (
    ACTION,
    codes,
    definitions,
    finding,
    flow,
    flow_of,
    graph_of,
    line,
    node_of,
    process,
    read,
    task,
)

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


@pytest.mark.parametrize("prefix", ["bpmn", "bpmn2", "semantic", "ns0", "segue", "žluť"])
def test_the_prefix_does_not_matter(prefix: str) -> None:
    data = (
        f'<{prefix}:definitions xmlns:{prefix}="{MODEL}" xmlns:own="https://segue.dev/bpmn/1"><{prefix}:process id="P">'
        f'<{prefix}:startEvent id="s"/><{prefix}:task id="a"><{prefix}:extensionElements>'
        f'<own:action kind="batch" worker="w" name="n"/></{prefix}:extensionElements></{prefix}:task>'
        f'<{prefix}:sequenceFlow id="f" sourceRef="s" targetRef="a"/></{prefix}:process></{prefix}:definitions>'
    ).encode()
    result = read(data)
    assert result.publishable()
    assert [node.kind for node in result.processes[0].nodes] == [NodeKind.START, NodeKind.ACTION]


@pytest.mark.parametrize("uri", ["", "http://example.com/bpmn", MODEL + "/"])
def test_another_namespace_is_not_bpmn(uri: str) -> None:
    data = f'<definitions xmlns="{uri}"><process id="P"/></definitions>'.encode()
    assert codes(data) == {"not-bpmn"}


def test_one_uri_bound_twice_is_one_namespace() -> None:
    data = definitions('<b:process id="P"><startEvent id="s"/></b:process>', f'xmlns:b="{MODEL}"')
    assert [node.id for node in graph_of(data).nodes] == ["s"]


@pytest.mark.parametrize(
    ("id_", "reference"), [("a", "a"), ("a", "tns:a"), ("tns:a", "a"), ("tns:a", "tns:a"), ("x:a", "tns:a")]
)
def test_references_may_carry_a_prefix(id_: str, reference: str) -> None:
    data = process(f'<startEvent id="s"/>{task(id_)}<sequenceFlow id="f" sourceRef="s" targetRef="{reference}"/>')
    assert flow_of(data, "f").target == id_
    assert codes(data) == set()


def test_incoming_and_outgoing_children_do_not_count() -> None:
    data = line(task("a", ACTION + "<incoming>nonsense</incoming><outgoing>nonsense</outgoing>"))
    assert [(item.source, item.target) for item in graph_of(data).flows] == [("start", "a"), ("a", "end")]
    assert codes(data) == set()


def test_flows_without_id_get_the_same_id_wherever_they_stand() -> None:
    flows = ['<sequenceFlow sourceRef="s" targetRef="a"/>', '<sequenceFlow sourceRef="a" targetRef="b"/>']
    nodes = '<startEvent id="s"/>' + task("a") + task("b")
    there = graph_of(process(nodes + "".join(flows)))
    back = graph_of(process("".join(reversed(flows)) + nodes))
    assert {item.id for item in there.flows} == {"Flow_s_a", "Flow_a_b"}
    assert {item.id: item for item in there.flows} == {item.id: item for item in back.flows}


def test_a_made_id_never_is_one_of_the_file() -> None:
    data = process(
        '<startEvent id="Flow_s_a"/><startEvent id="s"/><task id="a"/><sequenceFlow sourceRef="s" targetRef="a"/>'
        '<sequenceFlow id="Flow_s_a_2" sourceRef="Flow_s_a" targetRef="a"/>'
    )
    assert {item.id for item in graph_of(data).flows} == {"Flow_s_a_3", "Flow_s_a_2"}
    later = process(
        '<startEvent id="s"/><task id="a"/><task id="b"/><sequenceFlow sourceRef="s" targetRef="a"/>'
        '<sequenceFlow id="Flow_s_a" sourceRef="a" targetRef="b"/>'
    )
    assert {item.id: item.target for item in graph_of(later).flows} == {"Flow_s_a_2": "a", "Flow_s_a": "b"}


def test_nodes_without_id_are_kept() -> None:
    graph = graph_of(process('<startEvent/><task name="x"/><task/>'))
    assert len({node.id for node in graph.nodes}) == 3
    assert [node.element for node in graph.nodes] == ["startEvent", "task", "task"]


def test_a_duplicate_id_keeps_both_nodes_and_the_flows_with_the_first() -> None:
    data = process('<startEvent id="s"/><task id="a" name="1"/><task id="a" name="2"/>' + flow("s", "a"))
    graph = graph_of(data)
    assert [(node.id, node.name) for node in graph.nodes] == [("s", ""), ("a", "1"), ("a_2", "2")]
    assert graph.flows[0].target == "a"
    assert finding(data, "duplicate-id").message.startswith("The id 'a'")


def test_a_default_flow_whose_id_is_used_twice_is_the_one_that_leads_out() -> None:
    data = process(
        '<startEvent id="s"/><exclusiveGateway id="g" default="f"/>' + task("a")
        + '<sequenceFlow id="f" sourceRef="s" targetRef="g"/><sequenceFlow id="f" sourceRef="g" targetRef="a"/>'
    )  # fmt: skip
    assert node_of(data, "g").default_flow == "f_2"
    assert flow_of(data, "f_2").source == "g"


@pytest.mark.parametrize(
    "ends", ['sourceRef="a"', 'targetRef="a"', "", 'sourceRef="a" targetRef="Q1"', 'sourceRef="" targetRef="a"']
)
def test_a_flow_that_joins_nothing_is_left_out_and_named(ends: str) -> None:
    data = definitions(
        f'<process id="P"><startEvent id="s"/>{task("a")}{flow("s", "a")}<sequenceFlow id="f" {ends}/></process>'
        '<process id="Q"><startEvent id="Q1"/></process>'
    )
    found = finding(data, "dangling-flow")
    assert (found.node, found.process) == ("f", "P")
    assert len(read(data).processes[0].flows) == 1


def test_a_process_is_called_by_its_name_or_its_pools() -> None:
    pool = '<collaboration id="c"><participant id="p" name="Shop" processRef="tns:P"/></collaboration>'
    named = '<process id="P" name="Orders"><startEvent id="s"/></process>'
    assert read(definitions(pool + named)).processes[0].name == "Orders"
    assert read(definitions(pool + named.replace(' name="Orders"', ""))).processes[0].name == "Shop"
    assert graph_of(process("")).name == ""


@pytest.mark.parametrize(("text", "executable"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_executable_is_read(text: str, executable: bool) -> None:
    assert graph_of(process("", f'isExecutable="{text}"')).executable is executable


def test_executable_may_be_left_open() -> None:
    assert graph_of(process("")).executable is None


def test_contents_of_sub_processes_are_kept_with_their_parent() -> None:
    inner = f'<startEvent id="i"/><transaction id="t">{task("d")}</transaction>{flow("i", "t")}'
    data = line(f'<subProcess id="s">{inner}</subProcess>')
    graph = graph_of(data)
    parents = {node.id: node.parent for node in graph.nodes}
    assert parents == {"start": None, "s": None, "end": None, "i": "s", "t": "s", "d": "t"}
    assert {item.id for item in graph.flows} == {"start-s", "s-end", "i-t"}
    assert {node.id for node in graph.nodes if node.kind is NodeKind.UNSUPPORTED} == {"t", "d"}
    assert "with 1 nodes inside" in finding(data, "unsupported-element").message


def test_names_and_labels() -> None:
    data = line(task("a", attributes='name=" say &lt;hi&gt; "'), task("b"))
    assert (node_of(data, "a").name, node_of(data, "b").label) == ("say <hi>", "b")


def test_comments_and_instructions_are_no_elements() -> None:
    data = line(task("a", f"<!-- no --><?no no?>{ACTION}")).replace(b"<startEvent", b"<!-- no --><?x?><startEvent")
    assert codes(data) == set()


@pytest.mark.parametrize(
    "inside",
    [
        "<dataObject id='d'/>",
        "<textAnnotation id='n'><text>t</text></textAnnotation>",
        "<ioSpecification/>",
        "<laneSet id='l'/>",
        "<documentation>x</documentation>",
    ],
)
def test_what_stands_beside_the_graph_is_no_finding(inside: str) -> None:
    assert codes(line(task("a")).replace(b"<startEvent", inside.encode() + b"<startEvent")) == set()


def test_the_dialect_is_told_by_name_or_attributes() -> None:
    plain = line(task("a"))
    assert read(plain).dialect is Dialect.BPMN
    assert read(plain, "orders.tplg").dialect is Dialect.TPLG
    assert read(line(task("a", attributes='pipes:pipesType="custom"'))).dialect is Dialect.TPLG
    assert read(b'{"nodes":[],"connections":[]}').dialect is Dialect.TPLG_JSON


def test_line_breaks_in_a_name_are_layout() -> None:
    data = line(task("a", attributes='name="Prepare&#13;&#10;Bank&#10;  Transfer "'))
    assert node_of(data, "a").name == "Prepare Bank Transfer"
