"""Where to draw the nodes and flows of a graph that has no drawing: in columns from left to right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from segue.bpmn.elements import EVENTS, GATEWAYS, SUB_PROCESSES
from segue.model.graph import Flow, Node

GAP = 50
_PADDING = 40
_DETOUR = 20


@dataclass(frozen=True)
class Bounds:
    """A rectangle; x grows to the right, y downwards, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def moved(self, x: int, y: int) -> Bounds:
        """Return the rectangle moved by this much."""
        return Bounds(self.x + x, self.y + y, self.width, self.height)


Point = tuple[int, int]


@dataclass
class Drawing:
    """The bounds of nodes and the way points of flows, by id; everything lies within `width` and `height` from 0."""

    bounds: dict[str, Bounds] = field(default_factory=dict)
    points: dict[str, tuple[Point, ...]] = field(default_factory=dict)
    width: int = 0
    height: int = 0

    def put(self, other: Drawing, x: int, y: int) -> None:
        """Add another drawing, moved by this much."""
        for id_, bounds in other.bounds.items():
            self.bounds[id_] = bounds.moved(x, y)
        for id_, points in other.points.items():
            self.points[id_] = tuple((point[0] + x, point[1] + y) for point in points)


def arrange(nodes: Iterable[Node], flows: Iterable[Flow], attached: Mapping[str, str] | None = None) -> Drawing:
    """Return a drawing of all nodes and flows, the contents of a sub-process inside it.

    `attached` gives the activity that a boundary event sits on. The same graph always gives the same drawing.
    """
    children: dict[str | None, list[Node]] = {}
    for node in nodes:
        children.setdefault(node.parent, []).append(node)
    return _level(None, children, list(flows), dict(attached or {}))


def _level(
    parent: str | None, children: Mapping[str | None, list[Node]], flows: list[Flow], attached: Mapping[str, str]
) -> Drawing:
    """Draw what lies directly in one process or sub-process, and within that everything below."""
    here = {node.id: node for node in children.get(parent, [])}
    inside = {id_: _level(id_, children, flows, attached) for id_ in here if id_ in children}
    riders = {id_: host for id_, host in attached.items() if id_ in here and host in here and id_ != host}
    standing = [node for id_, node in here.items() if id_ not in riders]
    own = [flow for flow in flows if flow.source in here and flow.target in here]
    sizes = {node.id: _size(node, inside.get(node.id)) for node in standing}
    # A flow out of a boundary event leads on from the activity that the event sits on.
    ends = [(riders.get(flow.source, flow.source), riders.get(flow.target, flow.target)) for flow in own]
    drawing = _place(sizes, _columns([node.id for node in standing], ends), ends)
    for number, (id_, host) in enumerate(sorted(riders.items())):
        on = drawing.bounds.get(host)
        if on is not None:
            drawing.bounds[id_] = Bounds(on.x + 10 + 40 * (number % 3), on.y + on.height - 18, 36, 36)
        else:
            drawing.bounds[id_] = Bounds(drawing.width, 0, 36, 36)
            drawing.width += 36 + GAP
    _route(own, drawing)
    for id_, inner in inside.items():
        drawing.put(inner, drawing.bounds[id_].x + _PADDING, drawing.bounds[id_].y + _PADDING)
    return drawing


def _size(node: Node, inner: Drawing | None) -> tuple[int, int]:
    if inner is not None:
        return inner.width + 2 * _PADDING, inner.height + 2 * _PADDING
    if node.element in EVENTS or node.element == "circle":
        return 36, 36
    if node.element in GATEWAYS:
        return 50, 50
    return (100, 80) if node.element not in SUB_PROCESSES else (140, 100)


def _columns(ids: list[str], ends: list[tuple[str, str]]) -> dict[str, int]:
    """Return the column of each node: one further than every node that leads to it, loops left aside."""
    onward: dict[str, list[str]] = {id_: [] for id_ in ids}
    entered = set()
    for source, target in ends:
        if target != source:
            onward[source].append(target)
            entered.add(target)
    order: list[str] = []
    state: dict[str, int] = {}
    forward: list[tuple[str, str]] = []
    for root in [*(id_ for id_ in ids if id_ not in entered), *ids]:
        if root in state:
            continue
        state[root] = 1
        work = [(root, iter(onward[root]))]
        while work:
            node, rest = work[-1]
            # No node has an empty id, so the empty text means that all are done.
            target = next(rest, "")
            if not target:
                state[node] = 2
                order.append(node)
                work.pop()
            elif state.get(target) != 1:
                # A flow to a node that is still open would close a loop; all others lead on.
                forward.append((node, target))
                if target not in state:
                    state[target] = 1
                    work.append((target, iter(onward[target])))
    following: dict[str, list[str]] = {id_: [] for id_ in ids}
    for source, target in forward:
        following[source].append(target)
    columns = dict.fromkeys(ids, 0)
    for node in reversed(order):
        for target in following[node]:
            columns[target] = max(columns[target], columns[node] + 1)
    return columns


