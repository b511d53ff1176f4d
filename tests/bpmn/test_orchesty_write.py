"""Graphs in Orchesty's formats: read the same again, and refused where those have no word."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from lxml import etree
from msgspec import structs

from segue.bpmn.names import BPMN, PIPES
from segue.bpmn.orchesty_write import write_tplg, write_tplg_json
from segue.model.errors import Invalid
from segue.model.graph import NodeKind, ProcessGraph
from tests.bpmn.build import ACTION, condition, flow, graph_of, line, process, read, task
from tests.bpmn.strategies import graphs
from tests.bpmn.test_orchesty import CONTACTS, ORDERS

SIMPLE = (NodeKind.START, NodeKind.ACTION, NodeKind.USER_TASK)


def simplified(graph: ProcessGraph) -> ProcessGraph:
    """Leave out what the formats cannot say: conditions, defaults, messages, schedules, a start after a start."""
    starts = {node.id for node in graph.nodes if node.kind is NodeKind.START}
    flows = tuple(structs.replace(item, condition=None) for item in graph.flows if item.target not in starts)
    nodes = tuple(
        structs.replace(
            node,
            element="",
            name=node.action.name if node.action else node.label,
            default_flow=None,
            message_name=None,
            timer=None,
        )
        for node in graph.nodes
    )
    return structs.replace(graph, nodes=nodes, flows=flows, executable=None)


@given(graphs(SIMPLE))
def test_xml_reads_the_same_again(graph: ProcessGraph) -> None:
    before = simplified(graph)
    (after,) = read(write_tplg(before).data, "P.tplg").processes
    assert simplified(after) == before


@given(graphs(SIMPLE))
def test_json_reads_the_same_again(graph: ProcessGraph) -> None:
    before = simplified(graph)
    (after,) = read(write_tplg_json(before).data, "P.tplg.json").processes
    unnamed = tuple(structs.replace(item, name="") for item in before.flows)
    assert simplified(after) == structs.replace(before, name="P", flows=unnamed)


def test_orders_come_back_as_they_were() -> None:
    before = graph_of(ORDERS, "orders.tplg")
    exported = write_tplg(before, {"worker": "worker:8080"})
    assert exported.losses == ()
    assert graph_of(exported.data, "orders.tplg") == structs.replace(before, executable=False)


def test_attributes_are_those_that_orchesty_reads() -> None:
    root = etree.fromstring(write_tplg(graph_of(ORDERS, "orders.tplg"), {"worker": "worker:8080"}).data)
    crm = next(item for item in root.iter(f"{{{BPMN}}}task") if item.get("id") == "Crm")
    assert {key.removeprefix(f"{{{PIPES}}}"): text for key, text in crm.attrib.items()} == {
        "id": "Crm",
        "name": "crm-create",
        "pipesType": "connector",
        "sdkHost": "worker:8080",
        "sdkHostName": "worker",
        "rabbitPrefetch": "20",
        "timeout": "60",
        "repeaterEnabled": "true",
        "repeaterHops": "4",
        "repeaterInterval": "30",
    }
    assert [item.text for item in crm] == ["F2", "F3"]
    event = next(iter(root.iter(f"{{{BPMN}}}event")))
    assert event.get(f"{{{PIPES}}}cronParams") == "%22limit%22%3A50"


def test_contacts_come_back_without_their_end_event() -> None:
    before = graph_of(CONTACTS, "contacts.tplg.json")
    exported = write_tplg_json(before)
    assert exported.losses == ()
    after = graph_of(exported.data, "contacts.tplg.json")
    assert after.nodes == before.nodes[:-1]
    assert after.flows == before.flows[:-1]
    first = json.loads(exported.data)["nodes"][0]
    assert set(first) == {"id", "type", "shape", "label", "name", "position", "property", "action"}


def test_cycles_and_zones() -> None:
    timer = "<timerEventDefinition><timeCycle>R/PT1H30M</timeCycle></timerEventDefinition>"
    schedule = '<extensionElements><segue:schedule zone="Europe/Prague" body="[1]"/></extensionElements>'
    data = line(task("a"), start=f'<startEvent id="s">{schedule}{timer}</startEvent>')
    exported = write_tplg(graph_of(data))
    assert b'pipes:cronTime="@every 1h30m"' in exported.data
    assert len(exported.losses) == 2
    again = graph_of(exported.data, "a.tplg").nodes[0].timer
    assert again is not None
    assert again.zone == "Europe/Prague"
    with pytest.raises(Invalid, match="timer"):
        write_tplg(graph_of(data.replace(b"R/PT1H30M", b"R/2030-01-01T00:00:00Z/P1D")))


def test_what_orchesty_does_otherwise_is_said() -> None:
    more = ACTION.replace('worker="crm"', 'worker="crm" prefetch="50" priority="2"').replace(
        "</ext", '<segue:limit key="k" calls="1" per="PT1S"/></ext'
    )
    graph = graph_of(line(task("a", more, attributes='name="Create it"')))
    assert len(write_tplg(graph).losses) == 4
    assert len(write_tplg_json(graph).losses) == 5


@pytest.mark.parametrize(
    "data",
    [
        line('<parallelGateway id="g"/>'),
        line('<intermediateCatchEvent id="t"/>'),
        line('<task id="a"/>'),
        line(task("a"), end='<endEvent id="end"><terminateEventDefinition/></endEvent>'),
        process('<startEvent id="s"/>' + task("a") + flow("s", "a", condition("x"))),
        line('<callActivity id="c"/>'),
    ],
)
def test_what_the_formats_have_no_word_for_is_refused(data: bytes) -> None:
    for write in (write_tplg, write_tplg_json):
        with pytest.raises(Invalid, match="no word for"):
            write(graph_of(data))
