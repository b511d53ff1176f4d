"""Which action a node calls and how, whichever tool said so.

The first that names an action counts: `segue:action`, Orchesty's `pipes:` attributes, `zeebe:taskDefinition`, external
tasks of Camunda 7, Operaton and Flowable. `segue:repeat` and `segue:limit` add to whichever it is.
"""

from __future__ import annotations

from dataclasses import replace

from segue.bpmn.names import EXTERNAL_TASK, ZEEBE, Element, attribute, child, extensions, local
from segue.bpmn.pipes import read_pipes
from segue.bpmn.scope import Scope
from segue.bpmn.settings import Binding, Complain, make_action, read_own
from segue.model.graph import Action, ActionKind

DEFAULT_WORKER = "default"
"""The worker of a foreign binding that names only an action."""


def read_binding(element: Element, scope: Scope, id_: str) -> Binding:
    """Return the action and settings of a node; what is wrong with them is added to the findings."""

    def complain(code: str, message: str) -> None:
        scope.add(code, message, node=id_)

    own = read_own(element, complain)
    if own.action is not None:
        _mappings(element, complain)
        return own
    found = read_pipes(element, scope, id_)
    if found.action is None:
        found = Binding(action=_zeebe(element, complain) or _external(element, complain))
    if found.action is not None:
        _mappings(element, complain)
    return replace(found, repeat=own.repeat or found.repeat, limits=own.limits)


def split_type(text: str, complain: Complain) -> Action | None:
    """Return the action that a worker type or topic means: `action`, `worker/action` or `worker/kind/action`.

    Without a kind it is a custom action; without a worker it is looked for at the worker named "default".
    """
    if text.startswith("=") or "${" in text or "#{" in text:
        complain("bad-binding", f"The worker type {text[:80]!r} is an expression; write the name itself.")
        return None
    parts = text.split("/")
    if len(parts) > 2 and parts[1] in set(ActionKind):
        return make_action(ActionKind(parts[1]), parts[0], "/".join(parts[2:]), None, complain, code="bad-binding")
    worker, _, name = text.rpartition("/") if len(parts) == 2 else (DEFAULT_WORKER, "", text)
    return make_action(ActionKind.CUSTOM, worker, name, None, complain, code="bad-binding")


def _zeebe(element: Element, complain: Complain) -> Action | None:
    for item in extensions(element, ZEEBE):
        if local(item) == "taskDefinition":
            return split_type(attribute(item, "type") or "", complain)
    return None


def _external(element: Element, complain: Complain) -> Action | None:
    for uri in EXTERNAL_TASK:
        kind, topic = attribute(element, "type", uri), attribute(element, "topic", uri)
        if topic and kind in {"external", "external-worker"}:
            return split_type(topic, complain)
    return None


def _mappings(element: Element, complain: Complain) -> None:
    """Say that input and output mappings of other engines are not applied: the whole body travels."""
    named = [("zeebe:ioMapping", "ioMapping", ZEEBE)] + [("inputOutput", "inputOutput", uri) for uri in EXTERNAL_TASK]
    for label, name, uri in named:
        holder = child(element, "extensionElements")
        if holder is not None and child(holder, name, uri) is not None:
            complain("ignored-setting", f"{label} is kept but not applied: an action gets the whole message.")
