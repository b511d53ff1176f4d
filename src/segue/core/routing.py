"""Routing: where a message goes when it leaves a node.

Between two queues a message passes gateways and events that need no worker. They are crossed in one step, here:
`Routes` follows the flows from a node through everything that only passes on, and answers with the nodes whose queues
take a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from segue.core.conditions import ConditionError, Facts, condition_of
from segue.model.errors import NodeNotFound
from segue.model.graph import Flow, Node, NodeKind, ProcessGraph

MAX_STEPS = 10_000
"""More flows than this are not followed for one message: such a drawing multiplies messages without end."""

_QUEUE_KINDS = frozenset({NodeKind.ACTION, NodeKind.USER_TASK, NodeKind.TIMER})
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


class Target(Struct, frozen=True):
    """A copy goes to the queue of `node`, over the flows of `path`."""

    node: str
    path: tuple[str, ...]


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


Way = Target | Terminate | Stuck


class Routes:
    """The ways through one process graph. Built once per version; what it needs more than once it keeps."""

    def __init__(self, graph: ProcessGraph) -> None:
        self.graph = graph
        self.nodes: dict[str, Node] = {node.id: node for node in graph.nodes}
        self._exits: dict[str, list[Flow]] = {}
        for flow in graph.flows:
            self._exits.setdefault(flow.source, []).append(flow)
        self._sources = {flow.id: flow.source for flow in graph.flows}
        self._fixed: dict[str, tuple[Way, ...] | None] = {}
        self._reached: dict[str, dict[str, tuple[str, ...]]] = {}
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

    def to_follower(self, node_id: str, follower: str) -> Target | None:
        """Return the way to one of the `followers`, regardless of conditions; None for any other node."""
        path = self._ways_to_followers(node_id).get(follower)
        return None if path is None else Target(follower, path)

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
        if fixed is not None and len(fixed) == 1 and isinstance(fixed[0], Target):
            return fixed[0]
        return None

    def _walk(self, start: str, facts: Facts) -> tuple[Way, ...]:
        """Follow the flows, depth first in document order."""
        ways: list[Way] = []
        pending: list[tuple[str, tuple[str, ...]]] = [(start, ())]
        steps = 0
        while pending:
            node_id, path = pending.pop()
            node = self.nodes[node_id]
            if path and node.kind not in _PASS_KINDS:
                ways.extend(_arrival(node, path))
                continue
            chosen = self._choose(node, path, facts)
            if isinstance(chosen, Stuck):
                ways.append(chosen)
                continue
            steps += len(chosen)
            if steps > MAX_STEPS:
                reason = f"More than {MAX_STEPS} flows lead on from here; the drawing multiplies messages without end"
                return (Stuck(start, (), reason, "too-wide"),)
            pending.extend((flow.target, (*path, flow.id)) for flow in reversed(chosen))
        return tuple(ways)

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
        pending = [node_id]
        while pending:
            current = pending.pop()
            if current in seen or current not in self.nodes:
                continue
            seen.add(current)
            node = self.nodes[current]
            if current != node_id and node.kind not in _PASS_KINDS:
                continue
            exits = self._exits.get(current, ())
            if _decides(node, exits):
                return None
            pending.extend(flow.target for flow in exits)
        return self._walk(node_id, _NO_FACTS)

    def _ways_to_followers(self, node_id: str) -> dict[str, tuple[str, ...]]:
        found = self._reached.get(node_id)
        if found is None:
            self.node(node_id)
            found = self._reached[node_id] = self._reach(node_id)
        return found

    def _reach(self, start: str) -> dict[str, tuple[str, ...]]:
        """The queue nodes beyond `start`, each with the first way found to it."""
        found: dict[str, tuple[str, ...]] = {}
        passed = {start}
        pending: list[tuple[str, tuple[str, ...]]] = [(start, ())]
        while pending:
            node_id, path = pending.pop()
            kind = self.nodes[node_id].kind
            if path and kind in _QUEUE_KINDS:
                found.setdefault(node_id, path)
                continue
            if path and (kind not in _PASS_KINDS or node_id in passed):
                continue
            passed.add(node_id)
            onward = [flow for flow in self._exits.get(node_id, ()) if flow.target in self.nodes]
            pending.extend((flow.target, (*path, flow.id)) for flow in reversed(onward))
        return found

    def _index_previous(self) -> dict[str, tuple[str, ...]]:
        previous: dict[str, list[str]] = {}
        for node in self.graph.nodes:
            if node.kind in _QUEUE_KINDS or node.kind is NodeKind.START:
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


def _arrival(node: Node, path: tuple[str, ...]) -> Iterator[Way]:
    """What arriving at a node that does not pass on means."""
    if node.kind in _QUEUE_KINDS:
        yield Target(node.id, path)
    elif node.kind is NodeKind.TERMINATE:
        yield Terminate(node.id, path)
    elif node.kind is not NodeKind.END:
        yield Stuck(node.id, path, f"A {node.element} is not executable", "not-executable")


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
