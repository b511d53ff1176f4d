"""Graphs written as BPMN read the same again, and their drawing is one that editors can show."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from lxml import etree
from msgspec import structs

from segue.bpmn import Dialect
from segue.bpmn.diagram import BPMNDI, DC, DI
from segue.bpmn.layout import Bounds, arrange
from segue.bpmn.names import BPMN
from segue.bpmn.write import write_bpmn
from segue.model.errors import Invalid
from segue.model.graph import Flow, NodeKind, ProcessGraph
from tests.bpmn.build import graph_of, line, process, read, task
from tests.bpmn.strategies import graphs
from tests.bpmn.test_orchesty import CONTACTS, ORDERS


@given(graphs())
def test_any_graph_reads_the_same_again(graph: ProcessGraph) -> None:
    result = read(write_bpmn(graph))
    assert result.processes == (graph,)
    assert result.dialect is Dialect.BPMN
    assert not {item.code for item in result.findings} & {"bad-setting", "bad-timer", "dangling-flow", "missing-id"}


@pytest.mark.parametrize(("data", "name"), [(ORDERS, "orders.tplg"), (CONTACTS, "contacts.tplg.json")])
def test_orchesty_files_become_bpmn_that_means_the_same(data: bytes, name: str) -> None:
    before = graph_of(data, name)
    result = read(write_bpmn(before))
    (after,) = result.processes
    assert result.publishable()

    def neutral(graph: ProcessGraph) -> ProcessGraph:
        return structs.replace(graph, nodes=tuple(structs.replace(node, element="") for node in graph.nodes))

    assert neutral(after) == neutral(before)


def test_what_is_not_in_the_graph_is_not_written() -> None:
    for data in (line('<complexGateway id="c"/>'), line(f'<transaction id="s">{task("a")}</transaction>')):
        with pytest.raises(Invalid, match="cannot be written"):
            write_bpmn(graph_of(data))


def test_text_that_xml_cannot_hold_is_refused() -> None:
    graph = structs.replace(graph_of(line(task("a"))), name="a\0b")
    with pytest.raises(Invalid, match="text"):
        write_bpmn(graph)


def overlap(one: Bounds, two: Bounds) -> bool:
    return (
        one.x < two.x + two.width
        and two.x < one.x + one.width
        and one.y < two.y + two.height
        and two.y < one.y + one.height
    )


@given(graphs())
def test_the_drawing_shows_everything_once_and_nothing_on_top_of_another(graph: ProcessGraph) -> None:
    drawing = arrange(graph.nodes, graph.flows)
    assert drawing.bounds.keys() == {node.id for node in graph.nodes}
    assert drawing.points.keys() == {flow.id for flow in graph.flows}
    for one, two in combinations(drawing.bounds.values(), 2):
        assert not overlap(one, two)
    for bounds in drawing.bounds.values():
        assert bounds.x >= 0
        assert bounds.y >= 0
        assert bounds.x + bounds.width <= drawing.width
        assert bounds.y + bounds.height <= drawing.height
    for flow in graph.flows:
        check_route(flow, drawing.points[flow.id], drawing.bounds)


def check_route(flow: Flow, points: tuple[tuple[int, int], ...], bounds: dict[str, Bounds]) -> None:
    """A flow starts and ends at the border of its nodes, and turns in right angles."""
    for (x, y), node in ((points[0], bounds[flow.source]), (points[-1], bounds[flow.target])):
        assert node.x <= x <= node.x + node.width
        assert node.y <= y <= node.y + node.height
        assert x in {node.x, node.x + node.width} or y in {node.y, node.y + node.height}
    if bounds[flow.source].x + bounds[flow.source].width >= bounds[flow.target].x:
        # What leads back runs below all nodes, so that it is not taken for a flow to one of them.
        assert max(y for _, y in points) > max(node.y + node.height for node in bounds.values())
    for one, two in pairwise(points):
        assert one[0] == two[0] or one[1] == two[1]


def test_a_line_is_drawn_from_left_to_right() -> None:
    graph = graph_of(line(task("a"), task("b")))
    bounds = arrange(graph.nodes, graph.flows).bounds
    assert [bounds[id_].x for id_ in ("start", "a", "b", "end")] == sorted(bounds[id_].x for id_ in bounds)
    assert len({bounds[id_].y + bounds[id_].height // 2 for id_ in bounds}) == 1


def test_contents_are_drawn_inside_and_boundary_events_on_the_border() -> None:
    inner = f'<startEvent id="i"/>{task("d")}<sequenceFlow id="x" sourceRef="i" targetRef="d"/>'
    graph = graph_of(
        process(f'<subProcess id="s">{inner}</subProcess><boundaryEvent id="b" attachedToRef="s"/>{task("a")}')
    )
    bounds = arrange(graph.nodes, graph.flows, {"b": "s"}).bounds
    outer = bounds["s"]
    for id_ in ("i", "d"):
        assert outer.x < bounds[id_].x
        assert bounds[id_].x + bounds[id_].width < outer.x + outer.width
        assert outer.y < bounds[id_].y
        assert bounds[id_].y + bounds[id_].height < outer.y + outer.height
    assert bounds["b"].y < outer.y + outer.height < bounds["b"].y + bounds["b"].height


def test_the_diagram_is_complete() -> None:
    root = etree.fromstring(write_bpmn(graph_of(line(task("a")))))
    plane = root.find(f"{{{BPMNDI}}}BPMNDiagram/{{{BPMNDI}}}BPMNPlane")
    assert plane is not None
    assert plane.get("bpmnElement") == "P"
    shapes = plane.findall(f"{{{BPMNDI}}}BPMNShape")
    assert [shape.get("bpmnElement") for shape in shapes] == ["start", "a", "end"]
    assert all(set(shape[0].attrib) == {"x", "y", "width", "height"} for shape in shapes)
    assert all(shape[0].tag == f"{{{DC}}}Bounds" for shape in shapes)
    edges = plane.findall(f"{{{BPMNDI}}}BPMNEdge")
    assert [edge.get("bpmnElement") for edge in edges] == ["start-a", "a-end"]
    assert all(len(edge.findall(f"{{{DI}}}waypoint")) >= 2 for edge in edges)
    assert root[0].tag == f"{{{BPMN}}}process"


def test_a_large_graph_is_drawn() -> None:
    inside = "".join(task(f"t{number}", "") for number in range(1_000))
    flows = "".join(
        f'<sequenceFlow id="f{number}" sourceRef="t{number % 1000}" targetRef="t{number * 7 % 1000}"/>'
        for number in range(5_000)
    )
    graph = graph_of(process(inside + flows))
    assert len(arrange(graph.nodes, graph.flows).bounds) == 1_000
    assert all(node.kind is NodeKind.ACTION for node in graph.nodes)
