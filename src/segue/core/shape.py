"""Shape: what a graph says beyond its flows. Computed once per version, and nothing of it for a graph without any.

- **Sub-processes** are taken apart: a flow into one leads to the start event inside, and an end event inside leads on
  over the flows out of the sub-process. Only one that may hold several messages is a place where they meet.
- **Joins**: parallel and inclusive gateways that several flows lead into.
- **Forks**: nodes that split, and for each the joins where their branches meet again.
- **Watchers**: the boundary events of activities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec.structs import replace

from segue.model.graph import ActionKind, Flow, Node, NodeKind, ProcessGraph

JOIN_KINDS = frozenset({NodeKind.PARALLEL, NodeKind.INCLUSIVE})
WATCHER_KINDS = frozenset({NodeKind.TIMER, NodeKind.MESSAGE})
_CHOOSING = frozenset({NodeKind.EXCLUSIVE, NodeKind.EVENT_GATEWAY})


class Shape:
    """The shape of one graph. `exits` are the flows out of each node, sub-processes taken apart."""

    def __init__(self, graph: ProcessGraph) -> None:
        self.nodes: dict[str, Node] = {node.id: node for node in graph.nodes}
        self.index: dict[str, int] = {node.id: number for number, node in enumerate(graph.nodes)}
        self.parts = {node.id for node in graph.nodes if node.kind is NodeKind.SUB_PROCESS}
        self.watchers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            if node.attached_to is not None and node.kind in WATCHER_KINDS:
                self.watchers.setdefault(node.attached_to, []).append(node)
        self._inner_starts = {
            node.parent: node.id for node in graph.nodes if node.kind is NodeKind.START and node.parent
        }
        self._drawn: dict[str, list[Flow]] = {}
        for flow in graph.flows:
            self._drawn.setdefault(flow.source, []).append(flow)
        self.exits = self._taken_apart() if self.parts else self._drawn
        self.joins = frozenset(self._find_joins())

    # -- sub-processes ------------------------------------------------------------------------------------------------

    def _taken_apart(self) -> dict[str, list[Flow]]:
        exits = {
            source: [replace(flow, target=self._inner_starts.get(flow.target, flow.target)) for flow in flows]
            for source, flows in self._drawn.items()
        }
        for node in self.nodes.values():
            if node.kind is NodeKind.END and node.parent in self.parts and node.parent not in self.gathering:
                exits[node.id] = exits.get(node.parent, [])
        return exits

    @cached_property
    def gathering(self) -> frozenset[str]:
        """The sub-processes that may hold several messages at a time, so that the last one has to be waited for."""
        return frozenset(part for part in self.parts if any(self._multiplies(node) for node in self.inside(part)))

    def _multiplies(self, node: Node) -> bool:
        if node.action is not None and node.action.kind is ActionKind.BATCH:
            return True
        if node.attached_to is not None and not node.interrupting:
            return True
        return node.kind not in _CHOOSING and len(self._drawn.get(node.id, ())) > 1

    @cached_property
    def scoped(self) -> frozenset[str]:
        """The sub-processes whose messages have to be told apart from those around."""
        watched = {node.attached_to for node in self.nodes.values() if node.attached_to is not None}
        ended = {node.parent for node in self.nodes.values() if node.kind is NodeKind.TERMINATE}
        return frozenset(part for part in self.parts if part in watched or part in ended) | self.gathering

    def inside(self, part: str) -> Iterator[Node]:
        """Yield the nodes in a sub-process, those of the sub-processes in it included."""
        return (node for node in self.nodes.values() if part in self.parts_around(node.id))

    def parts_around(self, node_id: str) -> Iterator[str]:
        """Yield the sub-processes that a node lies in, the innermost first."""
        seen = set()
        parent = self.nodes[node_id].parent
        while parent in self.parts and parent not in seen:
            seen.add(parent)
            yield parent
            parent = self.nodes[parent].parent

    def entered_part(self, node_id: str) -> str | None:
        """Return the sub-process that is entered by coming to this node: it is the start event inside; else None."""
        node = self.nodes[node_id]
        return node.parent if node.kind is NodeKind.START and node.parent in self.parts else None

    def left_part(self, node_id: str) -> str | None:
        """Return the sub-process that is left, or ended, by coming to this node; None for any other node."""
        node = self.nodes[node_id]
        ends = node.kind in {NodeKind.END, NodeKind.TERMINATE}
        return node.parent if ends and node.parent in self.parts else None

    # -- joins --------------------------------------------------------------------------------------------------------

    def _find_joins(self) -> Iterator[str]:
        entering: dict[str, set[str]] = {}
        for flows in self._drawn.values():
            for flow in flows:
                entering.setdefault(flow.target, set()).add(flow.id)
        for node in self.nodes.values():
            waits = node.meeting is None or node.meeting.waits
            if node.kind in JOIN_KINDS and waits and len(entering.get(node.id, ())) > 1:
                yield node.id

    def meets(self, node_id: str) -> bool:
        """Whether messages wait for one another at this node."""
        return node_id in self.joins or node_id in self.gathering

    def closed_by(self, node_id: str) -> frozenset[str]:
        """Return the joins at which branches that begin at this node meet: none if it does not split for a join."""
        if not self.joins:
            return frozenset()
        return self._closed_by.get(node_id, frozenset())

    @cached_property
    def _closed_by(self) -> dict[str, frozenset[str]]:
        found = {}
        for node in self.nodes.values():
            exits = self.exits.get(node.id, ())
            if len(exits) < 2 or node.kind in _CHOOSING:
                continue
            reached = [self._reached({flow.target}, without=node.id) & self.joins for flow in exits]
            twice = {join for join in self.joins if sum(join in branch for branch in reached) > 1}
            if twice:
                found[node.id] = frozenset(twice)
        return found

    def upstream(self, node_id: str) -> frozenset[str]:
        """Return the nodes from which a message may come to this meeting place; all inside for a sub-process."""
        found = self._upstream.get(node_id)
        if found is None:
            if node_id in self.parts:
                found = frozenset(node.id for node in self.inside(node_id))
            else:
                found = frozenset(self._leading_to(node_id))
            self._upstream[node_id] = found
        return found

    def _leading_to(self, node_id: str) -> set[str]:
        found: set[str] = set()
        pending = [node_id]
        while pending:
            for source in self._backward.get(pending.pop(), ()):
                if source not in found:
                    found.add(source)
                    pending.append(source)
        return found

    @cached_property
    def _backward(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for node_id in self.nodes:
            for target in self._onward(node_id):
                found.setdefault(target, []).append(node_id)
        return found

    @cached_property
    def _upstream(self) -> dict[str, frozenset[str]]:
        return {}

    def _reached(self, begin: Iterable[str], *, without: str) -> set[str]:
        """Return the nodes that can be reached, whatever happens, on ways that do not come through one node."""
        seen = {node for node in begin if node in self.nodes and node != without}
        pending = list(seen)
        while pending:
            for target in self._onward(pending.pop()):
                if target not in seen and target != without and target in self.nodes:
                    seen.add(target)
                    pending.append(target)
        return seen

    def _onward(self, node_id: str) -> list[str]:
        """The nodes that a message at this one may come to next, boundary events and what they end included."""
        found = [flow.target for flow in self.exits.get(node_id, ())]
        found += self._boundary.get(node_id, ())
        part = self.entered_part(node_id)
        if part is not None:
            found += self._boundary.get(part, ())
        part = self.left_part(node_id)
        if part is not None:
            found.append(part)
        return found

    @cached_property
    def _boundary(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for node in self.nodes.values():
            if node.attached_to is not None:
                found.setdefault(node.attached_to, []).append(node.id)
        return found

    # -- failures -----------------------------------------------------------------------------------------------------

    def catcher(self, node_id: str, code: str) -> Node | None:
        """Return the boundary event that takes a message which fails at this node with this reason code.

        The node's own come first, then those of the sub-processes around it, the innermost first. One that names the
        code comes before one that takes everything.
        """
        if not self._catchers:
            return None
        for place in (node_id, *self.parts_around(node_id)):
            here = self._catchers.get(place, ())
            named = [node for node in here if node.error_code == code]
            for node in (*named, *(node for node in here if node.error_code is None)):
                return node
        return None

    @cached_property
    def _catchers(self) -> dict[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            if node.kind is NodeKind.ERROR and node.attached_to is not None:
                found.setdefault(node.attached_to, []).append(node)
        return found
