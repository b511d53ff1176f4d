"""A BPMN definitions element to its processes."""

from __future__ import annotations

from segue.bpmn.elements import FLOW_NODES
from segue.bpmn.findings import Notes
from segue.bpmn.names import BPMN, PIPES, Element, attribute, children, local, name_of, namespace
from segue.bpmn.process import read_process
from segue.bpmn.scope import Dialect, Scope, index_ids
from segue.model.graph import ProcessGraph

MAX_NODES = 2_000
MAX_FLOWS = 10_000


def read_definitions(root: Element, name: str, notes: Notes) -> tuple[tuple[ProcessGraph, ...], Dialect | None]:
    """Return the processes of a definitions element in document order, and the dialect they are written in."""
    if local(root) != "definitions" or namespace(root) != BPMN:
        space = f" in the namespace {namespace(root)[:200]}" if namespace(root) else " in no namespace"
        notes.add(
            "not-bpmn",
            f"The root is {local(root)[:100]}{space}; BPMN 2.0 needs definitions in {BPMN}.",
            line=root.sourceline,
        )
        return (), None
    scope = open_scope(root, name, notes)
    if _beyond_limits(root, notes):
        return (), scope.dialect
    return read_processes(root, scope), scope.dialect


def open_scope(root: Element, name: str, notes: Notes) -> Scope:
    """Return what is needed to read the processes of a definitions element."""
    return Scope(
        notes=notes,
        dialect=_dialect(root, name),
        name=name,
        named=index_ids(root),
        default_language=attribute(root, "expressionLanguage") or "",
    )


def read_processes(root: Element, scope: Scope) -> tuple[ProcessGraph, ...]:
    """Return the processes of a definitions element; afterwards the scope knows the element of each of their ids."""
    pools = _pools(root, scope)
    processes = list(children(root, BPMN, "process"))
    graphs = tuple(read_process(item, scope, pools.get(attribute(item, "id") or "", "")) for item in processes)
    _name_drawn_only(root, scope.notes)
    return graphs


def _dialect(root: Element, name: str) -> Dialect:
    if name.lower().endswith(".tplg"):
        return Dialect.TPLG
    mark = f"{{{PIPES}}}"
    typed = (
        key for item in root.iter() if isinstance(item.tag, str) for key in item.attrib if str(key).startswith(mark)
    )
    return Dialect.TPLG if next(typed, None) else Dialect.BPMN


def _beyond_limits(root: Element, notes: Notes) -> bool:
    nodes = flows = 0
    for item in root.iter():
        if namespace(item) == BPMN:
            nodes += local(item) in FLOW_NODES
            flows += local(item) == "sequenceFlow"
    if nodes > MAX_NODES or flows > MAX_FLOWS:
        text = (
            f"The file has {nodes:,} flow nodes and {flows:,} flows; at most {MAX_NODES:,} and {MAX_FLOWS:,} are read."
        )
        notes.add("too-many-nodes", text)
        return True
    return False


def _pools(root: Element, scope: Scope) -> dict[str, str]:
    """Return the name of the pool that shows a process, by the process' id."""
    pools: dict[str, str] = {}
    for collaboration in children(root, BPMN, "collaboration"):
        for pool in children(collaboration, BPMN, "participant"):
            process = scope.find(attribute(pool, "processRef"))
            if process is not None:
                pools.setdefault(attribute(process, "id") or "", name_of(pool))
    return pools


def _name_drawn_only(root: Element, notes: Notes) -> None:
    counts = {"participant": 0, "lane": 0, "messageFlow": 0}
    for item in root.iter():
        if namespace(item) == BPMN and local(item) in counts:
            counts[local(item)] += 1
    words = {"participant": "pools", "lane": "lanes", "messageFlow": "message flows"}
    found = [f"{count} {words[name]}" for name, count in counts.items() if count]
    if found:
        notes.add("drawn-only", f"Drawn and without effect: {', '.join(found)}.")
