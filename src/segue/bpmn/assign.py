"""Assigning an action to a node inside its file, leaving every other byte as it is."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from segue.bpmn.assign_json import assign_in_json
from segue.bpmn.bindings import read_binding
from segue.bpmn.decode import decode
from segue.bpmn.definitions import open_scope, read_processes
from segue.bpmn.findings import Notes
from segue.bpmn.markup import MAX_BYTES, parse
from segue.bpmn.names import SEGUE, Element, attribute, child, children, local, namespace
from segue.bpmn.scope import Scope
from segue.bpmn.settings import Binding, own_fields, read_own
from segue.bpmn.spans import Span, spans_of, spliced
from segue.model.errors import Invalid, NodeNotFound
from segue.model.graph import NodeKind, Severity

_OURS = ("action", "repeat", "limit")
_STEP = "  "


def assign(source: bytes, node_id: str, binding: Binding, *, name: str = "") -> bytes:
    """Return the file with exactly this action, prefetch, timeout, priority, repeat and limits on one node.

    What is None in the binding is taken out; what other tools wrote stays, and counts again once our action is gone.
    `name` is the file's name, as for `read_file`. Encoding, layout and every byte outside the change stay as they are.
    Raises NodeNotFound for a node that the file does not have, Invalid for a file or a binding that cannot be used.
    """
    if binding.action is None and (binding.prefetch, binding.timeout_ms, binding.priority) != (None, None, None):
        raise Invalid("Prefetch, timeout and priority belong to an action; assign one as well")
    decoded = decode(source[: MAX_BYTES + 1])
    if len(source) > MAX_BYTES or not decoded.exact:
        raise Invalid("The file is too large, or not in the encoding that it declares")
    if decoded.text.lstrip("\ufeff \t\r\n").startswith("{"):
        text = assign_in_json(decoded.text, node_id, binding, name)
    else:
        text = _assigned(decoded.text, node_id, binding, name)
    return decoded.bom + text.encode(decoded.encoding, "xmlcharrefreplace")


def _element(name: str, fields: dict[str, str], prefix: str | None) -> str:
    """Return an extension element as XML text; without a prefix in scope it declares its own."""
    declaration = "" if prefix else f" xmlns:segue={quoteattr(SEGUE)}"
    texts = "".join(f" {key}={quoteattr(text)}" for key, text in fields.items())
    return f"<{prefix or 'segue'}:{name}{declaration}{texts}/>"


def _assigned(text: str, node_id: str, binding: Binding, name: str) -> str:
    _, element = _find(text, node_id, name)
    root = element.getroottree().getroot()
    spans = dict(zip((item for item in root.iter() if isinstance(item.tag, str)), spans_of(text), strict=True))
    changed = spliced(text, _edits(text, element, spans, binding, node_id))
    scope, again = _find(changed, node_id, name)

    def refuse(_code: str, message: str) -> None:
        raise Invalid(f"The action cannot be written: {message}")

    if read_own(again, refuse) != binding:
        raise Invalid("The action cannot be written so that it reads the same again")
    read_binding(again, scope, node_id)
    return changed


def _find(text: str, node_id: str, name: str) -> tuple[Scope, Element]:
    """Return the element of a node that can have an action."""
    notes = Notes()
    root = parse(text, notes)
    if root is None or local(root) != "definitions":
        reasons = [item.message for item in notes.found if item.severity is Severity.ERROR]
        raise Invalid(reasons[0] if reasons else "The file is no BPMN 2.0")
    scope = open_scope(root, name, notes)
    nodes = {node.id: node for graph in read_processes(root, scope) for node in graph.nodes}
    if node_id not in nodes:
        raise NodeNotFound(f"The file has no node {node_id!r}")
    if nodes[node_id].kind not in {NodeKind.ACTION, NodeKind.USER_TASK}:
        raise Invalid(f"The {nodes[node_id].element} {node_id!r} cannot have an action")
    return scope, scope.placed[node_id]


def _edits(
    text: str, element: Element, spans: dict[Element, Span], binding: Binding, node_id: str
) -> list[tuple[int, int, str]]:
    """Return the changes of the text that put the binding on the element."""
    span = spans[element]
    edits: list[tuple[int, int, str]] = []
    if not attribute(element, "id"):
        at = span.start + 1 + len(span.tag)
        edits.append((at, at, f" id={quoteattr(node_id)}"))
    holder = child(element, "extensionElements")
    declared = (holder if holder is not None else element).nsmap
    prefix = next((key for key, uri in declared.items() if uri == SEGUE and key), None)
    written = [_element(name, fields, prefix) for name, fields in own_fields(binding)]
    newline = "\r\n" if "\r\n" in text else "\n"
    indent = _indent(text, span.start)
    if holder is not None:
        edits += _into_holder(text, holder, spans, written, newline)
    elif written:
        edits += _new_holder(element, spans, written, newline + indent if indent is not None else "")
    return edits


def _into_holder(
    text: str, holder: Element, spans: dict[Element, Span], written: list[str], newline: str
) -> list[tuple[int, int, str]]:
    """Replace our elements in an extensionElements; the new ones come first in it."""
    span = spans[holder]
    indent = _indent(text, span.start)
    lead = newline + indent + _STEP if indent is not None else ""
    new = "".join(lead + item for item in written)
    if span.is_empty_tag:
        end = newline + indent if indent is not None else ""
        opened = text[span.start : span.end].rstrip("/>").rstrip()
        return [(span.start, span.end, f"{opened}>{new}{end}</{span.tag}>")] if written else []
    edits = [(span.inside, span.inside, new)] if written else []
    for item in holder:
        if namespace(item) == SEGUE and local(item) in _OURS:
            start = spans[item].start
            blank = len(text[:start]) - len(text[:start].rstrip(" \t\r\n"))
            edits.append((max(start - blank, span.inside), spans[item].end, ""))
    return edits


def _new_holder(
    element: Element, spans: dict[Element, Span], written: list[str], lead: str
) -> list[tuple[int, int, str]]:
    """Add an extensionElements: after the documentation, before everything else (BPMN20.xsd, tBaseElement)."""
    span = spans[element]
    prefix, colon, _ = span.tag.rpartition(":")
    tag = f"{prefix}{colon}extensionElements"
    step = _STEP if lead else ""
    inside = "".join(f"{lead}{step}{step}{item}" for item in written)
    block = f"{lead}{step}<{tag}>{inside}{lead}{step}</{tag}>"
    if span.is_empty_tag:
        cut = span.end - 2
        return [(cut, span.end, f">{block}{lead}</{span.tag}>")]
    documentation = list(children(element, name="documentation"))
    at = spans[documentation[-1]].end if documentation else span.inside
    # An element written on one line has its end tag right behind: it gets a line of its own, like the block.
    return [(at, at, block + (lead if span.after == at else ""))]


def _indent(text: str, start: int) -> str | None:
    """Return the white space before the element on its line, None if something else stands there."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    return line if not line.strip() else None
