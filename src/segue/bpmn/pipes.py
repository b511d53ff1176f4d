"""Orchesty's dialect: the `pipes:` attributes on BPMN elements (`.tplg`, and drawings of its editor)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from lxml import etree

from segue.bpmn.classify import Classified, classify
from segue.bpmn.names import BPMN, PIPES, SEGUE, Element, attribute, child, children, local, name_of
from segue.bpmn.scope import Dialect, Scope
from segue.bpmn.settings import AT_MOST, REPEAT_MS, TIMEOUT_MS, Binding, Complain, make_action, within
from segue.model.graph import Action, ActionKind, Node, NodeKind, RepeatPolicy, Timer, TimerKind

MAX_PREFETCH = 20
"""Orchesty clamps the prefetch of a node to 1..20."""

_DEFAULT_TYPES = {"startEvent": "start", "event": "start", "task": "custom"}
_ENTRIES = frozenset({"start", "webhook", "debug", "cron"})


def pipes_type(element: Element, scope: Scope) -> str:
    """Return the Orchesty type of a node; "" when neither the file nor its dialect gives one."""
    written = attribute(element, "pipesType", PIPES)
    if written is not None:
        return written
    return _DEFAULT_TYPES.get(local(element), "") if scope.dialect is Dialect.TPLG else ""


def classify_pipes(element: Element, scope: Scope, *, entered: bool) -> Classified:
    """Return the kind of a node by its Orchesty type, by BPMN without one. `entered`: a flow leads into it."""
    written = pipes_type(element, scope)
    plain = classify(element, scope)
    if not written or plain.kind is NodeKind.UNSUPPORTED:
        return plain
    if written in _ENTRIES:
        if plain.kind is NodeKind.START and not entered:
            return plain
        # Orchesty passes a message through an event that has a flow into it, unless it starts by a schedule.
        return Classified(kind=NodeKind.PASS if entered and written != "cron" else NodeKind.START)
    if written in set(ActionKind):
        return Classified(kind=NodeKind.ACTION)
    if written == "user":
        return Classified(kind=NodeKind.USER_TASK)
    if written == "gateway":
        return plain if plain.kind in {NodeKind.EXCLUSIVE, NodeKind.PARALLEL} else Classified(kind=NodeKind.INCLUSIVE)
    return Classified(kind=NodeKind.UNSUPPORTED, reason=f"a {local(element)} of the Orchesty type {written}")


def read_pipes(element: Element, scope: Scope, id_: str) -> Binding:
    """Return the action and settings that the `pipes:` attributes give; Binding() for a node that is no action."""

    def complain(code: str, message: str) -> None:
        scope.add(code, message, node=id_)

    written = pipes_type(element, scope)
    if written not in set(ActionKind):
        return Binding()
    prefetch = _whole(element, "rabbitPrefetch", complain)
    timeout = _whole(element, "timeout", complain)
    return Binding(
        action=pipes_action(
            kind=ActionKind(written),
            worker=_worker(element, id_, scope),
            name=name_of(element),
            application=attribute(element, "appName", PIPES),
            complain=complain,
        ),
        prefetch=min(max(prefetch, 1), MAX_PREFETCH) if prefetch is not None else 1,
        timeout_ms=within("pipes:timeout in milliseconds", timeout * 1000, TIMEOUT_MS, complain) if timeout else None,
        repeat=_repeat(element, complain),
    )


def pipes_action(
    *, kind: ActionKind, worker: str, name: str, application: str | None, complain: Complain
) -> Action | None:
    """Return the action of an Orchesty node, None after a `bad-binding` complaint."""
    return make_action(kind, worker.strip(), name.strip(), (application or "").strip(), complain, code="bad-binding")


def pipes_timer(element: Element, scope: Scope, id_: str) -> Timer | None:
    """Return the schedule of a node of type cron; None for other types, and with a finding when it is missing."""
    if pipes_type(element, scope) != "cron":
        return None
    line = attribute(element, "cronTime", PIPES) or ""
    if not line:
        scope.add("schedule-missing", "The node starts by a schedule, but has no pipes:cronTime.", node=id_)
        return None
    # Orchesty puts braces around what is written and parses that as the JSON body.
    body = "{" + _percent_decoded(attribute(element, "cronParams", PIPES) or "") + "}"
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        scope.add("ignored-setting", "pipes:cronParams is not the inside of a JSON object; {} is sent.", node=id_)
        body = "{}"
    return Timer(kind=TimerKind.CRON, value=line, body=body)


def _worker(element: Element, id_: str, scope: Scope) -> str:
    """Return the worker's name: as written, else the host of its address."""
    named = attribute(element, "sdkHostName", PIPES)
    address = attribute(element, "sdkHost", PIPES) or ""
    if named:
        return named
    host = re.sub(r"^[a-z]+://", "", address).partition("/")[0].partition(":")[0]
    if host:
        text = f"The worker is only known by its address {address}; register it under the name {host}."
        scope.add("worker-address", text, node=id_)
    return host


