"""Draws a process file as SVG, from the diagram it holds: `python -m demo.draw FILE.bpmn > FILE.svg`.

Shapes are BPMN 2.0.2's (formal/2013-12-09). Each task is coloured by the worker it calls and shows its action; the bars
in its corner stand for the durable queue before it.
"""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
    "zeebe": "http://camunda.org/schema/zeebe/1.0",
}
TOPIC = "{http://camunda.org/schema/1.0/bpmn}topic"
MARGIN = 24
INK, SOFT = "#1f2937", "#6b7280"
COLOURS = {
    "shop": ("#e8f0fe", "#3b6fd4"),
    "crm": ("#e6f6ec", "#2e8b57"),
    "warehouse": ("#fdf1e0", "#c77d1e"),
}
PLAIN = ("#f3f4f6", "#6b7280")


@dataclass(frozen=True)
class Box:
    """A rectangle: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        """The point in its middle."""
        return self.x + self.width / 2, self.y + self.height / 2


def draw(source: bytes) -> str:
    """Return the SVG picture of the diagram in a BPMN 2.0 file."""
    root = etree.fromstring(source, etree.XMLParser(resolve_entities=False, no_network=True))
    elements = {element.get("id"): element for element in root.iter() if element.get("id")}
    parts: list[str] = []
    boxes: list[Box] = []
    for edge in root.iterfind(".//bpmndi:BPMNEdge", NS):
        parts += _edge(edge, elements[edge.get("bpmnElement")])
    for shape in root.iterfind(".//bpmndi:BPMNShape", NS):
        box = _box(shape.find("dc:Bounds", NS))
        boxes.append(box)
        parts += _shape(elements[shape.get("bpmnElement")], box, shape)
    boxes += [_box(bounds) for bounds in root.iterfind(".//bpmndi:BPMNLabel/dc:Bounds", NS)]
    return _frame(parts, boxes)


def _frame(parts: list[str], boxes: list[Box]) -> str:
    left = min(box.x for box in boxes) - MARGIN
    top = min(box.y for box in boxes) - MARGIN
    width = max(box.x + box.width for box in boxes) + MARGIN - left
    height = max(box.y + box.height for box in boxes) + MARGIN - top
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:g} {top:g} {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="system-ui, sans-serif" font-size="12" fill="{INK}">\n'
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 1 10 5 0 9z" fill="{SOFT}"/></marker></defs>\n'
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="12" fill="#ffffff"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def _box(bounds: etree._Element | None) -> Box:
    if bounds is None:
        raise ValueError("A shape of the diagram has no bounds")
    return Box(*(float(bounds.get(name, "0")) for name in ("x", "y", "width", "height")))


def _edge(edge: etree._Element, element: etree._Element) -> list[str]:
    points = " ".join(f"{point.get('x')},{point.get('y')}" for point in edge.iterfind("di:waypoint", NS))
    flow = etree.QName(element).localname == "sequenceFlow"
    style = 'marker-end="url(#arrow)"' if flow else 'stroke-dasharray="2 4"'
    parts = [f'<polyline points="{points}" fill="none" stroke="{SOFT}" stroke-width="1.5" {style}/>']
    label = edge.find("bpmndi:BPMNLabel/dc:Bounds", NS)
    if label is not None and element.get("name"):
        parts += _text(element.get("name", ""), *_box(label).middle, SOFT, 20)
    return parts


def _shape(element: etree._Element, box: Box, shape: etree._Element) -> list[str]:
    kind = etree.QName(element).localname
    if kind == "textAnnotation":
        text = "".join(element.itertext()).strip()
        bracket = f"{box.x + 8:g},{box.y:g} {box.x:g},{box.y:g} {box.x:g},{box.y + box.height:g}"
        bracket += f" {box.x + 8:g},{box.y + box.height:g}"
        line = f'<polyline points="{bracket}" fill="none" stroke="{SOFT}"/>'
        return [line, *_text(text, *box.middle, SOFT, 40)]
    parts = _event(element, kind, box) if kind.endswith("Event") else []
    parts += _gateway(kind, box) if kind.endswith("Gateway") else []
    if not parts:
        return _task(element, box)
    label = shape.find("bpmndi:BPMNLabel/dc:Bounds", NS)
    if label is not None and element.get("name"):
        parts += _text(element.get("name", ""), *_box(label).middle, INK, 16)
    return parts


def _event(element: etree._Element, kind: str, box: Box) -> list[str]:
    x, y = box.middle
    width = 3 if kind == "endEvent" else 1.5
    circle = (
        f'<circle cx="{x:g}" cy="{y:g}" r="{box.width / 2:g}" fill="#ffffff" stroke="{INK}" stroke-width="{width}"/>'
    )
    if element.find("bpmn:timerEventDefinition", NS) is None:
        return [circle]
    clock = f"M{x:g} {y - 7:g}V{y:g}L{x + 5:g} {y + 3:g}"
    face = f'<circle cx="{x:g}" cy="{y:g}" r="11" fill="none" stroke="{INK}"/>'
    return [circle, face, f'<path d="{clock}" fill="none" stroke="{INK}"/>']


def _gateway(kind: str, box: Box) -> list[str]:
    x, y = box.middle
    half = box.width / 2
    diamond = f"{x:g},{y - half:g} {x + half:g},{y:g} {x:g},{y + half:g} {x - half:g},{y:g}"
    mark = f"M{x - 9:g} {y:g}h18M{x:g} {y - 9:g}v18"
    if kind == "exclusiveGateway":
        mark = f"M{x - 7:g} {y - 7:g}l14 14M{x + 7:g} {y - 7:g}l-14 14"
    return [
        f'<polygon points="{diamond}" fill="#ffffff" stroke="{INK}" stroke-width="1.5"/>',
        f'<path d="{mark}" stroke="{INK}" stroke-width="3" fill="none"/>',
    ]


def _task(element: etree._Element, box: Box) -> list[str]:
    definition = element.find(".//zeebe:taskDefinition", NS)
    binding = element.get(TOPIC, "") if definition is None else definition.get("type", "")
    worker, action = binding.partition("/")[0], binding.rpartition("/")[2]
    fill, stroke = COLOURS.get(worker, PLAIN)
    frame = f'x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="10"'
    parts = [f'<rect {frame} fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>']
    for step in range(3):
        at = box.x + 9 + 5 * step
        parts.append(f'<path d="M{at:g} {box.y + 8:g}v9" stroke="{stroke}" stroke-width="2.5"/>')
    x, y = box.middle
    parts += _text(element.get("name", ""), x, y - 4, INK, 14)
    parts.append(_line(worker, x, y + 23, stroke, size=10, weight=600))
    parts.append(_line(action, x, y + 34, stroke, size=10))
    return parts


def _text(text: str, x: float, y: float, colour: str, columns: int) -> list[str]:
    lines = textwrap.wrap(text, columns)
    first = y - 7 * (len(lines) - 1) + 4
    return [_line(line, x, first + 14 * number, colour) for number, line in enumerate(lines)]


def _line(text: str, x: float, y: float, colour: str, *, size: int = 12, weight: int = 400) -> str:
    style = f'font-size="{size}" font-weight="{weight}" fill="{colour}" text-anchor="middle"'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(text)}</text>'


if __name__ == "__main__":
    sys.stdout.write(draw(Path(sys.argv[1]).read_bytes()))
