"""Processes drawn by chance, and what they mean, said a second time.

A drawing is a process graph together with its conditions as plain functions. `Drawing.ways` follows it as a person
would with a finger on the paper. It shares nothing with `segue.core.routing`, so each checks the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from segue.model.graph import Condition, Flow, Node, NodeKind, ProcessGraph

Facts = dict[str, Any]
Holds = Callable[[Facts, Mapping[str, str]], bool]

TESTS: tuple[tuple[str, Holds], ...] = (
    ("body.n > 4", lambda body, _headers: bool(body["n"] > 4)),
    ("n < 3", lambda body, _headers: bool(body["n"] < 3)),
    ('body.kind == "a"', lambda body, _headers: bool(body["kind"] == "a")),
    ('kind != "b"', lambda body, _headers: bool(body["kind"] != "b")),
    ("body.big", lambda body, _headers: bool(body["big"])),
    ('headers["x-mark"] == "left"', lambda _body, headers: headers["x-mark"] == "left"),
)
"""Conditions as CEL and as functions. A function raises KeyError where the condition has no answer."""

AGAIN: tuple[str, Holds] = ("body.round < 3", lambda body, _headers: bool(body["round"] < 3))
"""The condition of a way back; every worker adds one to `round`."""

_STOPS = frozenset({NodeKind.ACTION, NodeKind.USER_TASK, NodeKind.TIMER})


@dataclass(frozen=True, slots=True)
class Way:
    """One copy's way: `kind` is to (the queue of `node`), stuck (at `node`), or terminate."""

    kind: str
    node: str


@dataclass(slots=True)
class Drawing:
    """One process graph, with the functions of its conditions by flow id."""

    graph: ProcessGraph
    tests: dict[str, Holds]
    nodes: dict[str, Node] = field(default_factory=dict)
    exits: dict[str, list[Flow]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nodes = {node.id: node for node in self.graph.nodes}
        for flow in self.graph.flows:
            self.exits.setdefault(flow.source, []).append(flow)

    def ways(self, start: str, body: bytes, headers: Mapping[str, str]) -> list[Way]:
        """Return where copies of a message go that leaves `start` with this body and these headers, in order."""
        return list(self._from(self.nodes[start], read_facts(body), headers))

    def entry(self, start: str) -> str:
        """Return the node before which a message waits that was accepted for a start event."""
        passed: set[str] = set()
        list(self._everywhere(self.nodes[start], passed))
        if not any(self._decides(node) for node in passed):
            ways = self.ways(start, b"", {})
            if len(ways) == 1 and ways[0].kind == "to":
                return ways[0].node
        return start

    def reachable(self, start: str) -> set[str]:
        """Return the nodes with queues that a message may reach next from `start`."""
        return {way.node for way in self._everywhere(self.nodes[start], set()) if way.kind == "to"}

    def starts(self) -> list[Node]:
        """Return the start events in document order."""
        return [node for node in self.graph.nodes if node.kind is NodeKind.START]

    def default_start(self) -> Node:
        """Return the start event that is meant when none is named: the first without a timer, else the first."""
        starts = self.starts()
        return next((node for node in starts if node.timer is None), starts[0])

    def _decides(self, node_id: str) -> bool:
        """Whether the way on from a gateway depends on the message."""
        exits = self.exits.get(node_id, [])
        deciding = self.nodes[node_id].kind in {NodeKind.EXCLUSIVE, NodeKind.INCLUSIVE}
        return deciding and (len(exits) > 1 or any(flow.condition for flow in exits))

    def _everywhere(self, node: Node, seen: set[str]) -> Iterator[Way]:
        for flow in self.exits.get(node.id, []):
            target = self.nodes[flow.target]
            if target.kind in _STOPS:
                yield Way("to", target.id)
            elif target.id not in seen:
                seen.add(target.id)
                yield from self._everywhere(target, seen)

    def _from(self, node: Node, facts: Facts | None, headers: Mapping[str, str]) -> Iterator[Way]:
        chosen = self._chosen(node, facts, headers)
        if chosen is None:
            yield Way("stuck", node.id)
            return
        for flow in chosen:
            target = self.nodes[flow.target]
            if target.kind in _STOPS:
                yield Way("to", target.id)
            elif target.kind is NodeKind.TERMINATE:
                yield Way("terminate", target.id)
            elif target.kind is not NodeKind.END:
                yield from self._from(target, facts, headers)

    def _chosen(self, node: Node, facts: Facts | None, headers: Mapping[str, str]) -> list[Flow] | None:
        """The flows taken out of a node; None when nobody can say."""
        exits = self.exits.get(node.id, [])
        if node.kind not in {NodeKind.EXCLUSIVE, NodeKind.INCLUSIVE}:
            return exits
        if len(exits) == 1 and exits[0].condition is None:
            return exits
        chosen = []
        for flow in exits:
            if flow.id == node.default_flow:
                continue
            try:
                true = self.tests[flow.id]({} if facts is None else facts, headers)
            except KeyError:
                return None
            if true:
                chosen.append(flow)
                if node.kind is NodeKind.EXCLUSIVE:
                    return chosen
        if not chosen:
            chosen = [flow for flow in exits if flow.id == node.default_flow]
        return chosen or None


def read_facts(body: bytes) -> Facts | None:
    """Return the fields of a body; None when it has none."""
    try:
        value = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        return None
    return value if isinstance(value, dict) else None


def condition(cel: str) -> Condition:
    """Return a flow's condition as a file in CEL has it."""
    return Condition(source=cel, language="cel", cel=cel)
