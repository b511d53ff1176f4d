"""Rules about a whole graph: what must hold before it can run, and what a person probably forgot."""

from __future__ import annotations

from collections import Counter

from segue.bpmn.findings import Notes
from segue.bpmn.lint_parts import Parts
from segue.bpmn.loops import loops_among
from segue.core.timers import check
from segue.model.graph import Flow, Node, NodeKind, ProcessGraph

_DECIDING = frozenset({NodeKind.EXCLUSIVE, NodeKind.INCLUSIVE})
_GATEWAYS = _DECIDING | {NodeKind.PARALLEL, NodeKind.EVENT_GATEWAY}
_ENDS = frozenset({NodeKind.END, NodeKind.TERMINATE})
_RESTLESS = _DECIDING | {NodeKind.PARALLEL, NodeKind.PASS}


def lint(graph: ProcessGraph, notes: Notes) -> None:
    """Add a finding for each rule that the graph breaks. A graph without nodes breaks none."""
    if graph.nodes:
        _Lint(graph, notes).run()


class _Lint:
    """One look at one graph, with its flows indexed by node. What lies in a sub-process that cannot be executed is
    left out."""

    def __init__(self, graph: ProcessGraph, notes: Notes) -> None:
        self.graph = graph
        self.notes = notes
        parts = {node.id for node in graph.nodes if node.kind is NodeKind.SUB_PROCESS}
        self.nodes = {node.id: node for node in graph.nodes if node.parent is None or node.parent in parts}
        self.leaving: dict[str, list[Flow]] = {id_: [] for id_ in self.nodes}
        self.entering: dict[str, list[Flow]] = {id_: [] for id_ in self.nodes}
        for flow in graph.flows:
            if flow.source in self.nodes and flow.target in self.nodes:
                self.leaving[flow.source].append(flow)
                self.entering[flow.target].append(flow)
        self.parts = Parts(graph, self.nodes, self.leaving, self.entering, self.add)

    def add(self, code: str, message: str, element: str) -> None:
        self.notes.add(code, message, node=element, process=self.graph.key)

    def run(self) -> None:
        """Apply every rule, node by node in document order, then those about the whole."""
        starts = [node for node in self.nodes.values() if node.kind is NodeKind.START and node.parent is None]
        if not starts:
            text = "The process has no start event that can be executed, so nothing can start it."
            self.notes.add("no-start-event", text, process=self.graph.key)
        for node in self.nodes.values():
            self._binding(node)
            self._ends(node)
            self._gateway(node)
            self._conditions(node)
        self.parts.run()
        self._names(starts)
        self._reachable(starts)
        self._loops()

    def _binding(self, node: Node) -> None:
        if node.kind is NodeKind.ACTION and node.action is None:
            text = f"The {node.element} {node.label!r} has no action: assign one that a worker offers."
            self.add("no-action", text, node.id)
        if node.priority and node.action is not None and not node.limits and not node.action.application:
            text = (
                f"The priority of {node.label!r} has no effect: it decides who goes first where calls wait for the same"
                " limit, and the node has neither a limit nor an application."
            )
            self.add("priority-without-limit", text, node.id)
        if node.timer is not None:
            problem = check(node.timer, starts=node.kind is NodeKind.START)
            if problem is not None:
                self.add("bad-timer", f"The timer of {node.label!r} cannot be used: {problem}.", node.id)

    def _ends(self, node: Node) -> None:
        if node.kind is NodeKind.START:
            if self.entering[node.id]:
                text = f"A flow leads into the start event {node.label!r}; nothing may come before a start."
                self.add("start-with-incoming", text, node.id)
            if not self.leaving[node.id]:
                self.add("start-without-outgoing", f"No flow leads out of the start event {node.label!r}.", node.id)
        if node.kind in _ENDS and self.leaving[node.id]:
            self.add("end-with-outgoing", f"A flow leads out of the end event {node.label!r}.", node.id)

    def _gateway(self, node: Node) -> None:
        if node.kind not in _GATEWAYS:
            return
        leaving = self.leaving[node.id]
        if not leaving:
            self.add("gateway-without-outgoing", f"No flow leads out of the gateway {node.label!r}.", node.id)
        if len(leaving) < 2 or node.kind not in _DECIDING:
            return
        for flow in leaving:
            if flow.condition is None and flow.id != node.default_flow:
                self._branch(node, flow)

    def _branch(self, node: Node, flow: Flow) -> None:
        called = f" {flow.name!r}" if flow.name else ""
        text = f"The branch{called} of {node.label!r} has no condition and is not the default flow."
        if self.notes.has("bad-condition", flow.id):
            return
        self.add("branch-without-condition", text, flow.id)
        if flow.name:
            todo = f"Write the condition that {flow.name!r} means, or make it the default flow of {node.label!r}."
            self.add("condition-to-write", todo, flow.id)

    def _conditions(self, node: Node) -> None:
        for flow in self.leaving[node.id]:
            if flow.condition is None:
                continue
            if node.kind is NodeKind.PARALLEL:
                text = f"The condition on a flow out of {node.label!r} has no effect: a parallel split takes all flows."
                self.add("condition-without-effect", text, flow.id)
            elif flow.id == node.default_flow:
                text = f"The condition on the default flow of {node.label!r} has no effect."
                self.add("condition-without-effect", text, flow.id)

    def _names(self, starts: list[Node]) -> None:
        counts = Counter(node.label for node in starts)
        for node in starts:
            if counts[node.label] > 1:
                text = f"{counts[node.label]} start events are called {node.label!r}; start this one by its id."
                self.add("duplicate-name", text, node.id)

    def _reachable(self, starts: list[Node]) -> None:
        if not starts:
            return
        # A boundary event is entered through the activity it sits on, which no flow shows.
        pending = [node.id for node in self.nodes.values() if node.element == "boundaryEvent"]
        pending += [node.id for node in starts]
        seen = set(pending)
        inner = {node.parent: node.id for node in self.nodes.values() if node.kind is NodeKind.START and node.parent}
        while pending:
            reached = pending.pop()
            targets = [flow.target for flow in self.leaving[reached]]
            if reached in inner:
                targets.append(inner[reached])
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
        for node in self.nodes.values():
            if node.id not in seen:
                self.add("unreachable", f"No start event leads to {node.label!r}.", node.id)

    def _loops(self) -> None:
        restless = {id_ for id_, node in self.nodes.items() if node.kind in _RESTLESS or node.passes}
        restless |= set(self.parts.restless())
        exits = self.parts.shape.exits
        onward = {id_: [flow.target for flow in exits.get(id_, ()) if flow.target in restless] for id_ in restless}
        for loop in loops_among(onward):
            first = min(loop)
            names = ", ".join(self.nodes[id_].label for id_ in sorted(loop)[:5])
            text = f"A loop passes only through {names}: put an action, a user task or a timer into it."
            self.add("endless-pass", text, first)
