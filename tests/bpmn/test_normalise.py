"""The normalised copy means the same, and has what bpmn-js needs to open, show and save it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from lxml import etree
from msgspec import structs

from segue.bpmn.diagram import BPMNDI, DC
from segue.bpmn.hashing import semantic_hash
from segue.bpmn.names import BPMN, local
from segue.bpmn.normalise import Normalised, normalise
from segue.bpmn.prefixes import OWNED
from segue.bpmn.write import write_bpmn
from segue.model.errors import Invalid
from segue.model.graph import NodeKind, ProcessGraph
from tests.bpmn.build import condition, definitions, flow, graph_of, line, process, read, task
from tests.bpmn.strategies import graphs
from tests.bpmn.test_attacks import ATTACKS
from tests.bpmn.test_corpus import FILES
from tests.bpmn.test_orchesty import CONTACTS, ORDERS

XSI = "http://www.w3.org/2001/XMLSchema-instance"


def tree(found: Normalised) -> etree._Element:
    return etree.fromstring(found.data)


def without_elements(graph: ProcessGraph) -> ProcessGraph:
    nodes = tuple(
        structs.replace(node, element="", prefetch=node.prefetch if node.action else 10) for node in graph.nodes
    )
    return structs.replace(graph, nodes=nodes)


def check_for_editor(root: etree._Element) -> None:
    """What the reference measurements name as the reasons for which bpmn-js fails, hangs or loses something."""
    for item in root.iter():
        if not isinstance(item.tag, str):
            continue
        for prefix, uri in item.nsmap.items():
            assert OWNED.get(prefix or "", uri) == uri
        if local(item) == "BPMNLabel":
            for bounds in item.iter(f"{{{DC}}}Bounds"):
                assert bounds.get("width")
                assert bounds.get("height")
        if local(item) == "sequenceFlow":
            assert item.get("id")
    model = f"{{{BPMN}}}"
    assert not list(root.iter(f"{model}event", f"{model}gateway"))
    assert list(root.iter(f"{{{BPMNDI}}}BPMNPlane"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_of_other_tools_mean_the_same_afterwards(path: Path) -> None:
    source = path.read_bytes()
    found = normalise(source, name=path.name)
    before, after = read(source), read(found.data)
    assert [semantic_hash(graph) for graph in after.processes] == [semantic_hash(graph) for graph in before.processes]
    ignored = {"wrong-encoding", "foreign-element"}
    assert sorted(item.code for item in after.findings if item.code not in ignored) == sorted(
        item.code for item in before.findings if item.code not in ignored
    )
    if before.processes:
        check_for_editor(tree(found))
    assert normalise(found.data).data == found.data
    assert normalise(found.data).changes == ()


@given(graphs())
def test_what_we_wrote_needs_no_change(graph: ProcessGraph) -> None:
    written = write_bpmn(graph)
    changes = set(normalise(written).changes)
    assert all(text.startswith("The incoming and outgoing") for text in changes)
    assert read(normalise(written).data).processes == (graph,)


@pytest.mark.parametrize(("data", "name"), [(ORDERS, "orders.tplg"), (CONTACTS, "contacts.tplg.json")])
def test_orchesty_files_can_be_drawn(data: bytes, name: str) -> None:
    found = normalise(data, name=name)
    check_for_editor(tree(found))
    before, after = read(data, name), read(found.data, name.removesuffix(".json"))
    assert [without_elements(graph) for graph in after.processes] == [
        without_elements(structs.replace(graph, name=graph.name)) for graph in before.processes
    ]
    assert after.publishable()


def test_a_schedule_becomes_a_timer_event() -> None:
    root = tree(normalise(ORDERS, name="orders.tplg"))
    start = next(root.iter(f"{{{BPMN}}}startEvent"))
    assert start.findtext(f"{{{BPMN}}}timerEventDefinition/{{{BPMN}}}timeCycle") == "*/10 * * * *"


def test_a_webhook_becomes_a_message_event() -> None:
    data = process('<event id="e" name="e" pipes:pipesType="webhook"/>')
    root = tree(normalise(data))
    assert root.find(f".//{{{BPMN}}}startEvent/{{{BPMN}}}messageEventDefinition") is not None
    assert graph_of(normalise(data).data).nodes[0].kind is NodeKind.START


def test_prefixes_of_the_editor_mean_what_it_thinks() -> None:
    data = definitions(
        '<process id="P"><startEvent id="s"/><exclusiveGateway id="g" di:note="n"/>'
        + flow("s", "g")
        + flow("g", "s", condition("x", f'xmlns:q="{XSI}" q:type="b:tFormalExpression"'))
        + "</process>",
        f'xmlns:di="urn:mine" xmlns:bpmn="urn:other" xmlns:b="{BPMN}"',
    )
    found = normalise(data)
    root = tree(found)
    check_for_editor(root)
    assert root.find(f".//{{{BPMN}}}conditionExpression").get(f"{{{XSI}}}type") == "bpmn:tFormalExpression"
    assert root.find(f".//{{{BPMN}}}exclusiveGateway").get("{urn:mine}note") == "n"
    assert any("default → bpmn" in text for text in found.changes)
    assert without_elements(graph_of(found.data)) == without_elements(graph_of(data))


def test_comments_and_instructions_stay() -> None:
    data = b"<!--1--><?two 2?>" + definitions(
        '<process id="P"><!--3--><startEvent id="s"/><?four 4?></process>', 'xmlns:di="urn:mine"'
    )
    text = normalise(data).data.decode()
    assert [text.index(mark) for mark in ("<!--1-->", "<?two 2?>", "<!--3-->", "<?four 4?>")] == sorted(
        text.index(mark) for mark in ("<!--1-->", "<?two 2?>", "<!--3-->", "<?four 4?>")
    )


def test_missing_ids_and_references_are_written_down() -> None:
    data = process(
        '<startEvent id="s"><outgoing>wrong</outgoing></startEvent><task><documentation>d</documentation></task>'
        '<task id="a"/><sequenceFlow sourceRef="tns:s" targetRef="a"/>'
    )
    found = normalise(data)
    before, after = graph_of(data), graph_of(found.data)
    assert after == before
    root = tree(found)
    line_ = root.find(f".//{{{BPMN}}}sequenceFlow")
    assert (line_.get("id"), line_.get("sourceRef")) == ("Flow_s_a", "s")
    assert [item.text for item in root.iter(f"{{{BPMN}}}outgoing")] == ["Flow_s_a"]
    assert [item.text for item in root.iter(f"{{{BPMN}}}incoming")] == ["Flow_s_a"]
    assert not {item.code for item in read(found.data).findings} & {"missing-id"}


def test_labels_without_size_are_dropped() -> None:
    shape = (
        f'<d:BPMNDiagram xmlns:d="{BPMNDI}" xmlns:c="{DC}"><d:BPMNPlane bpmnElement="P"><d:BPMNShape bpmnElement="s">'
        '<c:Bounds x="1" y="1" width="36" height="36"/><d:BPMNLabel><c:Bounds {}/></d:BPMNLabel>'
        "</d:BPMNShape></d:BPMNPlane></d:BPMNDiagram>"
    )
    for size in ('x="1" y="1"', 'x="1" y="1" width="5"', 'width="NaN" height="3"', 'width="-1" height="3"'):
        data = definitions('<process id="P"><startEvent id="s" name="n"/></process>' + shape.format(size))
        found = normalise(data)
        assert len(list(tree(found).iter(f"{{{DC}}}Bounds"))) == 1
        assert any("label" in text for text in found.changes)
    good = definitions(
        '<process id="P"><startEvent id="s"/></process>' + shape.format('x="1" y="1" width="9" height="9"')
    )
    assert len(list(tree(normalise(good)).iter(f"{{{DC}}}Bounds"))) == 2


def test_a_file_without_drawing_gets_one() -> None:
    root = tree(normalise(line(task("a"))))
    assert {item.get("bpmnElement") for item in root.iter(f"{{{BPMNDI}}}BPMNShape")} == {"start", "a", "end"}
    assert {item.get("bpmnElement") for item in root.iter(f"{{{BPMNDI}}}BPMNEdge")} == {"start-a", "a-end"}


def test_pools_without_drawing_get_one_each() -> None:
    pools = "".join(f'<participant id="p{key}" processRef="x:{key}"/>' for key in "PQ") + '<participant id="black"/>'
    processes = "".join(f'<process id="{key}"><startEvent id="s{key}"/></process>' for key in "PQ")
    root = tree(normalise(definitions(f'<collaboration id="c">{pools}</collaboration>{processes}')))
    plane = next(root.iter(f"{{{BPMNDI}}}BPMNPlane"))
    assert plane.get("bpmnElement") == "c"
    boxes = {
        shape.get("bpmnElement"): [float(shape[0].get(name)) for name in ("x", "y", "width", "height")]
        for shape in plane
    }
    assert boxes.keys() == {"pP", "pQ", "black", "sP", "sQ"}
    for key in "PQ":
        (x, y, width, height), (inner_x, inner_y, inner_width, inner_height) = boxes[f"p{key}"], boxes[f"s{key}"]
        assert x < inner_x
        assert inner_x + inner_width < x + width
        assert y < inner_y
        assert inner_y + inner_height < y + height
    assert boxes["pP"][1] + boxes["pP"][3] < boxes["pQ"][1]


@pytest.mark.parametrize("name", ATTACKS)
def test_what_cannot_be_read_is_refused(name: str) -> None:
    data, code = ATTACKS[name]
    if code == "too-many-nodes":
        return
    with pytest.raises(Invalid):
        normalise(data)


def test_encodings_become_utf8() -> None:
    data = b'<?xml version="1.0" encoding="windows-1252"?>' + line(
        task("a", attributes='name="größer"')
    ).decode().encode("cp1252")
    found = normalise(data)
    assert "größer".encode() in found.data
    assert found.changes[0].startswith("It was written in cp1252")


def test_ids_that_the_editor_refuses_are_changed_with_their_references() -> None:
    """moddle leaves out an element with such an id; a timer would vanish with the first save."""
    data = definitions(
        '<message id="7 days" name="7 days"/><process id="P"><startEvent id="s"><messageEventDefinition id="e 1"'
        ' messageRef="7 days"/></startEvent><task id="0a" name="0a"/><exclusiveGateway id="ž" default="č"/>'
        '<sequenceFlow id="f" sourceRef="s" targetRef="0a"/><sequenceFlow id="š" sourceRef="0a" targetRef="ž"/>'
        '<sequenceFlow id="č" sourceRef="ž" targetRef="0a"/><task id="_0a"/></process>'
    )
    found = normalise(data)
    graph = graph_of(found.data)
    assert [node.id for node in graph.nodes] == ["s", "_0a_2", "_", "_0a"]
    assert graph.nodes[0].message_name == "7 days"
    assert graph.nodes[1].name == "0a"
    assert [(item.source, item.target) for item in graph.flows] == [("s", "_0a_2"), ("_0a_2", "_"), ("_", "_0a_2")]
    assert graph.nodes[2].default_flow == graph.flows[2].id
    assert next(tree(found).iter(f"{{{BPMN}}}message")).get("id") == "_7_days"
    assert any("(6 times)" in text for text in found.changes)


def test_ids_used_twice_stay_with_the_graph() -> None:
    data = definitions(
        '<collaboration id="P"><participant id="a"/></collaboration><process id="P"><task id="a"/></process>'
    )
    found = normalise(data)
    root = tree(found)
    assert graph_of(found.data).key == "P"
    assert [node.id for node in graph_of(found.data).nodes] == ["a"]
    ids = [item.get("id") for item in root.iter(f"{{{BPMN}}}*") if item.get("id")]
    assert len(ids) == len(set(ids))


def test_prefixes_that_moddle_cannot_read_are_changed() -> None:
    data = definitions('<process id="P"><startEvent id="s" žluť:x="1"/></process>', 'xmlns:žluť="urn:z"')
    root = tree(normalise(data))
    assert "žluť" not in root.nsmap
    assert next(root.iter(f"{{{BPMN}}}startEvent")).get("{urn:z}x") == "1"
