"""A graph as BPMN 2.0 XML with a drawing: what the other formats export to, and what reading gives back unchanged."""

from __future__ import annotations

from lxml import etree

from segue.bpmn.diagram import add_diagram
from segue.bpmn.elements import FLOW_NODES, TASKS
from segue.bpmn.layout import arrange
from segue.bpmn.meetings import Met, met_fields
from segue.bpmn.names import BPMN, SEGUE, Element
from segue.bpmn.settings import Binding, own_fields
from segue.model.errors import Invalid
from segue.model.graph import Condition, Flow, MissedTicks, Node, NodeKind, ProcessGraph, Timer, TimerKind

XSI = "http://www.w3.org/2001/XMLSchema-instance"
SPACES = {
    "bpmn": BPMN,
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
    "xsi": XSI,
    "segue": SEGUE,
}
_ELEMENTS = {
    NodeKind.START: "startEvent",
    NodeKind.END: "endEvent",
    NodeKind.TERMINATE: "endEvent",
    NodeKind.ACTION: "serviceTask",
    NodeKind.USER_TASK: "userTask",
    NodeKind.TIMER: "intermediateCatchEvent",
    NodeKind.EXCLUSIVE: "exclusiveGateway",
    NodeKind.INCLUSIVE: "inclusiveGateway",
    NodeKind.PARALLEL: "parallelGateway",
    NodeKind.PASS: "intermediateThrowEvent",
    NodeKind.SUB_PROCESS: "subProcess",
    NodeKind.CALL: "callActivity",
    NodeKind.EVENT_GATEWAY: "eventBasedGateway",
    NodeKind.MESSAGE: "intermediateCatchEvent",
    NodeKind.ERROR: "boundaryEvent",
    NodeKind.UNSUPPORTED: "task",
}
_TIMES = {
    TimerKind.DURATION: "timeDuration",
    TimerKind.DATE: "timeDate",
    TimerKind.CYCLE: "timeCycle",
    TimerKind.CRON: "timeCycle",
}


def write_bpmn(graph: ProcessGraph) -> bytes:
    """Return a graph as a BPMN 2.0 file in UTF-8, with a drawing. Reading it gives the same graph.

    Elements of other formats become the BPMN element that means the same. Raises Invalid for a node whose element
    cannot be executed (its meaning is not in the graph, export the file itself) and for text that XML cannot hold.
    """
    try:
        root = etree.Element(f"{{{BPMN}}}definitions", nsmap=SPACES)
        root.set("targetNamespace", SEGUE)
        process = _process(root, graph)
        holders: dict[str | None, Element] = {None: process}
        for node in graph.nodes:
            holders[node.id] = _node(root, holders[node.parent], node)
        parents = {node.id: node.parent for node in graph.nodes}
        for flow in graph.flows:
            _flow(holders[parents[flow.source]], flow)
        marked = {node.id for node in graph.nodes if node.kind is NodeKind.EXCLUSIVE}
        drawing = arrange(graph.nodes, graph.flows)
        add_diagram(root, graph.key, drawing, {node.id for node in graph.nodes}, marked)
    except ValueError as error:
        raise Invalid(f"The process {graph.key!r} holds text that XML cannot hold: {error}") from error
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def element_for(node: Node) -> str:
    """Return the BPMN element that a node is drawn as. Raises Invalid for one that cannot be written from the graph."""
    if node.kind is NodeKind.UNSUPPORTED and node.element in FLOW_NODES:
        raise Invalid(f"The {node.element} {node.label!r} cannot be written from its graph; export its file")
    if node.kind is NodeKind.ACTION and node.element in TASKS | {"userTask"}:
        # Without an action a user task would wait for a person.
        return node.element if node.action is not None or node.element != "userTask" else "serviceTask"
    return "boundaryEvent" if node.attached_to is not None else _ELEMENTS[node.kind]


