"""Ids that editors accept: each once in a file, and of the characters that bpmn-js reads."""

from __future__ import annotations

import re
from collections.abc import Collection

from segue.bpmn.names import BPMN, Element, attribute, local, namespace

# moddle-xml 11 drops an element whose id is another, and one whose id was there before.
_LEGAL = re.compile(r"([a-z][\w.-]*:)?[a-z_][\w.-]*", re.ASCII | re.IGNORECASE)
_DIAGRAM = frozenset({"http://www.omg.org/spec/BPMN/20100524/DI", "http://www.omg.org/spec/DD/20100524/DI"})
_REFERRING = frozenset({"incoming", "outgoing", "default", "source", "target", "calledElement", "bpmnElement"})


def is_id(element: Element) -> bool:
    """Whether an element's `id` must be unique in the file: those of BPMN and of its diagrams."""
    return namespace(element) == BPMN or namespace(element) in _DIAGRAM


def make_ids_legal(root: Element, first: Collection[Element]) -> int:
    """Change ids that bpmn-js would refuse, with all references to them; return how many.

    Of elements with one id, those in `first` keep it, else the one that comes first in the file.
    """
    bearers = [item for item in root.iter() if is_id(item) and attribute(item, "id")]
    taken = {attribute(item, "id") or "" for item in bearers}
    used: set[str] = set()
    renamed: dict[str, str] = {}
    numbers: dict[str, int] = {}
    count = 0
    favoured = set(first)
    for item in sorted(bearers, key=lambda element: element not in favoured):
        id_ = attribute(item, "id") or ""
        if id_ not in used and _LEGAL.fullmatch(id_):
            used.add(id_)
            continue
        fresh = _fresh(id_, taken, numbers)
        taken.add(fresh)
        item.set("id", fresh)
        if id_ not in used:
            used.add(id_)
            renamed[id_] = fresh
        count += 1
    if renamed:
        _follow(root, renamed)
    return count


def _fresh(id_: str, taken: set[str], numbers: dict[str, int]) -> str:
    plain = re.sub(r"[^\w.-]", "_", id_, flags=re.ASCII)
    base = plain if _LEGAL.fullmatch(plain) else f"_{plain}"
    made, number = base, numbers.get(base, 1)
    while made in taken:
        number += 1
        made = f"{base}_{number}"
    numbers[base] = number
    return made


def _follow(root: Element, renamed: dict[str, str]) -> None:
    """Let every reference to a renamed id say the new one. A name may be equal by chance and stays."""
    for item in root.iter():
        if not is_id(item):
            continue
        for key in item.attrib:
            name = str(key)
            if name in _REFERRING or name.endswith(("Ref", "Refs")):
                found = attribute(item, name) or ""
                item.set(name, renamed.get(found, found))
        text = (item.text or "").strip()
        if text in renamed and (local(item) in _REFERRING or local(item).endswith(("Ref", "Refs"))):
            item.text = renamed[text]
