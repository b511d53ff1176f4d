"""Our extension elements of nodes where messages meet or wait: joins, call activities, message events, user tasks."""

from __future__ import annotations

from dataclasses import dataclass

from segue.bpmn.names import SEGUE, ZEEBE, Element, attribute, extensions, local
from segue.bpmn.settings import MAX_NAME, Complain
from segue.core.conditions import ConditionError, compile_condition, translate
from segue.model.graph import Bodies, Meeting, NodeKind

JOINING = {
    "merge": Bodies.MERGE,
    "list": Bodies.LIST,
    "flows": Bodies.FLOWS,
    "first": Bodies.FIRST,
    "last": Bodies.LAST,
}
COMING = {"replace": Bodies.LAST, "keep": Bodies.FIRST, "merge": Bodies.MERGE}
"""How the values of `bodies` are called where one message waits for what comes."""

AUTOMATIC, NOTHING = "automatic", "none"
"""The values of `passes`: which runs do not wait at a user task."""

_HOLDERS = {
    "join": frozenset({NodeKind.PARALLEL, NodeKind.INCLUSIVE, NodeKind.SUB_PROCESS}),
    "call": frozenset({NodeKind.CALL}),
    "message": frozenset({NodeKind.MESSAGE}),
    "task": frozenset({NodeKind.USER_TASK}),
}


@dataclass(frozen=True, kw_only=True)
class Met:
    """What is said of a node where messages meet or wait. `passes`: what nobody began by hand does not wait there."""

    meeting: Meeting | None = None
    calls: str | None = None
    correlation: str | None = None
    passes: bool = False


def read_met(element: Element, kind: NodeKind, complain: Complain) -> Met:
    """Return what the element says of a meeting; what has no effect on a node of this kind is complained about."""
    found: dict[str, Element] = {}
    for item in extensions(element, SEGUE):
        name = local(item)
        if name not in _HOLDERS:
            continue
        if name in found:
            complain("bad-setting", f"There is more than one segue:{name}.")
        elif kind not in _HOLDERS[name]:
            complain("bad-setting", f"segue:{name} has no effect on a {local(element)}.")
        else:
            found[name] = item
    if "join" in found:
        return Met(meeting=_joining(found["join"], kind, complain))
    if "task" in found:
        return Met(passes=_passes(found["task"], complain))
    if kind is NodeKind.CALL:
        own = found.get("call")
        meeting = None if own is None else _coming(own, complain)
        return Met(meeting=meeting, calls=_called(element, own, complain))
    if "message" in found:
        said = found["message"]
        return Met(meeting=_coming(said, complain), correlation=_key(said, complain))
    return Met()


def met_fields(met: Met, kind: NodeKind) -> list[tuple[str, dict[str, str]]]:
    """Return our extension elements for what is said of a meeting: the local name and attributes of each."""
    if met.passes and kind is NodeKind.USER_TASK:
        return [("task", {"passes": AUTOMATIC})]
    meeting, fields = met.meeting, {}
    if kind is NodeKind.CALL and met.calls is not None:
        fields["process"] = met.calls
    if met.correlation is not None:
        fields["key"] = met.correlation
    if kind in _HOLDERS["join"]:
        if meeting is None:
            return []
        names = {bodies: name for name, bodies in JOINING.items()}
        return [("join", {"bodies": names[meeting.bodies], "waits": "true" if meeting.waits else "false"})]
    if meeting is not None:
        names = {bodies: name for name, bodies in COMING.items()}
        fields["bodies"] = names[meeting.bodies]
        if meeting.into is not None:
            fields["into"] = meeting.into
    name = "call" if kind is NodeKind.CALL else "message"
    return [(name, fields)] if fields and kind in {NodeKind.CALL, NodeKind.MESSAGE} else []


def _passes(item: Element, complain: Complain) -> bool:
    passes = attribute(item, "passes") or NOTHING
    if passes not in {AUTOMATIC, NOTHING}:
        complain("bad-setting", f"segue:task passes is {passes!r}; it may be {AUTOMATIC} or {NOTHING}.")
    return passes == AUTOMATIC


def _joining(item: Element, kind: NodeKind, complain: Complain) -> Meeting:
    bodies = _bodies(item, JOINING, "merge", complain)
    waits = attribute(item, "waits") or "true"
    if waits not in {"true", "false"} or (waits == "false" and kind is NodeKind.SUB_PROCESS):
        complain("bad-setting", f"segue:join waits is {waits!r}; it may be true, and false on a gateway.")
    return Meeting(bodies=bodies, waits=waits != "false")


def _coming(item: Element, complain: Complain) -> Meeting | None:
    into = attribute(item, "into")
    if into is None and attribute(item, "bodies") is None:
        return None
    if into is not None and not 0 < len(into) <= MAX_NAME:
        complain("bad-setting", f"segue:{local(item)} into is the name of a field, of 1 to {MAX_NAME} characters.")
    return Meeting(bodies=_bodies(item, COMING, "replace", complain), into=into)


def _bodies(item: Element, allowed: dict[str, Bodies], default: str, complain: Complain) -> Bodies:
    text = attribute(item, "bodies") or default
    if text not in allowed:
        names = ", ".join(allowed)
        complain("bad-setting", f"segue:{local(item)} bodies is {text!r}; it may be one of {names}.")
        text = default
    return allowed[text]


def _called(element: Element, item: Element | None, complain: Complain) -> str | None:
    """The name of the called process: ours, else that of Zeebe, else the standard attribute without its prefix."""
    name = attribute(item, "process") if item is not None else None
    if not name:
        others = (attribute(each, "processId") for each in extensions(element, ZEEBE) if local(each) == "calledElement")
        name = next((other for other in others if other), None)
    if not name:
        name = (attribute(element, "calledElement") or "").rpartition(":")[2]
    if name.startswith("=") or "${" in name or "#{" in name:
        complain("bad-setting", f"The called process {name[:80]!r} is an expression; write the name itself.")
        return None
    return name or None


def _key(item: Element, complain: Complain) -> str | None:
    text = attribute(item, "key")
    if not text:
        return None
    cel, problem = translate(text, None)
    if problem is None and cel is not None:
        try:
            compile_condition(cel)
        except ConditionError as error:
            problem = str(error)
    if problem is not None:
        complain("bad-key", f"segue:message key cannot be used: {problem}.")
        return None
    return cel
