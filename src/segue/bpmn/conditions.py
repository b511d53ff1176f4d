"""Conditions on flows: as they are written, and what they mean as CEL."""

from __future__ import annotations

from msgspec import structs

from segue.bpmn.names import EXTERNAL_TASK, Element, attribute, child, text_of
from segue.bpmn.scope import Scope
from segue.core.conditions import translate
from segue.model.graph import Condition, Flow

_DEFAULT_LANGUAGE = frozenset({"http://www.w3.org/1999/xpath", "https://www.w3.org/1999/xpath"})


def read_condition(element: Element, flow: Flow, scope: Scope) -> Flow:
    """Return the flow with the condition that its sequenceFlow element carries; what does not translate is found."""
    holder = child(element, "conditionExpression")
    if holder is None:
        return flow
    source = text_of(holder)
    script = next((text for uri in EXTERNAL_TASK if (text := attribute(holder, "resource", uri))), None)
    if script is not None:
        scope.add("bad-condition", f"The condition is a script in another file ({script}).", node=flow.id)
        return flow
    if not source:
        # Several editors write an empty element where nobody entered a condition.
        return flow
    language = attribute(holder, "language") or scope.default_language
    if language.rstrip("/").lower() in _DEFAULT_LANGUAGE:
        # BPMN's default (XPath 1.0): tools write it and leave it out without meaning anything by either.
        language = ""
    cel, problem = translate(source, language or None)
    if problem is not None:
        scope.add("bad-condition", f"{problem}.", node=flow.id)
    return structs.replace(flow, condition=Condition(source=source, language=language, cel=cel))
