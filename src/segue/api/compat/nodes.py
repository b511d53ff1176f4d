"""Nodes of published versions as the documents that workers read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from segue.control.published import Published
from segue.model.errors import Invalid
from segue.model.graph import Node


class NodeDocuments:
    """Answers what a worker asks about the node it works for.

    The Node SDK takes the repeater of the first node that it finds in place of what its exception says. A rule of the
    node itself is put in by the engine whatever the worker says, so here it only stands where it is certain to be
    meant: ids of nodes are those of the drawing, and two drawings may have the same one.
    """

    def __init__(self, published: Published) -> None:
        self._published = published

    async def find(self, wanted: Mapping[str, Any], *, with_settings: bool) -> list[dict[str, Any]]:
        """The nodes with these ids. Without settings for PHP, whose document cannot take them as text."""
        ids = wanted.get("ids")
        if ids is not None and not isinstance(ids, list):
            raise Invalid("Filter [ids] is no list")
        found: dict[str, list[Node]] = {}
        for graph in await self._published.graphs():
            for node in graph.nodes:
                if ids is None or node.id in ids:
                    found.setdefault(node.id, []).append(node)
        return [_document(nodes, with_settings=with_settings) for nodes in found.values()]


def _document(nodes: list[Node], *, with_settings: bool) -> dict[str, Any]:
    node = nodes[0]
    document: dict[str, Any] = {"_id": node.id, "id": node.id, "name": node.label, "deleted": False, "enabled": True}
    if not with_settings:
        return document
    rules = {each.repeat for each in nodes}
    rule = rules.pop() if len(rules) == 1 else None
    settings = {
        "sdk": {"host": ""},
        "bridge": {"host": "", "timeout": max(node.timeout_ms // 1000, 1)},
        "rabbit": {"prefetch": node.prefetch},
        "repeater": {
            "enabled": rule is not None,
            "hops": rule.at_most if rule else 0,
            "interval": max(rule.interval_ms // 1000, 1) if rule else 0,
        },
    }
    return document | {"systemConfigs": msgspec.json.encode(settings).decode()}