def _repeat(element: Element, complain: Complain) -> RepeatPolicy | None:
    if attribute(element, "repeaterEnabled", PIPES) != "true":
        return None
    interval = _whole(element, "repeaterInterval", complain) or 0
    hops = _whole(element, "repeaterHops", complain) or 0
    interval_ms = within("pipes:repeaterInterval in milliseconds", interval * 1000, REPEAT_MS, complain)
    at_most = within("pipes:repeaterHops", hops, AT_MOST, complain)
    if interval_ms is None or at_most is None:
        return None
    return RepeatPolicy(interval_ms=interval_ms, at_most=at_most)


def _whole(element: Element, name: str, complain: Complain) -> int | None:
    text = attribute(element, name, PIPES)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        complain("bad-setting", f"pipes:{name} is {text[:40]!r}; it must be a whole number.")
        return None
    return int(text)


def make_explicit(element: Element, scope: Scope, id_: str) -> None:
    """Write down as standard BPMN what the dialect gives a node by its element and type: so the element may change."""
    written = pipes_type(element, scope)
    if not written:
        return
    timer = pipes_timer(element, scope, id_)
    if timer is not None:
        holder = child(element, "extensionElements")
        if holder is None:
            holder = etree.Element(f"{{{BPMN}}}extensionElements")
            element.insert(sum(1 for _ in children(element, BPMN, "documentation")), holder)
        if child(holder, "schedule", SEGUE) is None:
            etree.SubElement(holder, f"{{{SEGUE}}}schedule", body=timer.body, nsmap={"segue": SEGUE})
        definition = etree.SubElement(element, f"{{{BPMN}}}timerEventDefinition")
        etree.SubElement(definition, f"{{{BPMN}}}timeCycle").text = timer.value
        written = "start"
        for name in ("cronTime", "cronParams"):
            element.attrib.pop(f"{{{PIPES}}}{name}", None)
    elif written == "webhook":
        etree.SubElement(element, f"{{{BPMN}}}messageEventDefinition")
    element.set(f"{{{PIPES}}}pipesType", written)


def pipes_fields(node: Node, hosts: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of an action node, without prefix; `hosts` gives the address of workers by name."""
    action, repeat = node.action, node.repeat
    if action is None:
        return {}
    fields = {
        "pipesType": action.kind.value,
        "sdkHost": hosts.get(action.worker, ""),
        "sdkHostName": action.worker,
        "appName": action.application or "",
        "rabbitPrefetch": str(min(node.prefetch, MAX_PREFETCH)),
        "timeout": str(max(node.timeout_ms // 1000, 1)),
    }
    if repeat is not None:
        seconds = str(max(repeat.interval_ms // 1000, 1))
        fields |= {"repeaterEnabled": "true", "repeaterHops": str(repeat.at_most), "repeaterInterval": seconds}
    return fields


def says_all(node: Node) -> bool:
    """Return whether Orchesty's attributes say all of a node's settings."""
    repeat = node.repeat or RepeatPolicy(interval_ms=1000, at_most=1)
    plain = repeat == RepeatPolicy(interval_ms=repeat.interval_ms, at_most=repeat.at_most)
    whole = node.timeout_ms % 1000 == 0 and repeat.interval_ms % 1000 == 0
    return node.prefetch <= MAX_PREFETCH and whole and plain and not node.limits and not node.priority


def percent_encoded(text: str) -> str:
    """Return the text URL-encoded (RFC 3986, 2.1): all but unreserved characters, as UTF-8."""
    return "".join(
        chr(byte) if chr(byte).isascii() and (chr(byte).isalnum() or byte in b"-._~") else f"%{byte:02X}"
        for byte in text.encode("utf-8", "replace")
    )


def _percent_decoded(text: str) -> str:
    """Undo URL encoding (RFC 3986, 2.1); bytes that are no UTF-8 become replacement characters."""
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match.group(1), 16)]), text.encode())
    return raw.decode("utf-8", "replace")
