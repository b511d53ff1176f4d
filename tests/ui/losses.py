"""What is in one XML file and not in another: elements by their path, attributes, references, texts.

Prefixes, order of attributes, white space between elements and values that are BPMN's defaults make no difference.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from lxml import etree

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_SCHEMAS = Path(__file__).parents[2] / "ui" / "node_modules" / "bpmn-moddle" / "resources" / "bpmn" / "json"
_REFERENCE_TEXTS = frozenset(
    {"incoming", "outgoing", "flowNodeRef", "sourceRef", "targetRef", "dataInputRefs", "dataOutputRefs",
     "eventDefinitionRef", "inMessageRef", "outMessageRef", "operationRef", "itemRef", "messagePath", "errorRef",
     "optionalInputRefs", "whileExecutingInputRefs", "outputSetRefs", "inputSetRefs", "optionalOutputRefs",
     "whileExecutingOutputRefs", "participantRef", "innerParticipantRef", "outerParticipantRef", "interfaceRef",
     "resourceRef", "supportedInterfaceRef", "correlationPropertyRef", "loopDataInputRef", "loopDataOutputRef",
     "messageFlowRef", "categoryValueRef", "endPointRef", "supports"}
)  # fmt: skip


def defaults() -> frozenset[tuple[str, str]]:
    """Attributes of BPMN and its diagrams with the value that they have when they are not written."""
    found = set()
    for name in ("bpmn", "bpmndi", "di", "dc"):
        for kind in json.loads((_SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))["types"]:
            for field in kind.get("properties", []):
                if field.get("isAttr") and "default" in field:
                    found.add(
                        (
                            str(field["name"]),
                            _value(
                                str(field["default"]).lower()
                                if isinstance(field["default"], bool)
                                else str(field["default"])
                            ),
                        )
                    )
    return frozenset(found)


def parts(data: bytes, known: frozenset[tuple[str, str]]) -> Counter[str]:
    """Everything that a file says, each with how often it does."""
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
    found: Counter[str] = Counter()
    work = [(root, "")]
    while work:
        element, above = work.pop()
        if not isinstance(element.tag, str):
            continue
        name = etree.QName(element)
        path = f"{above}/{_short(element.tag)}"
        if name.localname == "BPMNDiagram":
            path = f"/{name.localname}"
        key = f"{path}[{element.get('id') or element.get('bpmnElement') or ''}]"
        found[key] += 1
        for attribute, text in element.attrib.items():
            if attribute in {"width", "height"} and _value(text) == "0.0":
                continue  # a label without size, which every tool measures for itself
            said = _qualified(text, element) if str(attribute) == XSI_TYPE else _value(_reference(text, element))
            if (str(attribute), said) not in known and not (str(attribute) == XSI_TYPE and _plain_type(said)):
                found[f"{key}@{_short(str(attribute))}={said}"] += 1
        text = (element.text or "").strip()
        if text:
            bare = _reference(text, element) if name.localname in _REFERENCE_TEXTS else " ".join(text.split())
            found[f"{key}={bare}"] += 1
        work += [(child, path) for child in element]
    return found


def lost(before: bytes, after: bytes, known: frozenset[tuple[str, str]]) -> Counter[str]:
    """What `before` says and `after` does not."""
    return parts(before, known) - parts(after, known)


def _short(tag: str) -> str:
    uri, _, name = tag.rpartition("}")
    return name if uri in {"", "{" + BPMN} else f"{uri[1:]}:{name}"


def _value(text: str) -> str:
    """Numbers and truth values are equal when they mean the same."""
    text = {"true": "1", "false": "0"}.get(text.strip(), text.strip())
    try:
        return repr(float(text))
    except ValueError:
        return " ".join(text.split())


def _reference(text: str, element: etree._Element) -> str:
    """A reference without a prefix that is bound there."""
    prefix, colon, name = text.strip().partition(":")
    return name if colon and prefix in element.nsmap and "/" not in text else text


def _qualified(text: str, element: etree._Element) -> str:
    prefix, _, name = text.strip().rpartition(":")
    return f"{element.nsmap.get(prefix or None)}:{name}"


def _plain_type(said: str) -> bool:
    """What an element is without saying so: an expression one, a point of a line one."""
    return said.endswith((":tExpression", ":tFormalExpression", "/DC:Point"))
