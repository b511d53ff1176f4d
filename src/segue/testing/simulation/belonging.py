"""Which messages belong together, said a second time: what scope a message must have, and what ends with one.

A scope is a path of segments, each ending in a slash: a letter, the place of a node in its graph, a dot, and a text
that nobody can foresee. So a wanted scope is a list of segments, of which new ones are known but for that text.
Nothing here uses `segue.core`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segue.model.graph import NodeKind
from segue.testing.simulation.drawing import Drawing


@dataclass(frozen=True, slots=True)
class Leave:
    """What goes on after a message has left its node, and the scope that ends with it."""

    base: str
    clears: str = ""


def pieces(scope: str) -> list[str]:
    """Return the segments of a scope."""
    return [piece + "/" for piece in scope.split("/") if piece]


def leave(scope: str) -> Leave:
    """Return what leaving with children means: who was watched, was first, or interrupts, ends the others."""
    parts = pieces(scope)
    last = parts[-1][0] if parts else ""
    if last in {"g", "r"}:
        return Leave("".join(parts[:-1]), scope)
    if last == "w":
        return Leave("".join(parts[:-2]), "".join(parts[:-1]))
    if last == "n":
        return Leave("".join(parts[:-2]))
    return Leave(scope)


def dropped(scope: str) -> str:
    """Return the scope that ends with a message that ends without children."""
    parts = pieces(scope)
    return scope if parts and parts[-1][0] == "g" else ""


def before(scope: str, letter: str, place: int) -> str | None:
    """Return the path to the innermost segment of this letter and place, itself included; None without one."""
    parts = pieces(scope)
    for number in range(len(parts) - 1, -1, -1):
        if parts[number].startswith(f"{letter}{place}."):
            return "".join(parts[: number + 1])
    return None


def wanted(leaving: Leave, opened: Sequence[str]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Return the segments that a child must have whose way opened these scopes, what ends with leaving, and the
    segments of the sub-process that was left last."""
    items = pieces(leaving.base)
    clears = leaving.clears
    over: tuple[str, ...] = ()
    for opening in opened:
        if not opening.startswith("-"):
            items.append(opening)
            continue
        place = opening[1:]
        found = [n for n, item in enumerate(items) if item.startswith((f"s{place}.", f"s{place}:"))]
        if not found:
            continue
        ended = items[: found[-1] + 1]
        over = tuple(ended)
        if all(item.endswith("/") for item in ended):
            outer = "".join(ended)
            clears = min((scope for scope in (clears, outer) if scope), key=len)
        items = items[: found[-1]]
    return tuple(items), clears, over


def level(drawing: Drawing, meeting: str, items: Sequence[str]) -> int | None:
    """Return how many of the segments are the scope whose messages meet at a node; None when they meet nobody."""
    first = 0
    if drawing.nodes[meeting].kind is NodeKind.SUB_PROCESS:
        place = drawing.places[meeting]
        found = [n for n, item in enumerate(items) if item.startswith((f"s{place}.", f"s{place}:"))]
        return found[-1] + 1 if found else None
    part = drawing.nodes[meeting].parent
    if part is not None:
        place = drawing.places[part]
        found = [n for n, item in enumerate(items) if item.startswith((f"s{place}.", f"s{place}:"))]
        first = found[-1] + 1 if found else len(items)
    for number in range(first, len(items)):
        item = items[number]
        if item[0] == "f":
            split = drawing.graph.nodes[int(item[1:].replace(":", ".").split(".")[0])].id
            if drawing.opens_for(split, meeting):
                return number + 1
    return None


class Scopes:
    """Remembers the scopes that were opened: each by one message on one way, the same for all copies in it."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, int, str], str] = {}
        self._openers: dict[str, tuple[str, int, str]] = {}

    def problem(self, message: str, number: int, items: Sequence[str], scope: str) -> str | None:
        """Return how the scope of a child, of the content of this number, differs from these segments."""
        found = pieces(scope)
        if len(found) != len(items):
            return f"must be in {'/'.join(items) or 'no scope'}, but is in {scope or 'none'}"
        for item, piece in zip(items, found, strict=True):
            if not self._same(message, number, item, piece):
                return f"must be in {'/'.join(items)}, but is in {scope}"
        return None

    def _same(self, message: str, number: int, item: str, piece: str) -> bool:
        if item.endswith("/"):
            return item == piece
        begin = item.split(":", maxsplit=1)[0]
        if begin[0] in {"w", "n"}:
            return piece == f"{begin}.0/"
        if not piece.startswith(f"{begin}."):
            return False
        key = (message, number, item)
        return self._texts.setdefault(key, piece) == piece and self._openers.setdefault(piece, key) == key