def _place(sizes: Mapping[str, tuple[int, int]], columns: Mapping[str, int], ends: list[tuple[str, str]]) -> Drawing:
    """Give each node a row, next to what leads to it where that is free, and turn columns and rows into pixels."""
    before: dict[str, str] = {}
    for source, target in ends:
        if columns[source] < columns[target]:
            before.setdefault(target, source)
    rows: dict[str, int] = {}
    next_free: dict[int, int] = {}
    for id_ in sorted(sizes, key=lambda item: columns[item]):
        wished = rows.get(before.get(id_, ""), 0)
        row = max(wished, next_free.get(columns[id_], 0))
        rows[id_] = row
        next_free[columns[id_]] = row + 1
    lefts = _starts({columns[id_]: 0 for id_ in sizes}, ((columns[id_], sizes[id_][0]) for id_ in sizes))
    tops = _starts({rows[id_]: 0 for id_ in sizes}, ((rows[id_], sizes[id_][1]) for id_ in sizes))
    drawing = Drawing(width=max(lefts.values(), default=GAP) - GAP, height=max(tops.values(), default=GAP) - GAP)
    for id_, (width, height) in sizes.items():
        room = (lefts[columns[id_] + 1] - lefts[columns[id_]] - GAP, tops[rows[id_] + 1] - tops[rows[id_]] - GAP)
        x = lefts[columns[id_]] + (room[0] - width) // 2
        y = tops[rows[id_]] + (room[1] - height) // 2
        drawing.bounds[id_] = Bounds(x, y, width, height)
    return drawing


def _starts(largest: dict[int, int], sizes: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return where each column or row starts, and where one after the last would; empty ones take no room."""
    for index, size in sizes:
        largest[index] = max(largest[index], size)
    starts: dict[int, int] = {}
    at = 0
    for index in range(max(largest, default=-1) + 2):
        starts[index] = at
        at += largest.get(index, -GAP) + GAP
    return starts


def _forward(start: Point, end: Point) -> tuple[Point, ...]:
    middle = end[0] - GAP // 2
    bend = () if start[1] == end[1] else ((middle, start[1]), (middle, end[1]))
    return (start, *bend, end)


def _around(start: Point, end: Point, source: Bounds, target: Bounds, drawing: Drawing) -> tuple[Point, ...]:
    """The way above what stands in the way of a flow that passes columns; nothing when nothing does.

    Names of events and gateways stand below them, so above is where a line crosses none.
    """
    row = [
        box
        for box in drawing.bounds.values()
        if start[0] < box.x + box.width
        and box.x < end[0] - GAP // 2
        and box.y <= start[1] <= box.y + box.height
        and box not in {source, target}
    ]
    if not row:
        return ()
    # The gap between two rows has room for it; in the first row everything is moved down a little (see _route).
    above = min(box.y for box in (*row, source)) - _DETOUR
    out = source.x + source.width // 2
    if above < target.y <= start[1]:
        into = target.x + target.width // 2
        return ((out, source.y), (out, above), (into, above), (into, target.y))
    middle = end[0] - GAP // 2
    return ((out, source.y), (out, above), (middle, above), (middle, end[1]), end)


def _route(flows: list[Flow], drawing: Drawing) -> None:
    """Draw the flows in right angles: forward through the gap between columns, backward below everything."""
    for flow in flows:
        source, target = drawing.bounds[flow.source], drawing.bounds[flow.target]
        start = (source.x + source.width, source.y + source.height // 2)
        end = (target.x, target.y + target.height // 2)
        if start[0] < end[0]:
            drawing.points[flow.id] = _around(start, end, source, target, drawing) or _forward(start, end)
        else:
            drawing.height += _DETOUR
            below = drawing.height
            out, back = source.x + source.width // 2, target.x + target.width // 2
            under = ((out, source.y + source.height), (out, below), (back, below), (back, target.y + target.height))
            drawing.points[flow.id] = under
    highest = min((y for points in drawing.points.values() for _, y in points), default=0)
    if highest < 0:
        moved = Drawing(width=drawing.width, height=drawing.height - highest)
        moved.put(drawing, 0, -highest)
        drawing.bounds, drawing.points, drawing.height = moved.bounds, moved.points, moved.height
