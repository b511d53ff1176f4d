"""Hardened parsing of XML text into an element tree, within limits that no real process file meets."""

from __future__ import annotations

import re

from lxml import etree

from segue.bpmn.findings import Notes
from segue.bpmn.names import Element

MAX_BYTES = 5_000_000
MAX_DEPTH = 256
MAX_ELEMENTS = 200_000
MAX_ATTRIBUTES = 256
MAX_ATTRIBUTE = 256_000

_DECLARATION = re.compile(r"\s*<\?xml\s(?:(?!\?>).){0,400}\?>", re.DOTALL)
_PROLOG = re.compile(r"(?:\s++|<!--(?:(?!-->).)*+-->|<\?(?:(?!\?>).)*+\?>)*+", re.DOTALL)


def parse(text: str, notes: Notes) -> Element | None:
    """Return the root element of `text`, or None after adding the finding that says why not.

    No DOCTYPE, so no entities but the five of XML; no network and no file is ever touched.
    """
    if _refused(text, notes):
        return None
    declaration = _DECLARATION.match(text)
    if declaration:
        # The text is decoded already; what the declaration claims must not be applied again. Its lines stay counted.
        text = "\n" * declaration.group().count("\n") + text[declaration.end() :]
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, recover=False, remove_comments=False, remove_pis=False,
    )  # fmt: skip
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        _explain(error, notes)
        return None
    return None if _beyond_limits(root, notes) else root


def _refused(text: str, notes: Notes) -> bool:
    prolog = _PROLOG.match(text)
    at = prolog.end() if prolog else 0
    if text[at : at + 9].upper() == "<!DOCTYPE":
        line = text.count("\n", 0, at) + 1
        notes.add("doctype-refused", "The file has a DOCTYPE; take it out, process files need none.", line=line)
        return True
    # An element has one or two tags, so twice the limit of "<" cannot hold more elements than that.
    if text.count("<") > 2 * MAX_ELEMENTS:
        notes.add("too-many-elements", f"The file has more than {MAX_ELEMENTS:,} elements.")
        return True
    return False


def _explain(error: etree.XMLSyntaxError, notes: Notes) -> None:
    line = error.lineno or None
    if "xcessive depth" in (error.msg or ""):
        notes.add("too-deep", f"Elements are nested more than {MAX_DEPTH} deep.", line=line)
        return
    reason = (error.msg or "the XML ends too early").split(", line ")[0]
    column = f", column {error.offset}" if error.offset else ""
    notes.add("not-well-formed", f"Line {line or 1}{column}: {reason}.", line=line)


def _beyond_limits(root: Element, notes: Notes) -> bool:
    for number, element in enumerate(root.iter()):
        if number >= MAX_ELEMENTS:
            notes.add("too-many-elements", f"The file has more than {MAX_ELEMENTS:,} elements.")
            return True
        if not isinstance(element.tag, str) or not element.attrib:
            continue
        line = element.sourceline
        if len(element.attrib) > MAX_ATTRIBUTES:
            notes.add("attribute-too-long", f"An element has more than {MAX_ATTRIBUTES} attributes.", line=line)
            return True
        for name, value in element.attrib.items():
            if len(value) > MAX_ATTRIBUTE:
                text = f"The attribute {str(name)[:80]} has more than {MAX_ATTRIBUTE:,} characters."
                notes.add("attribute-too-long", text, line=line)
                return True
    return False