def _process(root: Element, graph: ProcessGraph) -> Element:
    process = etree.SubElement(root, f"{{{BPMN}}}process", id=graph.key)
    if graph.name:
        process.set("name", graph.name)
    if graph.executable is not None:
        process.set("isExecutable", "true" if graph.executable else "false")
    return process


def _node(root: Element, holder: Element, node: Node) -> Element:
    element = etree.SubElement(holder, f"{{{BPMN}}}{element_for(node)}", id=node.id)
    if node.name:
        element.set("name", node.name)
    if node.default_flow is not None:
        element.set("default", node.default_flow)
    if node.attached_to is not None:
        element.set("attachedToRef", node.attached_to)
    if not node.interrupting:
        element.set("cancelActivity", "false")
    met = Met(meeting=node.meeting, calls=node.calls, correlation=node.correlation, passes=node.passes)
    ours = own_fields(binding_of(node)) + met_fields(met, node.kind)
    if node.timer is not None and (schedule := _schedule(node.timer)):
        ours.append(("schedule", schedule))
    if ours:
        extensions = etree.SubElement(element, f"{{{BPMN}}}extensionElements")
        for name, fields in ours:
            etree.SubElement(extensions, f"{{{SEGUE}}}{name}", fields)
    if node.kind is NodeKind.TERMINATE:
        etree.SubElement(element, f"{{{BPMN}}}terminateEventDefinition")
    if node.timer is not None:
        definition = etree.SubElement(element, f"{{{BPMN}}}timerEventDefinition")
        time = etree.SubElement(definition, f"{{{BPMN}}}{_TIMES[node.timer.kind]}")
        time.text = node.timer.value
    if node.message_name is not None or node.kind is NodeKind.MESSAGE:
        _message(root, element, node.message_name, f"Message_{node.id}")
    if node.kind is NodeKind.ERROR:
        _error(root, element, node.error_code, f"Error_{node.id}")
    return element


def binding_of(node: Node) -> Binding:
    """Return what our extension elements have to say of a node: everything whose default differs by dialect."""
    return Binding(
        action=node.action,
        prefetch=node.prefetch if node.action else None,
        timeout_ms=node.timeout_ms if node.action else None,
        priority=(node.priority or None) if node.action else None,
        repeat=node.repeat,
        limits=node.limits,
    )


def _schedule(timer: Timer) -> dict[str, str]:
    fields = {"zone": timer.zone or "", "body": timer.body}
    fields["missed"] = "" if timer.missed is MissedTicks.ONCE else timer.missed.value
    return {name: text for name, text in fields.items() if text}


def _error(root: Element, event: Element, code: str | None, id_: str) -> None:
    definition = etree.SubElement(event, f"{{{BPMN}}}errorEventDefinition")
    if code is not None:
        root.insert(0, etree.Element(f"{{{BPMN}}}error", id=id_, errorCode=code))
        definition.set("errorRef", id_)


def _message(root: Element, event: Element, name: str | None, id_: str) -> None:
    if name is None:
        etree.SubElement(event, f"{{{BPMN}}}messageEventDefinition")
        return
    message = etree.Element(f"{{{BPMN}}}message", id=id_, name=name)
    root.insert(0, message)
    etree.SubElement(event, f"{{{BPMN}}}messageEventDefinition", messageRef=id_)


def _flow(process: Element, flow: Flow) -> None:
    element = etree.SubElement(
        process, f"{{{BPMN}}}sequenceFlow", id=flow.id, sourceRef=flow.source, targetRef=flow.target
    )
    if flow.name:
        element.set("name", flow.name)
    if flow.condition is not None:
        _condition(element, flow.condition)


def _condition(element: Element, condition: Condition) -> None:
    expression = etree.SubElement(element, f"{{{BPMN}}}conditionExpression")
    expression.set(f"{{{XSI}}}type", "bpmn:tFormalExpression")
    if condition.language:
        expression.set("language", condition.language)
    expression.text = condition.source
