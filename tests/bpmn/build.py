"""Small process files for tests, and short ways to look at what reading them gives."""

from __future__ import annotations

from itertools import pairwise

from segue.bpmn import ReadResult, read_file
from segue.model.graph import Finding, Flow, Node, ProcessGraph

SPACES = (
    'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:pipes="http://www.omg.org/spec/Pipes/20100524/MODEL" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'xmlns:segue="https://segue.dev/bpmn/1"'
)
ACTION = '<extensionElements><segue:action kind="connector" worker="crm" name="create-contact"/></extensionElements>'


def definitions(inside: str, attributes: str = "") -> bytes:
    """Return a definitions element around `inside`."""
    return f"<definitions {SPACES} {attributes}>{inside}</definitions>".encode()


def process(inside: str, attributes: str = "") -> bytes:
    """Return a file with one process around `inside`."""
    return definitions(f'<process id="P" {attributes}>{inside}</process>')


def line(*inner: str, start: str = '<startEvent id="start"/>', end: str = '<endEvent id="end"/>') -> bytes:
    """Return a process: the start event, the elements one after the other, the end event, and flows between them."""
    elements = [start, *inner, end]
    ids = [element.partition('id="')[2].partition('"')[0] for element in elements]
    flows = (flow(a, b) for a, b in pairwise(ids))
    return process("".join(elements) + "".join(flows))


def flow(source: str, target: str, inside: str = "", attributes: str = "") -> str:
    """Return a sequence flow; its id is made of its ends."""
    ends = f'sourceRef="{source}" targetRef="{target}"'
    return f'<sequenceFlow id="{source}-{target}" {ends} {attributes}>{inside}</sequenceFlow>'


def condition(text: str, attributes: str = "") -> str:
    """Return a condition expression for the inside of a flow."""
    return f"<conditionExpression {attributes}><![CDATA[{text}]]></conditionExpression>"


def task(id_: str, inside: str = ACTION, element: str = "serviceTask", attributes: str = "") -> str:
    """Return a task, bound to an action unless told otherwise."""
    return f'<{element} id="{id_}" {attributes}>{inside}</{element}>'


def read(data: bytes, name: str = "test.bpmn") -> ReadResult:
    """Read a file."""
    return read_file(data, name=name)


def graph_of(data: bytes, name: str = "test.bpmn") -> ProcessGraph:
    """Return the only process of a file."""
    (graph,) = read(data, name).processes
    return graph


def node_of(data: bytes, id_: str, name: str = "test.bpmn") -> Node:
    """Return a node of the only process."""
    return next(node for node in graph_of(data, name).nodes if node.id == id_)


def flow_of(data: bytes, id_: str) -> Flow:
    """Return a flow of the only process."""
    return next(item for item in graph_of(data).flows if item.id == id_)


def codes(data: bytes, name: str = "test.bpmn") -> set[str]:
    """Return the codes of all findings."""
    return {finding.code for finding in read(data, name).findings}


def finding(data: bytes, code: str, name: str = "test.bpmn") -> Finding:
    """Return the only finding with this code."""
    (found,) = [item for item in read(data, name).findings if item.code == code]
    return found
