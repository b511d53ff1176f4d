"""Assigning an action to a node of a `.tplg.json` file; only the text of that node is written anew."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from segue.bpmn.durations import format_duration
from segue.bpmn.findings import Notes
from segue.bpmn.settings import Binding, repeat_fields
from segue.bpmn.tplg_json import read_tplg_json
from segue.model.errors import Invalid, NodeNotFound
from segue.model.graph import NodeKind, Severity


class _Nodes(Struct):
    nodes: list[msgspec.Raw]


def assign_in_json(text: str, node_id: str, binding: Binding, name: str) -> str:
    """Return the text with exactly this binding on one node. Raises NodeNotFound, Invalid."""
    notes = Notes()
    graphs = read_tplg_json(text, name, notes)
    if not graphs:
        raise Invalid(notes.found[0].message)
    node = next((node for node in graphs[0].nodes if node.id == node_id), None)
    if node is None:
        raise NodeNotFound(f"The file has no node {node_id!r}")
    if node.kind not in {NodeKind.ACTION, NodeKind.USER_TASK}:
        raise Invalid(f"The {node.element} {node_id!r} cannot have an action")
    changed = _replaced(text, node_id, binding)
    _check(changed, node_id, binding, name)
    return changed


def json_settings(binding: Binding) -> dict[str, Any]:
    """Return the `segue` member of a node: what the format itself cannot carry."""
    settings: dict[str, Any] = {}
    if binding.prefetch is not None:
        settings["prefetch"] = binding.prefetch
    if binding.timeout_ms is not None:
        settings["timeout"] = format_duration(binding.timeout_ms)
    if binding.priority is not None:
        settings["priority"] = binding.priority
    if binding.repeat is not None:
        settings["repeat"] = repeat_fields(binding.repeat)
    if binding.limits:
        settings["limits"] = [
            {"key": rule.key, "calls": rule.calls, "per": format_duration(rule.per_ms)} for rule in binding.limits
        ]
    return settings


def json_action(binding: Binding) -> dict[str, Any] | None:
    """Return the `action` member of a node, None without an action."""
    if binding.action is None:
        return None
    action = {"name": binding.action.name, "worker": binding.action.worker, "type": binding.action.kind.value}
    if binding.action.application:
        action["app"] = binding.action.application
    return action


def _replaced(text: str, node_id: str, binding: Binding) -> str:
    """Return the text with the first node of this id written anew; its other members stay."""
    data = text.encode()
    at = 0
    for raw in msgspec.json.decode(data, type=_Nodes).nodes:
        written = bytes(raw)
        at = data.index(written, at)
        node: dict[str, Any] = msgspec.json.decode(written)
        if node["id"] != node_id:
            at += len(written)
            continue
        action = json_action(binding)
        old = node.get("action")
        if action is not None and isinstance(old, dict):
            # What the editor keeps beside the action, such as its icon and description, stays.
            action = {**{key: value for key, value in old.items() if key != "app"}, **action}
        node["action"] = action
        settings = json_settings(binding)
        node.pop("segue", None)
        if settings:
            node["segue"] = settings
        if action is not None and node.get("shape") == "hexagon":
            node["shape"] = "square"
        return (data[:at] + msgspec.json.encode(node) + data[at + len(written) :]).decode()
    raise NodeNotFound(f"The file has no node {node_id!r}")


def _check(text: str, node_id: str, binding: Binding, name: str) -> None:
    notes = Notes()
    graphs = read_tplg_json(text, name, notes)
    problems = [item for item in notes.found if item.node == node_id and item.severity is Severity.ERROR]
    if problems:
        raise Invalid(f"The action cannot be written: {problems[0].message}")
    node = next(node for node in graphs[0].nodes if node.id == node_id)
    if (node.action, node.repeat, node.limits) != (binding.action, binding.repeat, binding.limits):
        raise Invalid("The action cannot be written so that it reads the same again")
