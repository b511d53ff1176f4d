"""The picture of what hosts carry: both axes by powers of ten, readable on a light page and on a dark one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10

from msgspec import Struct

WIDTH, HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 30, 24, 96
_X = (0.0, 2.0)
_Y = (3.0, 6.0)
_COLOURS = ("#1d4ed8", "#b45309", "#047857")
_INK, _GREY, _PAPER = "#1f2937", "#6b7280", "#ffffff"

Points = Sequence[tuple[int, float]]


class Curve(Struct):
    """A line with its name."""

    name: str
    points: Points


def _at(hosts: float, per_s: float) -> tuple[float, float]:
    x = _LEFT + (log10(hosts) - _X[0]) / (_X[1] - _X[0]) * (WIDTH - _LEFT - _RIGHT)
    y = HEIGHT - _BOTTOM - (log10(per_s) - _Y[0]) / (_Y[1] - _Y[0]) * (HEIGHT - _TOP - _BOTTOM)
    return round(x, 1), round(y, 1)


def _line(points: Points, colour: str, more: str = "") -> str:
    places = " ".join("{},{}".format(*_at(hosts, per_s)) for hosts, per_s in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2.5"{more}/>'


def _text(x: float, y: float, text: str, anchor: str = "middle", colour: str = _INK) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{text}</text>'


def _grid() -> Iterator[str]:
    for hosts in (1, 3, 10, 30, 100):
        x, bottom = _at(hosts, 10 ** _Y[0])
        yield f'<line x1="{x}" y1="{_TOP}" x2="{x}" y2="{bottom}" stroke="#e5e7eb"/>'
        yield _text(x, bottom + 18, str(hosts))
    for per_s in (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000):
        left, y = _at(1, per_s)
        yield f'<line x1="{left}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}" stroke="#e5e7eb"/>'
        yield _text(left - 8, y + 4, f"{per_s:,}", "end")


def picture(curves: Sequence[Curve], straight: Points) -> str:
    """The picture as SVG, on paper of its own; `straight` is what as many single hosts would carry."""
    lines = [*_grid(), _line(straight, _GREY, ' stroke-dasharray="5 5"')]
    for curve, colour in zip(curves, _COLOURS, strict=True):
        lines.append(_line(curve.points, colour))
        lines += [
            '<circle cx="{}" cy="{}" r="4" fill="{}"/>'.format(*_at(hosts, per_s), colour)
            for hosts, per_s in curve.points
        ]
    y = HEIGHT - _BOTTOM + 42
    lines.append(_text(_LEFT - 8, y - 24, "hosts", "end", _GREY))
    lines.append(_text(_LEFT, 14, "instances a second", "start", _GREY))
    names = [(curve.name, colour) for curve, colour in zip(curves, _COLOURS, strict=True)]
    for n, (name, colour) in enumerate([*names, ("in proportion to hosts", _GREY)]):
        x, top = _LEFT + n % 2 * 330, y + n // 2 * 24
        dash = ' stroke-dasharray="5 5"' if colour == _GREY else ""
        lines.append(f'<line x1="{x}" y1="{top}" x2="{x + 26}" y2="{top}" stroke="{colour}" stroke-width="2.5"{dash}/>')
        lines.append(_text(x + 34, top + 4, name, "start"))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' font-family="system-ui, sans-serif" font-size="13">'
    )
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="{_PAPER}"/>'
    return "\n".join([head, paper, *lines, "</svg>", ""])
