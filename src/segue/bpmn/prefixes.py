"""Namespace prefixes that bpmn-js understands: one for each namespace, and its own for those that it owns."""

from __future__ import annotations

import re
from collections import Counter

from lxml import etree

from segue.bpmn.names import BPMN, PIPES, SEGUE, ZEEBE, Element

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

# What bpmn-js 18 and its moddle descriptors bind (bpmn-moddle 9), and what our own editor adds.
OWNED = {
    "bpmn": BPMN,
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
    "bioc": "http://bpmn.io/schema/bpmn/biocolor/1.0",
    "color": "http://www.omg.org/spec/BPMN/non-normative/color/1.0",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xml": "http://www.w3.org/XML/1998/namespace",
    "segue": SEGUE,
    "pipes": PIPES,
    "zeebe": ZEEBE,
}


def with_safe_prefixes(root: Element, changes: Counter[str]) -> Element:
    """Return a tree in which every namespace has one prefix, and none has one that bpmn-js uses for another.

    The same tree comes back when that is so already; otherwise all namespaces are declared on the root of the new one,
    and what `xsi:type` names is written with the new prefixes.
    """
    bound = _bindings(root)
    clashes = any(OWNED.get(prefix or "", uri) != uri or not _is_readable(prefix) for prefix, uri in bound)
    if not clashes and len({uri for _, uri in bound}) == len(bound) == len({prefix for prefix, _ in bound}):
        return root
    prefixes = _choose(bound)
    renamed = sorted(f"{old or 'default'} → {prefixes[uri]}" for old, uri in bound if prefixes[uri] != old)
    changes[f"Namespace prefixes were changed: {', '.join(renamed[:10])}."] += 1
    fresh = etree.Element(root.tag, nsmap={prefix: uri for uri, prefix in prefixes.items() if prefix != "xml"})
    for item in reversed(list(root.itersiblings(preceding=True))):
        fresh.addprevious(_copy_loose(item))
    work = [(root, fresh)]
    while work:
        old, new = work.pop()
        new.text = old.text
        for key, text in old.attrib.items():
            new.set(key, _qualified(text, old, prefixes) if key == XSI_TYPE else text)
        for item in old:
            if isinstance(item.tag, str):
                child = etree.SubElement(new, item.tag)
                work.append((item, child))
            else:
                child = _copy_loose(item)
                new.append(child)
            child.tail = item.tail
    return fresh


def _bindings(root: Element) -> set[tuple[str | None, str]]:
    elements = (item for item in root.iter() if isinstance(item.tag, str))
    # An empty URI takes the default namespace away; elements without a namespace need no prefix.
    return {(prefix, uri) for item in elements for prefix, uri in item.nsmap.items() if uri}


def _choose(bindings: set[tuple[str | None, str]]) -> dict[str, str]:
    """Return a prefix for every namespace: bpmn-js' own for its own, else the file's first one that is free."""
    own = {uri: prefix for prefix, uri in OWNED.items()}
    chosen: dict[str, str] = {}
    bound = sorted(bindings, key=lambda pair: (pair[1], pair[0] or "~"))
    for prefix, uri in bound:
        if uri in own:
            chosen[uri] = own[uri]
        elif uri not in chosen and prefix and _is_readable(prefix) and prefix not in {*OWNED, *chosen.values()}:
            chosen[uri] = prefix
    for _, uri in bound:
        number = 0
        while uri not in chosen:
            if f"ns{number}" not in chosen.values():
                chosen[uri] = f"ns{number}"
            number += 1
    return chosen


def _is_readable(prefix: str | None) -> bool:
    """Whether moddle's XML reader understands names with this prefix: it knows ASCII only."""
    return prefix is None or re.fullmatch(r"[A-Za-z_][\w.-]*", prefix, re.ASCII) is not None


def _qualified(text: str, element: Element, prefixes: dict[str, str]) -> str:
    prefix, colon, name = text.strip().rpartition(":")
    uri = element.nsmap.get(prefix if colon else None)
    return f"{prefixes[uri]}:{name}" if uri in prefixes else text


def _copy_loose(item: Element) -> Element:
    """Return a copy of a comment or processing instruction, without what follows it."""
    if isinstance(item, etree._ProcessingInstruction):  # noqa: SLF001 - lxml offers no public name for it
        return etree.ProcessingInstruction(item.target, item.text)
    return etree.Comment(item.text)
