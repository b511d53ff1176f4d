"""One `process` element to one ProcessGraph."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from msgspec import structs

from segue.bpmn.bindings import read_binding
from segue.bpmn.classify import Classified
from segue.bpmn.conditions import read_condition
from segue.bpmn.elements import BESIDE, FLOW_NODES, SUB_PROCESSES
from segue.bpmn.events import read_timer, scheduled
from segue.bpmn.meetings import read_met
from segue.bpmn.names import BPMN, Element, Ids, attribute, local, name_of, namespace
from segue.bpmn.pipes import classify_pipes, pipes_timer, pipes_type
from segue.bpmn.scope import Scope
from segue.bpmn.settings import Binding
from segue.model.graph import Bodies, Flow, Meeting, Node, NodeKind, ProcessGraph, Timer


@dataclass(frozen=True)
class _Drawn:
    """A flow node as found: its element, its id and the id of the sub-process around it."""

    element: Element
    id: str
    parent: str | None


@dataclass(frozen=True)
class _About:
    """What is known of a node beside its element: how many flows lead to it, the flows out of it by the id in the file,
    whether the sub-process around it cannot be executed, and the ids of all nodes."""

    entering: int
    leaving: dict[str, str]
    buried: bool
    ids: Ids


def read_process(element: Element, scope: Scope, pool: str) -> ProcessGraph:
    """Return the graph of a process element, its sub-processes' contents included. `pool` names it if it does not."""
    made = f"process_{len(scope.taken) + 1}"
    scope.process = scope.claim(element, attribute(element, "id") or "", made)
    drawn: list[_Drawn] = []
    flow_elements: list[Element] = []
    _collect(element, None, scope, drawn, flow_elements)
    flows, elements_by_flow = _read_flows(flow_elements, drawn, scope)
    entered = Counter(flow.target for flow in flows)
    unreadable: set[str] = set()
    ids = Ids(item.id for item in drawn)
    leaving: dict[str, dict[str, str]] = {}
    for flow in flows:
        # A reference in the file uses the id as written, which differs from ours only for duplicates.
        written = attribute(elements_by_flow[flow.id], "id") or flow.id
        leaving.setdefault(flow.source, {}).setdefault(written, flow.id)
    nodes = []
    for item in drawn:
        about = _About(entered[item.id], leaving.get(item.id, {}), item.parent in unreadable, ids)
        nodes.append(_read_node(item, scope, about))
        if nodes[-1].kind is NodeKind.UNSUPPORTED:
            unreadable.add(item.id)
    executable = attribute(element, "isExecutable")
    graph = ProcessGraph(
        key=scope.process,
        name=name_of(element) or pool,
        nodes=tuple(nodes),
        flows=flows,
        executable=None if executable is None else executable in {"true", "1"},
    )
    scope.process = ""
    return graph


def _collect(
    holder: Element, parent: str | None, scope: Scope, drawn: list[_Drawn], flow_elements: list[Element]
) -> None:
    """Gather the flow nodes and sequence flows of a process or sub-process, in document order."""
    foreign: Counter[str] = Counter()
    for item in holder:
        name = local(item)
        if not name:
            continue
        if namespace(item) != BPMN:
            foreign[name] += 1
        elif name in FLOW_NODES:
            id_ = scope.claim(item, attribute(item, "id") or "", f"{name}_{len(drawn) + 1}")
            if not attribute(item, "id"):
                scope.add("missing-id", f"A {name} has no id; it is called {id_}.", node=id_)
            drawn.append(_Drawn(item, id_, parent))
            if name in SUB_PROCESSES:
                _collect(item, id_, scope, drawn, flow_elements)
        elif name == "sequenceFlow":
            flow_elements.append(item)
        elif name not in BESIDE:
            scope.add("unknown-element", f"BPMN 2.0 has no {name} here; it is kept.", node=attribute(item, "id"),
                      line=item.sourceline)  # fmt: skip
    if foreign:
        names = ", ".join(sorted(foreign)[:5])
        scope.add("foreign-element", f"{foreign.total()} elements outside extensionElements have no effect: {names}.",
                  line=holder.sourceline)  # fmt: skip


def _read_flows(
    elements: list[Element], drawn: list[_Drawn], scope: Scope
) -> tuple[tuple[Flow, ...], dict[str, Element]]:
    """Return the flows that join two nodes of the process, with made ids where they have none, and their elements."""
    ids = Ids(item.id for item in drawn)
    flows: list[Flow] = []
    by_id: dict[str, Element] = {}
    unnamed = 0
    for element in elements:
        ends = _ends(element, ids, scope)
        if ends is None:
            continue
        wanted = attribute(element, "id") or ""
        unnamed += not wanted
        id_ = scope.claim(element, wanted, f"Flow_{ends[0]}_{ends[1]}")
        flow = Flow(id=id_, source=ends[0], target=ends[1], name=name_of(element))
        flows.append(read_condition(element, flow, scope))
        by_id[id_] = element
    if unnamed:
        scope.add("missing-id", f"{unnamed} sequence flows have no id; ids were made from what they join.")
    return tuple(flows), by_id


