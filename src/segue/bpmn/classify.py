"""What Segue makes of a BPMN element: the kind of node, or why it cannot be executed."""

from __future__ import annotations

from dataclasses import dataclass

from segue.bpmn.elements import LOOP_MARKERS, TASKS
from segue.bpmn.events import definitions, error_code, message_name
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
    interrupting: bool = True
    error_code: str | None = None


_KINDS = {
    **dict.fromkeys(TASKS, NodeKind.ACTION),
    "userTask": NodeKind.USER_TASK,
    "subProcess": NodeKind.SUB_PROCESS,
    "callActivity": NodeKind.CALL,
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
    if name in _KINDS and not _set(element, "triggeredByEvent"):
        return Classified(kind=_KINDS[name])
    if name == "eventBasedGateway" and not _set(element, "instantiate"):
        return Classified(kind=NodeKind.EVENT_GATEWAY)
    if name in {"startEvent", "event"}:
        return _start(element, scope)
    if name in {"endEvent", "intermediateThrowEvent", "intermediateCatchEvent"}:
        return _later_event(element, scope)
    if name == "boundaryEvent":
        return _boundary(element, scope)
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
    if name == "intermediateCatchEvent" and kinds == ["messageEventDefinition"]:
        return Classified(kind=NodeKind.MESSAGE, message_name=message_name(found[0], scope))
    return _unsupported(_with(element, found))


def _boundary(element: Element, scope: Scope) -> Classified:
    found = definitions(element, scope)
    interrupting = attribute(element, "cancelActivity") not in {"false", "0"}
    if len(found) == 1:
        name = local(found[0])
        if name == "timerEventDefinition":
            return Classified(kind=NodeKind.TIMER, timer=found[0], interrupting=interrupting)
        if name == "messageEventDefinition":
            named = message_name(found[0], scope)
            return Classified(kind=NodeKind.MESSAGE, message_name=named, interrupting=interrupting)
        if name == "errorEventDefinition":
            return Classified(kind=NodeKind.ERROR, error_code=error_code(found[0], scope))
    return _unsupported(_with(element, found))


def _set(element: Element, name: str) -> bool:
    return attribute(element, name) in {"true", "1"}


def _marker(element: Element) -> str:
    markers = [local(item) for item in children(element) if local(item) in LOOP_MARKERS]
    if _set(element, "isForCompensation"):
        markers.append("isForCompensation")
    return " and ".join(markers)


def _with(element: Element, found: list[Element]) -> str:
    kinds = " and ".join(sorted({local(definition) for definition in found})) or "no event definition"
    return f"{_article(local(element))} with {kinds}"


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _unsupported(reason: str) -> Classified:
    return Classified(kind=NodeKind.UNSUPPORTED, reason=reason)
