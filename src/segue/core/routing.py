"""Routing: where a message goes when it leaves a node.

Between two queues a message passes gateways and events that need no worker. They are crossed in one step, here:
`Routes` follows the flows from a node through everything that only passes on, and answers with the nodes whose queues
take a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from segue.core import scopes
from segue.core.conditions import ConditionError, Facts, condition_of
from segue.core.shape import Shape
from segue.model.errors import NodeNotFound
from segue.model.graph import Flow, Node, NodeKind, ProcessGraph

MAX_STEPS = 10_000
"""More flows than this are not followed for one message: such a drawing multiplies messages without end."""

_QUEUE_KINDS = frozenset({NodeKind.ACTION, NodeKind.USER_TASK, NodeKind.TIMER, NodeKind.CALL, NodeKind.MESSAGE})
_SENDING_KINDS = _QUEUE_KINDS | {NodeKind.START, NodeKind.ERROR, NodeKind.SUB_PROCESS}
_PASS_KINDS = frozenset(
    {
        NodeKind.START,
        NodeKind.EXCLUSIVE,
        NodeKind.INCLUSIVE,
        NodeKind.PARALLEL,
        NodeKind.PASS,
    }
)


_NO_FACTS = Facts(b"", {})

LEFT = "-"
"""The kind of an `Opening` that is none: the scope of a sub-process is left."""


class Opening(Struct, frozen=True):
    """On the way the node with this place in the graph opened a scope of this kind (see `scopes`); or `LEFT` one.

    `key` is the same for the copies that are in it together.
    """

    kind: str
    index: int
    key: str = ""


class Target(Struct, frozen=True):
    """A copy goes to the queue of `node`, over the flows of `path`.

    `openings` are the scopes opened on the way. `beside`: it is no branch of its own, but waits beside another copy.
    `ends`: the sub-process `node` is over with it, whatever else is in it.
    """

    node: str
    path: tuple[str, ...]
    openings: tuple[Opening, ...] = ()
    beside: bool = False
    ends: bool = False


class Terminate(Struct, frozen=True):
    """The way leads to a terminate end event: the instance is over."""

    node: str
    path: tuple[str, ...]


class Stuck(Struct, frozen=True):
    """The way ends at `node` because nobody can say how to go on; `code` is a reason code."""

    node: str
    path: tuple[str, ...]
    reason: str
    code: str
    openings: tuple[Opening, ...] = ()


Way = Target | Terminate | Stuck


class Routes:
    """The ways through one process graph. Built once per version; what it needs more than once it keeps."""

    def __init__(self, graph: ProcessGraph) -> None:
        self.graph = graph
        self.shape = Shape(graph)
        self.nodes: dict[str, Node] = self.shape.nodes
        self._exits: dict[str, list[Flow]] = self.shape.exits
        self._sources = {flow.id: flow.source for flow in graph.flows}
        self._fixed: dict[str, tuple[Way, ...] | None] = {}
        self._reached: dict[str, dict[str, tuple[Target, ...]]] = {}
        self._previous: dict[str, tuple[str, ...]] | None = None
        self._headers: dict[str, dict[str, str]] = {}
        keys = {node.action.application for node in graph.nodes if node.action and node.action.application}
        self._applications = ";".join(sorted(keys))

    def node(self, node_id: str) -> Node:
        """Return the node. Raises NodeNotFound."""
        try:
            return self.nodes[node_id]
        except KeyError:
            raise NodeNotFound(f"The process {self.graph.key!r} has no node {node_id!r}") from None

    def followers(self, node_id: str) -> tuple[tuple[str, str], ...]:
        """Return id and label of each node that may get a message from `node_id` next, whatever the conditions say.

        Each once, in the order in which the flows of the file reach them.
        """
        return tuple((found, self.nodes[found].label) for found in self._ways_to_followers(node_id))

    def to_follower(self, node_id: str, follower: str) -> Sequence[Way]:
        """Return the way to one of the `followers`, regardless of conditions, with what waits beside it; nothing for
        any other node."""
        return self._ways_to_followers(node_id).get(follower, ())

    def previous(self, node_id: str) -> tuple[str, ...]:
        """Return the ids of the nodes that have `node_id` among their followers: tasks, timers and start events."""
        if self._previous is None:
            self._previous = self._index_previous()
        return self._previous.get(node_id, ())

    def call_headers(self, node_id: str) -> Mapping[str, str]:
        """Return those headers of a worker call that are the same for every message at this node."""
        found = self._headers.get(node_id)
        if found is None:
            found = self._headers[node_id] = self._make_call_headers(self.node(node_id))
        return found

    def route(self, node_id: str, body: bytes, headers: Mapping[str, str]) -> Sequence[Way]:
        """Return where a message with this body and these headers goes from `node_id`; nothing if the way just ends.

        Several flows out of a node each get a copy; an exclusive gateway chooses the first flow in document order whose
        condition is true, an inclusive one all of them, either one its default flow if there is none (BPMN 2.0.2,
        13.4). Conditions on flows out of a task or event are honoured as in 8.3.13: these get a copy if true, beside
        those without condition. The body is parsed once, and only if a condition asks for it.
        """
        try:
            fixed = self._fixed[node_id]
        except KeyError:
            fixed = self._fixed[node_id] = self._find_fixed(node_id)
        return self._walk(node_id, Facts(body, headers)) if fixed is None else fixed

    def only_target(self, node_id: str) -> Target | None:
        """Return where every message goes from `node_id` if there is exactly one target whatever it says, else None."""
        fixed = self._find_fixed(node_id)
        if fixed is not None and len(fixed) == 1 and isinstance(fixed[0], Target) and not fixed[0].openings:
            return fixed[0]
        return None

    def _walk(self, start: str, facts: Facts) -> tuple[Way, ...]:
        """Follow the flows, depth first in document order."""
        ways: list[Way] = []
        pending: list[_Step] = [_Step(start)]
        steps = 0
        while pending:
            step = pending.pop()
            node = self.nodes[step.node]
            if self._rests(node, step):
                ways.extend(self._arrival(node, step))
                continue
            step = self._through(node, step)
            chosen = self._choose(node, step.path, facts)
            if isinstance(chosen, Stuck):
                ways.append(Stuck(chosen.node, chosen.path, chosen.reason, chosen.code, step.openings))
                continue
            steps += len(chosen)
            if steps > MAX_STEPS:
                reason = f"More than {MAX_STEPS} flows lead on from here; the drawing multiplies messages without end"
                return (Stuck(start, (), reason, "too-wide"),)
            openings = self._forked(node, step, len(chosen))
            ways.extend(self._beside(node, step))
            pending.extend(_Step(flow.target, (*step.path, flow.id), openings) for flow in reversed(chosen))
        return tuple(ways)

    def _rests(self, node: Node, step: _Step) -> bool:
        """Whether the way ends at the node. It does not at the node where it begins, but before a race."""
        if node.kind is NodeKind.EVENT_GATEWAY:
            return True
        if not step.path or self._passes_end(node):
            return False
        return node.kind not in _PASS_KINDS or node.id in self.shape.joins

    def _passes_end(self, node: Node) -> bool:
        """Whether it is the end of a sub-process out of which its one message just goes on."""
        part = self.shape.left_part(node.id)
        return node.kind is NodeKind.END and part is not None and part not in self.shape.gathering

    def _through(self, node: Node, step: _Step) -> _Step:
        """The step with the scope of a sub-process opened or left, if the node is the first or last one in it."""
        part = self.shape.entered_part(node.id)
        if part is not None and part in self.shape.scoped and step.path:
            opening = Opening(scopes.PART, self.shape.index[part], _key(step.path))
            return _Step(step.node, step.path, (*step.openings, opening))
        part = self.shape.left_part(node.id)
        if part is not None and part in self.shape.scoped:
            return _Step(step.node, step.path, (*step.openings, Opening(LEFT, self.shape.index[part])))
        return step

    def _forked(self, node: Node, step: _Step, count: int) -> tuple[Opening, ...]:
        """The openings of branches out of a node: one more if they will meet again."""
        if count < 2 or not self.shape.closed_by(node.id):
            return step.openings
        return (*step.openings, Opening(scopes.FORK, self.shape.index[node.id], _key(step.path)))

    def _beside(self, node: Node, step: _Step) -> Iterator[Way]:
        """The events that watch a sub-process which is entered here."""
        part = self.shape.entered_part(node.id)
        if part is not None and step.path:
            for watcher in self.shape.watchers.get(part, ()):
                yield self._watching(watcher, step)

    def _watching(self, watcher: Node, step: _Step) -> Target:
        kind = scopes.WATCH if watcher.interrupting else scopes.REMIND
        opening = Opening(kind, self.shape.index[watcher.id])
        return Target(watcher.id, step.path, (*step.openings, opening), beside=True)

    def _arrival(self, node: Node, step: _Step) -> Iterator[Way]:
        """What arriving at a node that does not pass on means."""
        part = self.shape.left_part(node.id)
        if node.kind is NodeKind.TERMINATE and part is not None:
            yield Target(part, step.path, self._through(node, step).openings, ends=True)
        elif node.kind is NodeKind.END and part is not None:
            yield Target(part, step.path, step.openings)
        elif node.kind is NodeKind.EVENT_GATEWAY:
            yield from self._race(node, step)
        elif node.id in self.shape.joins:
            yield Target(node.id, step.path, step.openings)
        elif node.kind in _QUEUE_KINDS:
            yield from self._at_activity(node, step)
        elif node.kind is NodeKind.TERMINATE:
            yield Terminate(node.id, step.path)
        elif node.kind is not NodeKind.END:
            yield Stuck(node.id, step.path, f"A {node.element} is not executable", "not-executable", step.openings)

    def _at_activity(self, node: Node, step: _Step) -> Iterator[Way]:
        watchers = self.shape.watchers.get(node.id, ())
        if not watchers:
            yield Target(node.id, step.path, step.openings)
            return
        guard = Opening(scopes.GUARD, self.shape.index[node.id], _key(step.path))
        inside = _Step(node.id, step.path, (*step.openings, guard))
        yield Target(node.id, inside.path, inside.openings)
        for watcher in watchers:
            yield self._watching(watcher, inside)

    def _race(self, gateway: Node, step: _Step) -> Iterator[Way]:
        """A copy to each event behind an event-based gateway; only the first that happens counts."""
        race = Opening(scopes.RACE, self.shape.index[gateway.id], _key(step.path))
        for flow in self._exits.get(gateway.id, ()):
            if flow.target in self.nodes:
                yield Target(flow.target, (*step.path, flow.id), (*step.openings, race), beside=True)

    def _choose(self, node: Node, path: tuple[str, ...], facts: Facts) -> Sequence[Flow] | Stuck:
        """The flows that a message takes out of the node."""
        exits = self._exits.get(node.id, ())
        for flow in exits:
            if flow.target not in self.nodes:
                return Stuck(node.id, path, f"Flow {flow.id!r} leads to no node", "no-flow")
        if any(self._sources[flow_id] == node.id for flow_id in path):
            return Stuck(node.id, path, "The way comes back to this gateway without any task on it", "loop")
        if not _decides(node, exits):
            return exits
        try:
            chosen = list(_chosen(node, exits, facts))
        except ConditionError as error:
            return Stuck(node.id, path, str(error), "condition-failed")
        if chosen:
            return chosen
        return Stuck(
            node.id, path, f"No condition out of {node.label!r} is true and there is no default flow", "no-flow"
        )

    def _find_fixed(self, node_id: str) -> tuple[Way, ...] | None:
        """The way out of the node if it is the same for every message, else None."""
        self.node(node_id)
        seen: set[str] = set()
        pending = [_Step(node_id)]
        while pending:
            step = pending.pop()
            if step.node in seen or step.node not in self.nodes:
                continue
            seen.add(step.node)
            node = self.nodes[step.node]
            if self._rests(node, step):
                continue
            exits = self._exits.get(node.id, ())
            if _decides(node, exits):
                return None
            pending.extend(_Step(flow.target, (flow.id,)) for flow in exits)
        return self._walk(node_id, _NO_FACTS)

    def _ways_to_followers(self, node_id: str) -> dict[str, tuple[Target, ...]]:
        found = self._reached.get(node_id)
        if found is None:
            self.node(node_id)
            found = self._reached[node_id] = self._reach(node_id)
        return found

    def _reach(self, start: str) -> dict[str, tuple[Target, ...]]:
        """The places beyond `start` where a message may rest, each with the first way found to it."""
        found: dict[str, tuple[Target, ...]] = {}
        passed: set[str] = set()
        pending: list[_Step] = [_Step(start)]
        while pending:
            step = pending.pop()
            node = self.nodes[step.node]
            if self._rests(node, step):
                for name, ways in _together(self._arrival(node, step)):
                    found.setdefault(name, ways)
                continue
            if step.path and node.id in passed:
                continue
            passed.add(node.id)
            step = self._through(node, step)
            onward = [flow for flow in self._exits.get(node.id, ()) if flow.target in self.nodes]
            openings = self._forked(node, step, len(onward))
            pending.extend(_Step(flow.target, (*step.path, flow.id), openings) for flow in reversed(onward))
        return found

    def _index_previous(self) -> dict[str, tuple[str, ...]]:
        previous: dict[str, list[str]] = {}
        for node in self.graph.nodes:
            if node.kind in _SENDING_KINDS or self.shape.meets(node.id):
                for follower in self._ways_to_followers(node.id):
                    previous.setdefault(follower, []).append(node.id)
        return {node_id: tuple(sources) for node_id, sources in previous.items()}

    def _make_call_headers(self, node: Node) -> dict[str, str]:
        followers = [{"id": id_, "name": label} for id_, label in self.followers(node.id)]
        headers = {
            "node-id": node.id,
            "node-name": node.label,
            "worker-followers": msgspec.json.encode(followers).decode(),
            "applications": self._applications,
            "source": "auto",
        }
        previous = self.previous(node.id)
        if len(previous) == 1:
            headers["previous-node-id"] = previous[0]
        return headers


def entry_points(graph: ProcessGraph) -> dict[str, str]:
    """Return for each start event, by name and by id, the node whose queue takes an accepted message.

    That is the only node the start event leads to, if it leads to one whatever the message says, else the start event
    itself. Under "" stands the default one: the first start event without timer or message, else the first one.
    """
    starts = [node for node in graph.nodes if node.kind is NodeKind.START and node.parent is None]
    if not starts:
        return {}
    routes = Routes(graph)
    entries: dict[str, str] = {}
    for node in starts:
        entries.setdefault(node.label, _entry(routes, node))
    for node in starts:
        entries[node.id] = _entry(routes, node)
    plain = [node for node in starts if node.timer is None and node.message_name is None]
    entries[""] = entries[(plain or starts)[0].id]
    return entries


def _entry(routes: Routes, start: Node) -> str:
    target = routes.only_target(start.id)
    return start.id if target is None else target.node


class _Step(Struct, frozen=True):
    """A point on the way: the node reached, over which flows, and the scopes opened so far."""

    node: str
    path: tuple[str, ...] = ()
    openings: tuple[Opening, ...] = ()


def _key(path: tuple[str, ...]) -> str:
    return ">".join(path)


def _together(ways: Iterator[Way]) -> Iterator[tuple[str, tuple[Target, ...]]]:
    """Group what waits beside a copy with it, by the node of that; an event of a race stands for itself."""
    targets = [way for way in ways if isinstance(way, Target)]
    if targets and not targets[0].beside:
        yield targets[0].node, tuple(targets)
    else:
        for target in targets:
            yield target.node, (target,)


def _decides(node: Node, exits: Sequence[Flow]) -> bool:
    """Whether the choice of flows out of the node depends on the message."""
    if node.kind is NodeKind.PARALLEL:
        return False
    if node.kind in {NodeKind.EXCLUSIVE, NodeKind.INCLUSIVE}:
        return len(exits) > 1 or any(flow.condition for flow in exits)
    return any(flow.condition for flow in exits)


def _chosen(node: Node, exits: Sequence[Flow], facts: Facts) -> Iterator[Flow]:
    """The flows whose conditions are true; the default one if there is none. Raises ConditionError."""
    default = next((flow for flow in exits if flow.id == node.default_flow), None)
    is_gateway = node.kind in {NodeKind.EXCLUSIVE, NodeKind.INCLUSIVE}
    met = False
    for flow in exits:
        if flow is default:
            continue
        if flow.condition is None:
            met = met or is_gateway
            yield flow
        elif condition_of(flow.condition).holds(facts):
            met = True
            yield flow
        else:
            continue
        if node.kind is NodeKind.EXCLUSIVE:
            return
    if not met and default is not None:
        yield default
