"""The semantic hash: equal for two graphs exactly when a version of one could stand for the other (P5)."""

from __future__ import annotations

from enum import Enum
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct, structs

from segue.model.graph import Node, NodeKind, ProcessGraph

_FORM = "segue-graph-1"
"""Names the canonical form. It changes only if the form does, since a new one makes every stored hash look new."""


def semantic_hash(graph: ProcessGraph) -> str:
    """Return 64 hex digits over everything that matters in a graph: every field of its nodes, flows and settings.

    Layout and line numbers are not in a graph; the order of nodes, of flows and of a node's limits is left out. The
    order of the flows out of an exclusive gateway counts, because the first true condition in it is taken.
    """
    return sha256(msgspec.json.encode([_FORM, canonical(graph)], order="sorted")).hexdigest()


def canonical(graph: ProcessGraph, *, defaults: bool = False) -> dict[str, Any]:
    """Return the graph as plain data that is equal for graphs of equal meaning.

    Without `defaults`, fields that have their default value are left out: a field that a later release adds with a
    default thus leaves the hashes of stored versions as they are.
    """
    choices = choice_orders(graph)
    plain = _fields(graph, defaults)
    plain["nodes"] = {node.id: _node(node, choices, defaults) for node in graph.nodes}
    plain["flows"] = {flow.id: _fields(flow, defaults) for flow in graph.flows}
    return plain


def choice_orders(graph: ProcessGraph) -> dict[str, tuple[str, ...]]:
    """Return the flows out of each exclusive gateway that chooses, in the order in which they are asked.

    The default flow is not asked, so where it stands does not matter (BPMN 2.0.2, 13.4.2).
    """
    asking = {node.id: node.default_flow for node in graph.nodes if node.kind is NodeKind.EXCLUSIVE}
    orders: dict[str, list[str]] = {}
    for flow in graph.flows:
        if flow.source in asking and flow.id != asking[flow.source]:
            orders.setdefault(flow.source, []).append(flow.id)
    return {id_: tuple(order) for id_, order in orders.items() if len(order) > 1}


def _node(node: Node, choices: dict[str, tuple[str, ...]], defaults: bool) -> dict[str, Any]:
    plain = _fields(node, defaults)
    if "limits" in plain:
        plain["limits"] = sorted(plain["limits"], key=lambda rule: msgspec.json.encode(rule, order="sorted"))
    if node.id in choices:
        plain["choices"] = choices[node.id]
    return plain


def _fields(value: Struct, defaults: bool) -> dict[str, Any]:
    held = ((field, getattr(value, field.name)) for field in structs.fields(value))
    return {
        field.name: _plain(item, defaults)
        for field, item in held
        if defaults or field.required or item != field.default
    }


def _plain(value: Any, defaults: bool) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item, defaults) for item in value]
    return _fields(value, defaults) if isinstance(value, Struct) else value