def _ends(element: Element, ids: Ids, scope: Scope) -> tuple[str, str] | None:
    """Return the ids of the nodes that a sequence flow joins; None with a finding when it does not join two."""
    found: list[str] = []
    for name in ("sourceRef", "targetRef"):
        reference = attribute(element, name) or ""
        id_ = ids.resolve(reference) if reference else None
        if id_ is None:
            flow = attribute(element, "id")
            what = f"The sequence flow {flow!r}" if flow else "A sequence flow without id"
            why = f"{name} is {reference!r}, which is no node of its process" if reference else f"it has no {name}"
            scope.add("dangling-flow", f"{what} joins nothing: {why}.", node=flow or None, line=element.sourceline)
            return None
        found.append(id_)
    return found[0], found[1]


def _read_node(item: _Drawn, scope: Scope, about: _About) -> Node:
    element, id_ = item.element, item.id
    name = name_of(element)
    if about.buried:
        text = f"The {local(element)} {name or id_!r} lies in a sub-process that cannot be executed."
        scope.add("inside-sub-process", text, node=id_)
        return Node(id=id_, kind=NodeKind.UNSUPPORTED, element=local(element), name=name, parent=item.parent)
    what = classify_pipes(element, scope, entered=about.entering > 0)
    if item.parent is not None and what.kind is NodeKind.START and (what.timer is not None or what.message_name):
        what = Classified(kind=NodeKind.UNSUPPORTED, reason=f"a {local(element)} with a trigger in a sub-process")
    if what.kind is NodeKind.UNSUPPORTED:
        scope.add("unsupported-element", _unsupported_text(element, what, name), node=id_)
        return Node(id=id_, kind=NodeKind.UNSUPPORTED, element=local(element), name=name, parent=item.parent)
    binding = read_binding(element, scope, id_)
    kind = _bound_kind(what.kind, element, binding, scope, id_)
    met = read_met(element, kind, lambda code, message: scope.add(code, message, node=id_))
    node = Node(
        id=id_,
        kind=kind,
        element=local(element),
        name=name,
        action=binding.action if kind is NodeKind.ACTION else None,
        timer=scheduled(element, _timer(element, what, scope, id_), id_, scope),
        default_flow=_default_flow(element, about.leaving, scope, id_),
        repeat=binding.repeat,
        limits=binding.limits,
        message_name=what.message_name,
        parent=item.parent,
        attached_to=_attached_to(element, about.ids),
        interrupting=what.interrupting,
        error_code=what.error_code,
        calls=met.calls,
        correlation=met.correlation,
        meeting=met.meeting or _passing(element, scope, kind, about.entering),
        passes=met.passes,
    )
    return _with_numbers(node, binding)


def _timer(element: Element, what: Classified, scope: Scope, id_: str) -> Timer | None:
    timer = pipes_timer(element, scope, id_)
    return timer if what.timer is None else read_timer(what.timer, id_, scope)


def _attached_to(element: Element, ids: Ids) -> str | None:
    """The activity that a boundary event sits on; None for any other node, and when it names none."""
    reference = attribute(element, "attachedToRef")
    return ids.resolve(reference) if reference and local(element) == "boundaryEvent" else None


def _passing(element: Element, scope: Scope, kind: NodeKind, entering: int) -> Meeting | None:
    """An Orchesty gateway lets every message through by itself, however many flows lead into it."""
    orchestys = pipes_type(element, scope) == "gateway" or local(element) == "gateway"
    if orchestys and kind is NodeKind.INCLUSIVE and entering > 1:
        return Meeting(bodies=Bodies.MERGE, waits=False)
    return None


def _with_numbers(node: Node, binding: Binding) -> Node:
    """Return the node with the binding's prefetch, timeout and priority where it has them, else Node's defaults."""
    changes = {"prefetch": binding.prefetch, "timeout_ms": binding.timeout_ms, "priority": binding.priority}
    changes = {name: value for name, value in changes.items() if value is not None}
    return structs.replace(node, **changes) if changes else node


def _bound_kind(kind: NodeKind, element: Element, binding: Binding, scope: Scope, id_: str) -> NodeKind:
    if kind is NodeKind.ACTION:
        return kind
    if kind is NodeKind.USER_TASK and binding.action is not None:
        return NodeKind.ACTION
    if not binding.empty:
        text = f"A {local(element)} calls no action, so the action or setting on it has no effect."
        scope.add("bad-setting", text, node=id_)
    return kind


def _default_flow(element: Element, leaving: dict[str, str], scope: Scope, id_: str) -> str | None:
    reference = attribute(element, "default")
    if not reference:
        return None
    found = Ids(leaving).resolve(reference)
    if found is None:
        text = f"The default flow {reference!r} of the {local(element)} does not lead out of it."
        scope.add("default-flow-unknown", text, node=id_)
        return None
    return leaving[found]


def _unsupported_text(element: Element, what: Classified, name: str) -> str:
    called = f" ({name})" if name else ""
    inside = ""
    if local(element) in SUB_PROCESSES:
        count = sum(1 for item in element.iter() if namespace(item) == BPMN and local(item) in FLOW_NODES) - 1
        inside = f" with {count} nodes inside"
    return f"{what.reason[0].upper()}{what.reason[1:]}{inside}{called} cannot be executed yet; it is kept and drawn."
