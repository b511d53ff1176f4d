"""A graph in Orchesty's formats, for those who have both: `.tplg` and `.tplg.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from lxml import etree
from msgspec import Struct

from segue.bpmn.assign_json import json_action, json_settings
from segue.bpmn.diagram import add_diagram
from segue.bpmn.layout import Drawing, arrange
from segue.bpmn.meetings import AUTOMATIC
from segue.bpmn.names import BPMN, PIPES, SEGUE, Element
from segue.bpmn.pipes import MAX_PREFETCH, percent_encoded, pipes_fields, says_all
from segue.bpmn.settings import Binding, own_fields
from segue.bpmn.tplg_json import DEFAULT_PREFETCH
from segue.bpmn.write import SPACES, binding_of
from segue.model.errors import Invalid
from segue.model.graph import Flow, Node, NodeKind, ProcessGraph, TimerKind

_KINDS = frozenset({NodeKind.START, NodeKind.PASS, NodeKind.ACTION, NodeKind.USER_TASK})
_DEFAULT_TIMEOUT_MS = 60_000


class Exported(Struct, frozen=True, kw_only=True):
    """A file, and what Orchesty will do otherwise than Segue: one sentence each."""

    data: bytes
    losses: tuple[str, ...] = ()


def write_tplg(graph: ProcessGraph, hosts: Mapping[str, str] | None = None) -> Exported:
    """Return a graph as `.tplg`. `hosts` gives `host:port` of workers by name.

    What the format cannot say of a node is added as our extension elements, so that Segue reads it exactly. Raises
    Invalid, naming every node and flow that the format has no word for.
    """
    nodes, flows = _expressible(graph)
    root = etree.Element(f"{{{BPMN}}}definitions", nsmap={**SPACES, "pipes": PIPES}, id=f"Definitions_{graph.key}")
    process = etree.SubElement(root, f"{{{BPMN}}}process", id=graph.key, isExecutable="false")
    losses: list[str] = []
    try:
        if graph.name:
            process.set("name", graph.name)
        for node in nodes:
            losses += _xml_node(process, node, flows, hosts or {})
        for flow in flows:
            element = etree.SubElement(
                process, f"{{{BPMN}}}sequenceFlow", id=flow.id, sourceRef=flow.source, targetRef=flow.target
            )
            if flow.name:
                element.set("name", flow.name)
        add_diagram(root, graph.key, arrange(nodes, flows), {node.id for node in nodes})
    except ValueError as error:
        raise Invalid(f"The process {graph.key!r} holds text that XML cannot hold: {error}") from error
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return Exported(data=data, losses=tuple(losses))


def write_tplg_json(graph: ProcessGraph) -> Exported:
    """Return a graph as `.tplg.json`; settings go into a member `segue` of their node.

    Raises Invalid as `write_tplg` does.
    """
    nodes, flows = _expressible(graph)
    drawing = arrange(nodes, flows)
    losses: list[str] = []
    written = []
    for node in nodes:
        item, lost = _json_node(node, drawing)
        written.append(item)
        losses += lost
    connections = [
        {"id": flow.id, "from": flow.source, "to": flow.target, "sourceOutput": "output", "targetInput": "input"}
        for flow in flows
    ]
    data = msgspec.json.format(msgspec.json.encode({"nodes": written, "connections": connections}), indent=2)
    return Exported(data=data, losses=tuple(losses))


def _expressible(graph: ProcessGraph) -> tuple[list[Node], list[Flow]]:
    """Return the nodes and flows to write: end events are left out, since there a message just has no follower."""
    problems: list[str] = []
    nodes = [node for node in graph.nodes if node.kind is not NodeKind.END]
    kept = {node.id for node in nodes}
    flows = [flow for flow in graph.flows if flow.source in kept and flow.target in kept]
    for node in nodes:
        if node.kind not in _KINDS:
            problems.append(f"the {node.element} {node.label!r}")
        elif node.kind is NodeKind.ACTION and node.action is None:
            problems.append(f"the {node.element} {node.label!r}, which has no action")
    problems += [f"the condition on the flow {flow.id!r}" for flow in flows if flow.condition is not None]
    if problems:
        more = f" and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise Invalid(f"Orchesty's formats have no word for {', '.join(problems[:10])}{more}")
    return nodes, flows


def _name(node: Node) -> str:
    """Return what Orchesty calls a node: an action by its own name, since that is how its worker finds it."""
    return node.action.name if node.action is not None else node.label


def _xml_node(process: Element, node: Node, flows: list[Flow], hosts: Mapping[str, str]) -> list[str]:
    """Append a node, and return what is lost."""
    tag = "task" if node.kind in {NodeKind.ACTION, NodeKind.USER_TASK} else "event"
    element = etree.SubElement(process, f"{{{BPMN}}}{tag}", id=node.id, name=_name(node))
    losses: list[str] = []
    fields: dict[str, str] = {"pipesType": "user" if node.kind is NodeKind.USER_TASK else "start"}
    ours: list[tuple[str, dict[str, str]]] = []
    if node.action is not None:
        fields = pipes_fields(node, hosts)
        if not says_all(node):
            ours = own_fields(binding_of(node))
    elif node.passes:
        ours = [("task", {"passes": AUTOMATIC})]
    elif node.timer is not None:
        fields = {"pipesType": "cron", "cronTime": _cron(node, losses), "cronParams": _parameters(node, losses)}
        if node.timer.zone:
            ours = [("schedule", {"zone": node.timer.zone})]
    for name, text in fields.items():
        if text:
            element.set(f"{{{PIPES}}}{name}", text)
    if ours:
        holder = etree.SubElement(element, f"{{{BPMN}}}extensionElements")
        for name, texts in ours:
            etree.SubElement(holder, f"{{{SEGUE}}}{name}", texts)
    for name, ids in (
        ("incoming", [flow.id for flow in flows if flow.target == node.id]),
        ("outgoing", [flow.id for flow in flows if flow.source == node.id]),
    ):
        for id_ in ids:
            etree.SubElement(element, f"{{{BPMN}}}{name}").text = id_
    return losses + _name_losses(node) + _setting_losses(node)


def _cron(node: Node, losses: list[str]) -> str:
    timer = node.timer
    if timer is None:
        return ""
    if timer.zone:
        losses.append(f"The schedule of {node.label!r} is in {timer.zone}; Orchesty uses its own time zone.")
    if timer.kind is TimerKind.CRON:
        return timer.value
    every = timer.value.removeprefix("R/PT").lower()
    if timer.kind is TimerKind.CYCLE and every != timer.value.lower() and "." not in every:
        return f"@every {every}"
    raise Invalid(f"Orchesty's formats have no word for the timer {timer.value!r} of {node.label!r}")


def _parameters(node: Node, losses: list[str]) -> str:
    """Return the inside of the JSON object that a schedule sends, percent-encoded as the attribute wants it."""
    body = (node.timer.body if node.timer else "").strip()
    if not body:
        return ""
    try:
        msgspec.json.decode(body, type=dict)
    except (msgspec.DecodeError, RecursionError):
        losses.append(f"The schedule of {node.label!r} sends a body that is no JSON object; Orchesty sends {{}}.")
        return ""
    return percent_encoded(body[1:-1])


def _name_losses(node: Node) -> list[str]:
    if node.name and node.name != _name(node):
        return [f"The name {node.name!r} becomes {_name(node)!r}: Orchesty finds actions by the name of the node."]
    return []


def _setting_losses(node: Node) -> list[str]:
    lost = []
    if node.limits:
        lost.append(f"Orchesty does not know the limits of {node.label!r}.")
    if node.priority:
        lost.append(f"Orchesty does not know the priority of {node.label!r}.")
    if node.prefetch > MAX_PREFETCH and node.action is not None:
        lost.append(f"Orchesty handles at most {MAX_PREFETCH} messages of {node.label!r} at a time.")
    return lost


def _json_node(node: Node, drawing: Drawing) -> tuple[dict[str, Any], list[str]]:
    losses = _name_losses(node) + _setting_losses(node)
    shape, label = "circle", "Event"
    name: str | None = node.label
    if node.kind is NodeKind.USER_TASK:
        shape, label = "hexagon", "Breakpoint"
    elif node.action is not None:
        shape, name = "square", None
        label = {"custom": "Custom Action", "batch": "Batch"}.get(node.action.kind.value, "Connector")
    elif node.timer is not None:
        label = "Cron"
        losses.append(f"The schedule of {node.label!r} is not in the file: the format has no place for it.")
    bounds = drawing.bounds[node.id]
    item: dict[str, Any] = {"id": node.id, "type": "flow", "shape": shape, "label": label, "name": name}
    item |= {"position": {"x": bounds.x, "y": bounds.y}, "property": None, "action": json_action(binding_of(node))}
    settings = json_settings(_unlike_defaults(node))
    if node.passes:
        item["segue"] = {"passes": AUTOMATIC}
    if settings:
        item["segue"] = settings
        losses.append(f"Orchesty ignores the settings of {node.label!r} in this format.")
    return item, losses


def _unlike_defaults(node: Node) -> Binding:
    """Return the settings that differ from what the format means without them."""
    if node.action is None:
        return Binding()
    return Binding(
        prefetch=node.prefetch if node.prefetch != DEFAULT_PREFETCH else None,
        timeout_ms=node.timeout_ms if node.timeout_ms != _DEFAULT_TIMEOUT_MS else None,
        priority=node.priority or None,
        repeat=node.repeat,
        limits=node.limits,
    )
