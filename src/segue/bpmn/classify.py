"""What Segue makes of a BPMN element: the kind of node, or why it cannot be executed."""

from __future__ import annotations

from dataclasses import dataclass

from segue.bpmn.elements import LOOP_MARKERS, TASKS
from segue.bpmn.events import definitions, message_name
from segue.bpmn.names import Element, attribute, children, local
from segue.bpmn.scope import Scope
from segue.model.graph import NodeKind


@dataclass(frozen=True, kw_only=True)
class Classified:
    """The kind of a node; `reason` completes "… cannot be executed" for an unsupported one."""

    kind: NodeKind
    reason: str = ""
    timer: Element | None = None
    message_name: str | None = None


_GATEWAYS = {
    "exclusiveGateway": NodeKind.EXCLUSIVE,
    "inclusiveGateway": NodeKind.INCLUSIVE,
    "parallelGateway": NodeKind.PARALLEL,
    "gateway": NodeKind.INCLUSIVE,
}


def classify(element: Element, scope: Scope) -> Classified:
    """Return what kind of node an element is by BPMN alone, whatever is bound to it."""
    name = local(element)
    marker = _marker(element)
    if marker:
        return _unsupported(f"a {name} with {marker}")
    if name in TASKS:
        return Classified(kind=NodeKind.ACTION)
    if name == "userTask":
        return Classified(kind=NodeKind.USER_TASK)
    if name in _GATEWAYS:
        return Classified(kind=_GATEWAYS[name])
    if name in {"startEvent", "event"}:
        return _start(element, scope)
    if name in {"endEvent", "intermediateThrowEvent", "intermediateCatchEvent"}:
        return _later_event(element, scope)
    return _unsupported(_article(name))


def _start(element: Element, scope: Scope) -> Classified:
    found = definitions(element, scope)
    if not found:
        return Classified(kind=NodeKind.START)
    if len(found) == 1:
        name = local(found[0])
        if name == "timerEventDefinition":
            return Classified(kind=NodeKind.START, timer=found[0])
        if name == "messageEventDefinition":
            return Classified(kind=NodeKind.START, message_name=message_name(found[0], scope))
    return _unsupported(_with(element, found))


def _later_event(element: Element, scope: Scope) -> Classified:
    name, found = local(element), definitions(element, scope)
    kinds = [local(definition) for definition in found]
    if name == "endEvent" and not kinds:
        return Classified(kind=NodeKind.END)
    if name == "endEvent" and kinds == ["terminateEventDefinition"]:
        return Classified(kind=NodeKind.TERMINATE)
    if name == "intermediateThrowEvent" and not kinds:
        return Classified(kind=NodeKind.PASS)
    if name == "intermediateCatchEvent" and kinds == ["timerEventDefinition"]:
        return Classified(kind=NodeKind.TIMER, timer=found[0])
    return _unsupported(_with(element, found))


def _marker(element: Element) -> str:
    markers = [local(item) for item in children(element) if local(item) in LOOP_MARKERS]
    if attribute(element, "isForCompensation") in {"true", "1"}:
        markers.append("isForCompensation")
    return " and ".join(markers)


def _with(element: Element, found: list[Element]) -> str:
    kinds = " and ".join(sorted({local(definition) for definition in found})) or "no event definition"
    return f"{_article(local(element))} with {kinds}"


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _unsupported(reason: str) -> Classified:
    return Classified(kind=NodeKind.UNSUPPORTED, reason=reason)
