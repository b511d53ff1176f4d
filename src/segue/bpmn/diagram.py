"""The drawing of a graph as BPMN diagram interchange (BPMN 2.0.2, chapter 12)."""

from __future__ import annotations

from collections.abc import Container

from lxml import etree

from segue.bpmn.layout import Bounds, Drawing, Point
from segue.bpmn.names import Element

BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DI = "http://www.omg.org/spec/DD/20100524/DI"
MARGIN = 100


def add_diagram(
    root: Element, plane_of: str, drawing: Drawing, nodes: Container[str], marked: Container[str] = ()
) -> None:
    """Append a diagram to a definitions element: shapes for `nodes` and edges, on the plane of one process."""
    plane = add_plane(root, plane_of)
    for id_, bounds in drawing.bounds.items():
        if id_ in nodes:
            add_shape(plane, id_, bounds.moved(MARGIN, MARGIN), marked=id_ in marked)
    for id_, points in drawing.points.items():
        add_edge(plane, id_, points)


def add_plane(root: Element, plane_of: str) -> Element:
    """Append an empty diagram for a process or collaboration, and return its plane."""
    diagram = etree.SubElement(root, f"{{{BPMNDI}}}BPMNDiagram", id=f"Diagram_{plane_of}")
    return etree.SubElement(diagram, f"{{{BPMNDI}}}BPMNPlane", id=f"Plane_{plane_of}", bpmnElement=plane_of)


def add_shape(plane: Element, id_: str, bounds: Bounds, *, expanded: bool = False, marked: bool = False) -> None:
    """Append the shape of a node or pool; `marked` draws the X of an exclusive gateway."""
    shape = etree.SubElement(plane, f"{{{BPMNDI}}}BPMNShape", id=f"Shape_{id_}", bpmnElement=id_)
    if expanded:
        shape.set("isExpanded", "true")
    if marked:
        shape.set("isMarkerVisible", "true")
    numbers = {"x": bounds.x, "y": bounds.y, "width": bounds.width, "height": bounds.height}
    etree.SubElement(shape, f"{{{DC}}}Bounds", {name: str(number) for name, number in numbers.items()})


def add_edge(plane: Element, id_: str, points: tuple[Point, ...]) -> None:
    """Append the edge of a flow."""
    edge = etree.SubElement(plane, f"{{{BPMNDI}}}BPMNEdge", id=f"Edge_{id_}", bpmnElement=id_)
    for x, y in points:
        etree.SubElement(edge, f"{{{DI}}}waypoint", x=str(x + MARGIN), y=str(y + MARGIN))
