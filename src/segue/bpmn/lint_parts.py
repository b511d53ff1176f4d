"""Rules about what belongs together: sub-processes, boundary events, event-based gateways, joins, calls, messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from segue.core.shape import Shape
from segue.model.graph import Flow, Node, NodeKind, ProcessGraph

Add = Callable[[str, str, str], None]
"""Called with a finding code, a sentence and an element's id."""

_WATCHED = frozenset({NodeKind.ACTION, NodeKind.USER_TASK, NodeKind.CALL, NodeKind.SUB_PROCESS, NodeKind.UNSUPPORTED})
_EVENTS = frozenset({NodeKind.TIMER, NodeKind.MESSAGE})
_ENDS = frozenset({NodeKind.END, NodeKind.TERMINATE})


class Parts:
    """Looks at the nodes of one graph that can be executed, with the flows among them."""

    def __init__(
        self,
        graph: ProcessGraph,
        nodes: Mapping[str, Node],
        leaving: Mapping[str, Sequence[Flow]],
        entering: Mapping[str, Sequence[Flow]],
        add: Add,
    ) -> None:
        self._graph = graph
        self._nodes = nodes
        self._leaving = leaving
        self._entering = entering
        self._add = add
        self.shape = Shape(graph)

    def run(self) -> None:
        """Apply every rule."""
        for node in self._nodes.values():
            if node.kind is NodeKind.SUB_PROCESS:
                self._sub_process(node)
            elif node.kind is NodeKind.EVENT_GATEWAY:
                self._race(node)
            elif node.kind is NodeKind.CALL and node.calls is None:
                self._add("no-called-process", f"The call activity {node.label!r} does not say what it calls.", node.id)
            elif node.kind is NodeKind.MESSAGE and not node.message_name:
                self._add("no-message-name", f"The message event {node.label!r} names no message.", node.id)
            if node.element == "boundaryEvent" and node.kind is not NodeKind.UNSUPPORTED:
                self._boundary(node)
        self._crossing()
        self._alone()

    def restless(self) -> Iterator[str]:
        """Yield the nodes in which a message never rests because a sub-process begins or ends there."""
        for node in self._nodes.values():
            part = self.shape.left_part(node.id)
            if self.shape.entered_part(node.id) is not None or (part is not None and part not in self.shape.gathering):
                yield node.id

    def _sub_process(self, part: Node) -> None:
        inside = [node for node in self._nodes.values() if node.parent == part.id]
        starts = [node for node in inside if node.kind is NodeKind.START]
        if len(starts) != 1:
            found = "no start event" if not starts else f"{len(starts)} start events"
            self._add("sub-process-start", f"The sub-process {part.label!r} has {found}; it needs one.", part.id)
        for node in inside:
            if not self._leaving[node.id] and node.kind not in _ENDS | {NodeKind.UNSUPPORTED}:
                text = f"The sub-process {part.label!r} has no end event behind {node.label!r}, so it would not go on."
                self._add("sub-process-end", text, node.id)

    def _race(self, gateway: Node) -> None:
        for flow in self._leaving[gateway.id]:
            target = self._nodes[flow.target]
            if target.kind in _EVENTS and len(self._entering[target.id]) == 1:
                continue
            text = (
                f"{gateway.label!r} waits for events: {target.label!r} must be a timer or message event to which no"
                " other flow leads."
            )
            self._add("event-gateway-targets", text, flow.id)

    def _boundary(self, event: Node) -> None:
        watched = self._nodes.get(event.attached_to or "")
        if watched is None or watched.kind not in _WATCHED or watched.parent != event.parent:
            text = f"The boundary event {event.label!r} sits on no task, call activity or sub-process beside it."
            self._add("boundary-misplaced", text, event.id)
        elif self._entering[event.id]:
            text = f"A flow leads into the boundary event {event.label!r}; it happens by itself."
            self._add("boundary-misplaced", text, event.id)

    def _crossing(self) -> None:
        for flows in self._leaving.values():
            for flow in flows:
                source, target = self._nodes[flow.source], self._nodes[flow.target]
                if source.parent != target.parent:
                    text = f"The flow from {source.label!r} to {target.label!r} crosses the border of a sub-process."
                    self._add("flow-crosses", text, flow.id)

    def _alone(self) -> None:
        closed = {join for node in self._nodes for join in self.shape.closed_by(node)}
        for join in sorted(self.shape.joins - closed):
            if join in self._nodes:
                text = (
                    f"{self._nodes[join].label!r} joins flows, but no split sends messages over more than one of them:"
                    " each message goes on by itself."
                )
                self._add("join-alone", text, join)
