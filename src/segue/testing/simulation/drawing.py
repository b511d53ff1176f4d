"""Processes drawn by chance, and what they mean, said a second time.

A drawing is a process graph together with its conditions as plain functions. `Drawing.ways` follows it as a person
would with a finger on the paper. It shares nothing with `segue.core.routing`, so each checks the other.
"""

from __future__ import annotations

import json
from collections import Counter
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

_STOPS = frozenset({NodeKind.ACTION, NodeKind.USER_TASK, NodeKind.TIMER, NodeKind.CALL, NodeKind.MESSAGE})
_CHOICES = frozenset({NodeKind.EXCLUSIVE, NodeKind.EVENT_GATEWAY})
_MEETS = frozenset({NodeKind.PARALLEL, NodeKind.INCLUSIVE})


@dataclass(frozen=True, slots=True)
class Way:
    """One copy's way: `kind` is to (the queue of `node`), stuck (at `node`), or terminate.

    `opened` are the scopes opened on it: the letter, the place of the node in the graph, and after a colon the way so
    far; "-" and a place: the sub-process of that place is left. `flow` is the last flow. `beside`: it watches, or races
    with, another copy. `ends`: it ends the sub-process `node`.
    """

    kind: str
    node: str
    opened: tuple[str, ...] = ()
    flow: str = ""
    beside: bool = False
    ends: bool = False


@dataclass(frozen=True, slots=True)
class _Point:
    """Where the finger is: over which flows it came, and what it opened."""

    path: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()

    def over(self, flow: Flow, opened: tuple[str, ...]) -> _Point:
        return _Point((*self.path, flow.id), opened)

    @property
    def key(self) -> str:
        return ">".join(self.path)

    @property
    def last(self) -> str:
        return self.path[-1] if self.path else ""


