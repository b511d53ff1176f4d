"""A file as bpmn-js can open, show and save it without loss; the original bytes are kept by the caller."""

from __future__ import annotations

from collections import Counter

from lxml import etree
from msgspec import Struct

from segue.bpmn.decode import decode
from segue.bpmn.definitions import open_scope, read_processes
from segue.bpmn.diagram import BPMNDI, DC, add_edge, add_plane, add_shape
from segue.bpmn.elements import SUB_PROCESSES
from segue.bpmn.findings import Notes
from segue.bpmn.ids import make_ids_legal
from segue.bpmn.layout import Bounds, Drawing, arrange
from segue.bpmn.markup import MAX_BYTES, parse
from segue.bpmn.names import BPMN, Element, Ids, attribute, children, local, namespace
from segue.bpmn.pipes import make_explicit
from segue.bpmn.prefixes import with_safe_prefixes
from segue.bpmn.scope import Dialect, Scope
from segue.bpmn.tplg_json import read_tplg_json
from segue.bpmn.write import write_bpmn
from segue.model.errors import Invalid
from segue.model.graph import NodeKind, ProcessGraph, Severity

# References of BPMN and its diagrams, which bpmn-js compares with ids literally: these, and every name ending in Ref.
_REFERENCES = frozenset({"calledElement", "default", "bpmnElement", "labelStyle", "choreographyActivityShape",
                         "sourceElement", "targetElement"})  # fmt: skip
_TEXT_REFERENCES = frozenset({"incoming", "outgoing", "supports"})
_NAME_SPACES = {BPMN, BPMNDI}
_PLANES = SUB_PROCESSES | {"process", "collaboration", "choreography", "globalTask"}


class Normalised(Struct, frozen=True, kw_only=True):
    """The file in UTF-8, and a sentence for each kind of change; none when nothing had to be changed."""

    data: bytes
    changes: tuple[str, ...]


def normalise(data: bytes, *, name: str = "") -> Normalised:
    """Return a copy of a process file that an editor built on bpmn-js can open, show and save.

    UTF-8; prefixes that bpmn-js owns keep their meaning; ids, incoming and outgoing are complete; references have no
    prefix; labels without size are dropped; abstract elements become ones that can be drawn; a file without a drawing
    gets one; Orchesty's JSON becomes BPMN. Meaning stays: the graphs that `read_file` finds are the same, but for the
    elements replaced. Raises Invalid for a file that cannot be read at all.
    """
    notes = Notes()
    decoded = decode(data[: MAX_BYTES + 1])
    if len(data) > MAX_BYTES:
        raise Invalid(f"The file has more than {MAX_BYTES:,} bytes")
    text = decoded.text.lstrip("\ufeff")
    if text.lstrip()[:1] == "{":
        graphs = read_tplg_json(text, name, notes)
        if not graphs:
            raise Invalid(notes.found[0].message)
        return Normalised(data=write_bpmn(graphs[0]), changes=("Orchesty's JSON was written as BPMN.",))
    root = parse(text, notes)
    if root is None or local(root) != "definitions" or namespace(root) != BPMN:
        reasons = [item.message for item in notes.found if item.severity is Severity.ERROR]
        raise Invalid(reasons[0] if reasons else "The file is no BPMN 2.0")
    changes: Counter[str] = Counter()
    if decoded.encoding not in {"utf-8", "ascii"}:
        changes[f"It was written in {decoded.encoding} and is UTF-8 now."] += 1
    root = with_safe_prefixes(root, changes)
    _Normaliser(root, name, changes).run()
    # What was drawn just now has made prefixes.
    root = with_safe_prefixes(root, Counter())
    written: bytes = etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")
    said = tuple(f"{text} ({count} times)" if count > 1 else text for text, count in changes.items())
    return Normalised(data=written, changes=said)


