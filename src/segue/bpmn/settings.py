"""Our extension elements: what they say of a node's action, repeats and limits, and the ranges of every setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from segue.bpmn.durations import fixed_duration, format_duration
from segue.bpmn.names import SEGUE, Element, attribute, extensions, local
from segue.model.graph import Action, ActionKind, LimitRule, RepeatPolicy

# Lowest and highest value of each number, both included; durations in milliseconds.
PREFETCH = (1, 1_000)
TIMEOUT_MS = (100, 86_400_000)
PRIORITY = (0, 9)
REPEAT_MS = (100, 2_678_400_000)
AT_MOST = (1, 1_000_000)
BACKOFF = (1, 100)
JITTER = (0, 100)
LIMIT_CALLS = (1, 1_000_000_000)
LIMIT_PER_MS = (1, 2_678_400_000)
MAX_NAME = 200

ATTRIBUTES = {
    "action": {"kind", "worker", "name", "application", "prefetch", "timeout", "priority"},
    "repeat": {"interval", "at-most", "backoff", "at-longest", "jitter"},
    "limit": {"key", "calls", "per"},
    "schedule": {"zone", "missed", "body"},
    "join": {"bodies", "waits"},
    "call": {"process", "bodies", "into"},
    "message": {"key", "bodies", "into"},
    "task": {"passes"},
}

Complain = Callable[[str, str], None]
"""Called with a finding code and a sentence."""


@dataclass(frozen=True, kw_only=True)
class Binding:
    """What is known of a node's action; None means that nothing was said."""

    action: Action | None = None
    prefetch: int | None = None
    timeout_ms: int | None = None
    priority: int | None = None
    repeat: RepeatPolicy | None = None
    limits: tuple[LimitRule, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing at all was said."""
        return self == Binding()


def read_own(element: Element, complain: Complain) -> Binding:
    """Return what the `segue:` elements of a node say; what is wrong with them is complained about and left out."""
    found: dict[str, list[Element]] = {"action": [], "repeat": [], "limit": []}
    for item in extensions(element, SEGUE):
        name = local(item)
        if name not in ATTRIBUTES:
            complain("bad-setting", f"segue:{name} is not known.")
            continue
        for unknown in sorted(str(key) for key in item.attrib if key not in ATTRIBUTES[name]):
            complain("bad-setting", f"segue:{name} has no attribute {unknown}.")
        if name in found:
            found[name].append(item)
    for name in ("action", "repeat"):
        if len(found[name]) > 1:
            complain("bad-setting", f"There is more than one segue:{name}.")
    holder = found["action"][0] if found["action"] else None
    limits = (_limit(item, complain) for item in found["limit"])
    return Binding(
        action=_action(holder, complain) if holder is not None else None,
        prefetch=_number(holder, "prefetch", PREFETCH, complain) if holder is not None else None,
        timeout_ms=_duration(holder, "timeout", TIMEOUT_MS, complain) if holder is not None else None,
        priority=_number(holder, "priority", PRIORITY, complain) if holder is not None else None,
        repeat=_repeat(found["repeat"][0], complain) if found["repeat"] else None,
        limits=tuple(rule for rule in limits if rule is not None),
    )


def own_fields(binding: Binding) -> list[tuple[str, dict[str, str]]]:
    """Return our extension elements for a binding: the local name and attributes of each."""
    found: list[tuple[str, dict[str, str]]] = []
    if binding.action is not None:
        action = {"kind": binding.action.kind.value, "worker": binding.action.worker, "name": binding.action.name}
        if binding.action.application is not None:
            action["application"] = binding.action.application
        if binding.prefetch is not None:
            action["prefetch"] = str(binding.prefetch)
        if binding.timeout_ms is not None:
            action["timeout"] = format_duration(binding.timeout_ms)
        if binding.priority is not None:
            action["priority"] = str(binding.priority)
        found.append(("action", action))
    if binding.repeat is not None:
        found.append(("repeat", {name: str(value) for name, value in repeat_fields(binding.repeat).items()}))
    for rule in binding.limits:
        fields = {"key": rule.key, "calls": str(rule.calls), "per": format_duration(rule.per_ms)}
        found.append(("limit", fields))
    return found


def repeat_fields(policy: RepeatPolicy) -> dict[str, str | int]:
    """Return what `segue:repeat` says for a policy, without what is as by default."""
    fields: dict[str, str | int] = {"interval": format_duration(policy.interval_ms), "at-most": policy.at_most}
    if policy.backoff != 1:
        fields["backoff"] = policy.backoff
    if policy.longest_ms:
        fields["at-longest"] = format_duration(policy.longest_ms)
    if policy.jitter:
        fields["jitter"] = policy.jitter
    return fields


def make_action(
    kind: ActionKind, worker: str, name: str, application: str | None, complain: Complain, *, code: str = "bad-setting"
) -> Action | None:
    """Return the action, or None after complaining about a missing or impossible name."""
    for what, text in (("worker", worker), ("action", name)):
        if not text:
            complain(code, f"The {what} has no name.")
            return None
        if len(text) > MAX_NAME or not text.isprintable():
            complain(code, f"The name of the {what} is longer than {MAX_NAME} characters or holds control characters.")
            return None
    return Action(kind=kind, worker=worker, name=name, application=application or None)


def within(what: str, value: int, bounds: tuple[int, int], complain: Complain) -> int | None:
    """Return the value if it is within the bounds; else complain and return None."""
    low, high = bounds
    if low <= value <= high:
        return value
    complain("bad-setting", f"{what} is {value}; it must be {low} to {high}.")
    return None


def _action(item: Element, complain: Complain) -> Action | None:
    kind = attribute(item, "kind")
    if kind not in set(ActionKind):
        complain("bad-setting", f"segue:action kind is {kind!r}; it may be connector, custom or batch.")
        return None
    worker, name = attribute(item, "worker") or "", attribute(item, "name") or ""
    return make_action(ActionKind(kind), worker, name, attribute(item, "application"), complain)


def duration_of(what: str, text: str, bounds: tuple[int, int], complain: Complain) -> int | None:
    """Return the milliseconds of a duration within the bounds; else complain and return None."""
    value = fixed_duration(text)
    if value is None:
        complain("bad-setting", f"{what} is {text[:40]!r}; it must be an ISO 8601 duration such as PT30S.")
        return None
    return within(f"{what} in milliseconds", value, bounds, complain)


def limit_of(key: str, calls: int | None, per: int | None, complain: Complain) -> LimitRule | None:
    """Return the rule, None when a part of it is missing; complain about an impossible key."""
    if not key or len(key) > MAX_NAME:
        complain("bad-setting", f"A limit needs a key of 1 to {MAX_NAME} characters.")
        return None
    return LimitRule(key=key, calls=calls, per_ms=per) if calls is not None and per is not None else None


def _repeat(item: Element, complain: Complain) -> RepeatPolicy | None:
    interval = _duration(item, "interval", REPEAT_MS, complain, required=True)
    at_most = _number(item, "at-most", AT_MOST, complain, required=True)
    backoff = _number(item, "backoff", BACKOFF, complain)
    longest = _duration(item, "at-longest", REPEAT_MS, complain)
    jitter = _number(item, "jitter", JITTER, complain)
    if interval is None or at_most is None:
        return None
    return RepeatPolicy(
        interval_ms=interval, at_most=at_most, backoff=backoff or 1, longest_ms=longest or 0, jitter=jitter or 0
    )


def _limit(item: Element, complain: Complain) -> LimitRule | None:
    calls = _number(item, "calls", LIMIT_CALLS, complain, required=True)
    per = _duration(item, "per", LIMIT_PER_MS, complain, required=True)
    return limit_of(attribute(item, "key") or "", calls, per, complain)


def _number(
    item: Element, name: str, bounds: tuple[int, int], complain: Complain, *, required: bool = False
) -> int | None:
    text = attribute(item, name)
    what = f"segue:{local(item)} {name}"
    if text is None:
        if required:
            complain("bad-setting", f"{what} is missing.")
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        complain("bad-setting", f"{what} is {text[:40]!r}; it must be a whole number, {bounds[0]} to {bounds[1]}.")
        return None
    return within(what, int(text), bounds, complain)


def _duration(
    item: Element, name: str, bounds: tuple[int, int], complain: Complain, *, required: bool = False
) -> int | None:
    text = attribute(item, name)
    what = f"segue:{local(item)} {name}"
    if text is None:
        if required:
            complain("bad-setting", f"{what} is missing.")
        return None
    return duration_of(what, text, bounds, complain)