@dataclass(slots=True)
class Drawing:
    """One process graph, with the functions of its conditions by flow id."""

    graph: ProcessGraph
    tests: dict[str, Holds]
    nodes: dict[str, Node] = field(default_factory=dict)
    exits: dict[str, list[Flow]] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    joins: frozenset[str] = frozenset()
    _led: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nodes = {node.id: node for node in self.graph.nodes}
        self.places = {node.id: place for place, node in enumerate(self.graph.nodes)}
        for flow in self.graph.flows:
            self.exits.setdefault(flow.source, []).append(flow)
        entering = Counter(flow.target for flow in self.graph.flows)
        self.joins = frozenset(id_ for id_, node in self.nodes.items() if node.kind in _MEETS and entering[id_] > 1)

    def ways(self, start: str, body: bytes, headers: Mapping[str, str]) -> list[Way]:
        """Return where copies of a message go that leaves `start` with this body and these headers, in order."""
        node = self.nodes[start]
        if node.kind is NodeKind.EVENT_GATEWAY:
            return list(self._race(node, _Point()))
        return list(self._from(node, _Point(), read_facts(body), headers))

    def entry(self, start: str) -> str:
        """Return the node before which a message waits that was accepted for a start event."""
        passed: set[str] = set()
        list(self._everywhere(self.nodes[start], _Point(), passed))
        if not any(self._decides(node) for node in passed):
            ways = self.ways(start, b"", {})
            if len(ways) == 1 and ways[0].kind == "to" and not ways[0].opened:
                return ways[0].node
        return start

    def reachable(self, start: str) -> dict[str, list[Way]]:
        """Return the nodes at which a message may rest next from `start`, each with the way there and what waits
        beside it."""
        found: dict[str, list[Way]] = {}
        for ways in self._everywhere(self.nodes[start], _Point(), set()):
            if ways[0].beside:
                for way in ways:
                    found.setdefault(way.node, [way])
            else:
                found.setdefault(ways[0].node, ways)
        return found

    def starts(self) -> list[Node]:
        """Return the start events in document order."""
        return [node for node in self.graph.nodes if node.kind is NodeKind.START and node.parent is None]

    def default_start(self) -> Node:
        """Return the start event that is meant when none is named: the first without a timer, else the first."""
        starts = self.starts()
        return next((node for node in starts if node.timer is None), starts[0])

    # -- what belongs together ----------------------------------------------------------------------------------------

    def watchers(self, node_id: str) -> list[Node]:
        """Return the timers and message events on an activity."""
        kinds = {NodeKind.TIMER, NodeKind.MESSAGE}
        return [node for node in self.graph.nodes if node.attached_to == node_id and node.kind in kinds]

    def catcher(self, node_id: str) -> Node | None:
        """Return the error event that takes what fails at a node: on it, or on a sub-process around it."""
        place: str | None = node_id
        while place is not None:
            for node in self.graph.nodes:
                if node.attached_to == place and node.kind is NodeKind.ERROR:
                    return node
            place = self.nodes[place].parent
        return None

    def around(self, node_id: str, part: str) -> bool:
        """Whether a node lies in a sub-process, however deep."""
        parent = self.nodes[node_id].parent
        while parent is not None and parent != part:
            parent = self.nodes[parent].parent
        return parent == part

    def gathers(self, part: str) -> bool:
        """Whether there may be several messages in a sub-process at a time."""
        return any(self._multiplies(node) for node in self.graph.nodes if self.around(node.id, part))

    def _multiplies(self, node: Node) -> bool:
        if node.action is not None and node.action.kind.value == "batch":
            return True
        if node.attached_to is not None and not node.interrupting:
            return True
        return node.kind not in _CHOICES and len(self.exits.get(node.id, [])) > 1

    def scoped(self, part: str) -> bool:
        """Whether messages in a sub-process carry a scope of it."""
        watched = any(node.attached_to == part for node in self.graph.nodes)
        ended = any(node.kind is NodeKind.TERMINATE and node.parent == part for node in self.graph.nodes)
        return watched or ended or self.gathers(part)

    def may_come(self, node_id: str, meeting: str) -> bool:
        """Whether a message at a node may still come to a place where messages meet."""
        if self.nodes[meeting].kind is NodeKind.SUB_PROCESS:
            return self.around(node_id, meeting)
        return meeting in set().union(*(self._reached(next_, "") for next_ in self._onward(node_id)))

    def opens_for(self, split: str, join: str) -> bool:
        """Whether two branches out of a node lead to a join."""
        if self.nodes[split].kind in _CHOICES:
            return False
        return sum(join in self._reached(flow.target, split) for flow in self._exits_of(split)) > 1

    def _forks(self, node_id: str) -> bool:
        return any(self.opens_for(node_id, join) for join in self.joins)

    def _reached(self, begin: str, without: str) -> frozenset[str]:
        """All nodes that can be reached from a node, itself included, without coming through another."""
        known = self._led.get((begin, without))
        if known is not None:
            return known
        seen: set[str] = set()
        pending = [begin]
        while pending:
            node_id = pending.pop()
            if node_id in seen or node_id == without:
                continue
            seen.add(node_id)
            pending.extend(self._onward(node_id))
        found = self._led[begin, without] = frozenset(seen)
        return found

    def _exits_of(self, node_id: str) -> list[Flow]:
        """The flows on which a message leaves a node: at the end of a sub-process those of the sub-process."""
        node = self.nodes[node_id]
        if node.kind is NodeKind.END and node.parent is not None and not self.gathers(node.parent):
            return self.exits.get(node.parent, [])
        return self.exits.get(node_id, [])

    def _onward(self, node_id: str) -> list[str]:
        node = self.nodes[node_id]
        onward = [flow.target for flow in self._exits_of(node_id)]
        if node.kind is NodeKind.SUB_PROCESS:
            onward.append(self._inner_start(node_id).id)
        if node.kind in {NodeKind.END, NodeKind.TERMINATE} and node.parent is not None:
            onward += [flow.target for flow in self.exits.get(node.parent, [])]
        held = node.parent if node.kind is NodeKind.START else node_id
        onward += [other.id for other in self.graph.nodes if held is not None and other.attached_to == held]
        return onward

    def _inner_start(self, part: str) -> Node:
        return next(node for node in self.graph.nodes if node.parent == part and node.kind is NodeKind.START)

    # -- walking ------------------------------------------------------------------------------------------------------

    def _decides(self, node_id: str) -> bool:
        """Whether the way on from a gateway depends on the message."""
        exits = self.exits.get(node_id, [])
        deciding = self.nodes[node_id].kind in {NodeKind.EXCLUSIVE, NodeKind.INCLUSIVE}
        return deciding and (len(exits) > 1 or any(flow.condition for flow in exits))

    def _everywhere(self, node: Node, at: _Point, seen: set[str]) -> Iterator[list[Way]]:
        """The ways to all places where a message may rest next, whatever it says; what belongs together in one list."""
        exits = self._exits_of(node.id)
        opened = self._split(node, at, len(exits))
        for flow in exits:
            target, point = self.nodes[flow.target], at.over(flow, opened)
            inner, point = self._entered(target, point)
            if self._rests(inner):
                ways = [way for way in self._arriving(inner, point) if way.kind == "to"]
                if ways:
                    yield ways
            elif inner.id not in seen:
                seen.add(inner.id)
                yield from self._everywhere(inner, self._left(inner, point), seen)

    def _from(self, node: Node, at: _Point, facts: Facts | None, headers: Mapping[str, str]) -> Iterator[Way]:
        chosen = self._chosen(node, facts, headers)
        if chosen is None:
            yield Way("stuck", node.id, at.opened)
            return
        opened = self._split(node, at, len(chosen))
        for flow in chosen:
            target, point = self.nodes[flow.target], at.over(flow, opened)
            if target.kind is NodeKind.SUB_PROCESS:
                target, point = self._entered(target, point)
                part = target.parent or ""
                yield from (self._watch(watcher, point) for watcher in self.watchers(part))
            if self._rests(target):
                yield from self._arriving(target, point)
            else:
                yield from self._from(target, self._left(target, point), facts, headers)

    def _split(self, node: Node, at: _Point, count: int) -> tuple[str, ...]:
        if count < 2 or not self._forks(node.id):
            return at.opened
        return (*at.opened, f"f{self.places[node.id]}:{at.key}")

    def _entered(self, target: Node, at: _Point) -> tuple[Node, _Point]:
        """Into a sub-process to its start event; anything else is where it is."""
        if target.kind is not NodeKind.SUB_PROCESS:
            return target, at
        opened = at.opened
        if self.scoped(target.id):
            opened = (*opened, f"s{self.places[target.id]}:{at.key}")
        return self._inner_start(target.id), _Point(at.path, opened)

    def _left(self, node: Node, at: _Point) -> _Point:
        """Out of a sub-process, if the node is an end of one."""
        ends = node.kind in {NodeKind.END, NodeKind.TERMINATE}
        if not ends or node.parent is None or not self.scoped(node.parent):
            return at
        return _Point(at.path, (*at.opened, f"-{self.places[node.parent]}"))

    def _rests(self, node: Node) -> bool:
        if node.kind is NodeKind.END:
            return node.parent is None or self.gathers(node.parent)
        return node.kind in _STOPS | {NodeKind.TERMINATE, NodeKind.EVENT_GATEWAY} or node.id in self.joins

    def _arriving(self, node: Node, at: _Point) -> Iterator[Way]:
        if node.kind is NodeKind.END:
            if node.parent is not None:
                yield Way("to", node.parent, at.opened, at.last)
        elif node.kind is NodeKind.TERMINATE and node.parent is not None:
            yield Way("to", node.parent, self._left(node, at).opened, at.last, ends=True)
        elif node.kind is NodeKind.TERMINATE:
            yield Way("terminate", node.id)
        elif node.kind is NodeKind.EVENT_GATEWAY:
            yield from self._race(node, at)
        elif watchers := self.watchers(node.id):
            inside = _Point(at.path, (*at.opened, f"g{self.places[node.id]}:{at.key}"))
            yield Way("to", node.id, inside.opened, at.last)
            yield from (self._watch(watcher, inside) for watcher in watchers)
        else:
            yield Way("to", node.id, at.opened, at.last)

    def _watch(self, watcher: Node, at: _Point) -> Way:
        letter = "w" if watcher.interrupting else "n"
        return Way("to", watcher.id, (*at.opened, f"{letter}{self.places[watcher.id]}:"), at.last, beside=True)

    def _race(self, gateway: Node, at: _Point) -> Iterator[Way]:
        opened = (*at.opened, f"r{self.places[gateway.id]}:{at.key}")
        for flow in self.exits.get(gateway.id, []):
            yield Way("to", flow.target, opened, flow.id, beside=True)

    def _chosen(self, node: Node, facts: Facts | None, headers: Mapping[str, str]) -> list[Flow] | None:
        """The flows taken out of a node; None when nobody can say."""
        exits = self._exits_of(node.id)
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