class _Normaliser:
    """Changes one element tree in place."""

    def __init__(self, root: Element, name: str, changes: Counter[str]) -> None:
        self.root = root
        self.name = name
        self.changes = changes
        self.scope: Scope = open_scope(root, name, Notes())
        self.graphs = read_processes(root, self.scope)

    def run(self) -> None:
        """Apply every step; each counts what it changes."""
        self._ids()
        self._references()
        self._neighbours()
        refused = make_ids_legal(self.root, set(self.scope.placed.values()))
        if refused:
            self.changes["An id that editors refuse was changed, and all that refers to it."] += refused
            # Everything below goes by the new ids.
            self.scope = open_scope(self.root, self.name, Notes())
            self.graphs = read_processes(self.root, self.scope)
        self._abstract()
        self._labels()
        self._planes()
        shape, plane = (next(self.root.iter(f"{{{BPMNDI}}}{name}"), None) for name in ("BPMNShape", "BPMNPlane"))
        if plane is None or (shape is None and any(graph.nodes for graph in self.graphs)):
            self._draw()

    def _ids(self) -> None:
        """Write the ids that the graph uses into the elements that have none, or that share one."""
        for id_, element in self.scope.placed.items():
            if attribute(element, "id") != id_:
                element.set("id", id_)
                self.changes["An id was added or made unique."] += 1

    def _references(self) -> None:
        """Take prefixes off references, where an element has that id."""
        known = {text for item in self.root.iter() if isinstance(item.tag, str) and (text := attribute(item, "id"))}
        ids = Ids(known)
        for item in self.root.iter():
            if namespace(item) not in _NAME_SPACES:
                continue
            for name, text in item.attrib.items():
                if not (name in _REFERENCES or str(name).endswith("Ref")) or text in known:
                    continue
                if (found := ids.resolve(text)) is not None:
                    item.set(name, found)
                    self.changes["A prefix was taken off a reference."] += 1
            text = (item.text or "").strip()
            refers = local(item) in _TEXT_REFERENCES or local(item).endswith(("Ref", "Refs"))
            if refers and text and text not in known:
                found = ids.resolve(text)
                if found is not None:
                    item.text = found
                    self.changes["A prefix was taken off a reference."] += 1

    def _abstract(self) -> None:
        """Give abstract elements, and Orchesty's user tasks, the name of an element that can be drawn."""
        kinds = {node.id: node.kind for graph in self.graphs for node in graph.nodes}
        names = {NodeKind.START: "startEvent", NodeKind.PASS: "intermediateThrowEvent", NodeKind.USER_TASK: "userTask"}
        for id_, element in self.scope.placed.items():
            was = local(element)
            if was == "gateway":
                name = "inclusiveGateway"
            elif was == "event" or (was == "task" and kinds.get(id_) is NodeKind.USER_TASK):
                name = names.get(kinds[id_], "task" if kinds[id_] is NodeKind.ACTION else "intermediateThrowEvent")
            else:
                continue
            if self.scope.dialect is Dialect.TPLG:
                make_explicit(element, self.scope, id_)
            element.tag = f"{{{BPMN}}}{name}"
            self.changes[f"The element {was} became {name}."] += 1

    def _neighbours(self) -> None:
        """Complete the incoming and outgoing children of nodes, which bpmn-js needs, and drop those that are wrong."""
        wanted: dict[Element, list[tuple[str, str]]] = {}
        for graph in self.graphs:
            for flow in graph.flows:
                wanted.setdefault(self.scope.placed[flow.target], []).append(("incoming", flow.id))
                wanted.setdefault(self.scope.placed[flow.source], []).append(("outgoing", flow.id))
        for graph in self.graphs:
            for node in graph.nodes:
                self._complete(self.scope.placed[node.id], wanted.get(self.scope.placed[node.id], []))

    def _complete(self, element: Element, wanted: list[tuple[str, str]]) -> None:
        found = [item for name in ("incoming", "outgoing") for item in children(element, name=name)]
        there = [(local(item), (item.text or "").strip()) for item in found]
        if sorted(there) == sorted(wanted):
            return
        self.changes["The incoming and outgoing flows of a node were completed."] += 1
        for item in found:
            element.remove(item)
        # BPMN20.xsd: documentation, extensionElements, auditing, monitoring, categoryValueRef, incoming, outgoing, rest
        before = {"documentation", "extensionElements", "auditing", "monitoring", "categoryValueRef"}
        at = sum(1 for item in element if local(item) in before or not local(item))
        for number, (name, id_) in enumerate(sorted(wanted, key=lambda pair: pair[0])):
            child = etree.Element(f"{{{BPMN}}}{name}")
            child.text = id_
            element.insert(at + number, child)

    def _labels(self) -> None:
        """Drop the bounds of labels that have no size: bpmn-js never stops laying out their text."""
        for bounds in list(self.root.iter(f"{{{DC}}}Bounds")):
            label = bounds.getparent()
            if label is None or local(label) != "BPMNLabel":
                continue
            if not all(_is_size(attribute(bounds, name)) for name in ("width", "height")):
                label.remove(bounds)
                self.changes["The place of a label without size was dropped."] += 1

    def _planes(self) -> None:
        """Make a plane be about the process that it draws: bpmn-js opens no other (Modelio names the file itself)."""
        for plane in self.root.iter(f"{{{BPMNDI}}}BPMNPlane"):
            about = self.scope.find(attribute(plane, "bpmnElement"))
            if about is not None and local(about) in _PLANES:
                continue
            drawn = (self.scope.find(attribute(shape, "bpmnElement")) for shape in plane)
            owners = [
                owner for item in drawn if item is not None for owner in item.iterancestors() if _can_be_plane(owner)
            ]
            collaboration = next(children(self.root, name="collaboration"), None)
            owner = collaboration if collaboration is not None else next(iter(owners), None)
            id_ = attribute(owner, "id") if owner is not None else self.graphs[0].key if self.graphs else None
            if id_:
                plane.set("bpmnElement", id_)
                self.changes["A drawing that was about no process is about what it draws now."] += 1

    def _draw(self) -> None:
        """Draw everything: pools below each other, or the processes alone when there are none."""
        for diagram in list(self.root.iter(f"{{{BPMNDI}}}BPMNDiagram")):
            holder = diagram.getparent()
            if holder is not None:
                holder.remove(diagram)
        graphs = {graph.key: graph for graph in self.graphs}
        collaboration = next(children(self.root, name="collaboration"), None)
        if collaboration is not None and attribute(collaboration, "id"):
            self._draw_pools(collaboration, graphs)
        elif graphs:
            main = next((graph for graph in graphs.values() if graph.nodes), next(iter(graphs.values())))
            plane = add_plane(self.root, main.key)
            self._put(plane, main, 0)
        else:
            return
        self.changes["The file had no drawing; one was made."] += 1

    def _draw_pools(self, collaboration: Element, graphs: dict[str, ProcessGraph]) -> None:
        plane = add_plane(self.root, attribute(collaboration, "id") or "")
        top = 0
        for pool in children(collaboration, name="participant"):
            process = self.scope.find(attribute(pool, "processRef"))
            graph = graphs.get(attribute(process, "id") or "") if process is not None else None
            drawing = self._arranged(graph) if graph is not None else Drawing()
            height = max(drawing.height + 80, 120)
            if attribute(pool, "id"):
                bounds = Bounds(0, top + 100 - 40, max(drawing.width + 160, 600), height)
                add_shape(plane, attribute(pool, "id") or "", bounds.moved(20, 0))
            if graph is not None:
                self._put(plane, graph, top)
            top += height + 40

    def _arranged(self, graph: ProcessGraph) -> Drawing:
        hosts = {}
        ids = Ids(node.id for node in graph.nodes)
        for node in graph.nodes:
            reference = attribute(self.scope.placed[node.id], "attachedToRef")
            host = ids.resolve(reference) if reference else None
            if host is not None:
                hosts[node.id] = host
        return arrange(graph.nodes, graph.flows, hosts)

    def _put(self, plane: Element, graph: ProcessGraph, top: int) -> None:
        placed = Drawing()
        placed.put(self._arranged(graph), 0, top)
        holders = {node.parent for node in graph.nodes}
        marked = {node.id for node in graph.nodes if node.element == "exclusiveGateway"}
        for id_, bounds in placed.bounds.items():
            add_shape(plane, id_, bounds.moved(100, 100), expanded=id_ in holders, marked=id_ in marked)
        for id_, points in placed.points.items():
            add_edge(plane, id_, points)


def _can_be_plane(element: Element) -> bool:
    return local(element) in {"process", "collaboration"}


def _is_size(text: str | None) -> bool:
    try:
        return text is not None and 0 <= float(text) < float("inf")
    except ValueError:
        return False
