"""Which limits a call falls under: those of its node, those that a worker wrote into the message, those people gave.

Keys of applications and users are written as the Orchesty protocol writes them: `USER|APPLICATION`, with an empty user
for everybody, an empty application for all of a user's calls, and `WORKER:APPLICATION` for that of one worker.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from segue.core.headers import DEFAULTS, LIMITER_KEY, USER
from segue.core.limits import LONGEST_WINDOW_MS
from segue.model.graph import ActionKind, LimitRule, Node
from segue.model.message import Kept, LogLine, Message, Outcome, Record, Transition

Given = Mapping[str, tuple[LimitRule, ...]]
"""Rules that people gave, by key."""

MOST_TRIPLES = 50
REASON = "Waits for the limit of "


class Falls(Struct, frozen=True):
    """The rules that a call falls under, and those of them that a worker `told`.

    `personal`: other messages of the same node may fall under other keys, so one of them that has to wait must not hold
    up the others. Where calls wait for the same key, those of a higher `priority` go first.
    """

    rules: tuple[LimitRule, ...]
    told: tuple[LimitRule, ...] = ()
    personal: bool = False
    priority: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys, each once."""
        return tuple(dict.fromkeys(rule.key for rule in self.rules))


def falls_under(node: Node, message: Message, given: Given) -> Falls | None:
    """Return what a call of the node's action with this message falls under; None when nothing limits it."""
    written = message.headers.get(LIMITER_KEY)
    if written is None and not given:
        return Falls(node.limits, priority=node.priority) if node.limits else None
    rules = list(node.limits)
    for rule in node.limits:
        rules += given.get(rule.key, ())
    told: tuple[LimitRule, ...] = ()
    personal = False
    if node.action is not None and node.action.kind is not ActionKind.CUSTOM and node.action.application:
        applications = (node.action.application, f"{node.action.worker}:{node.action.application}")
        told = _written(written, applications) if written else ()
        rules += told
        user = message.headers.get(USER, DEFAULTS[USER])
        own = [f"{user}|{application}" for application in ("", *applications)]
        for key in (*(f"|{application}" for application in applications), *own):
            rules += given.get(key, ())
        personal = bool(told) or any(key in given for key in own)
    if not rules:
        return None
    return Falls(tuple(dict.fromkeys(rules)), told, personal, node.priority)


def _written(text: str, applications: tuple[str, str]) -> tuple[LimitRule, ...]:
    """The rules in a `limiter-key` (`KEY;SECONDS;AMOUNT` and so on) that are about one of the applications.

    What is no rule is left out: a message does not fail for what somebody wrote into a header.
    """
    parts = [part.strip() for part in text.split(";")]
    rules = []
    for index in range(0, min(len(parts) - 2, 3 * MOST_TRIPLES), 3):
        key, seconds, calls = parts[index : index + 3]
        about = key.rpartition("|")[2]
        if about in applications and "|" in key and _whole(seconds) and _whole(calls):
            rules.append(LimitRule(key=key, calls=int(calls), per_ms=min(int(seconds) * 1000, LONGEST_WINDOW_MS)))
    return tuple(rules)


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16 and int(text) > 0


def spacing_ms(rules: tuple[LimitRule, ...]) -> float:
    """How far apart calls are in the long run, in ms, under the strictest of the rules."""
    return max((rule.per_ms / rule.calls for rule in rules if rule.calls), default=0.0)


def decide_waiting(message: Message, falls: Falls, due: int, now: int) -> Transition:
    """Let a message wait in its queue for a limit of its own until `due`; it has not been called."""
    reason = REASON + ", ".join(falls.keys)
    effect = Kept(
        outcome=Outcome.LIMITED,
        due=max(due, now + 1),
        repeats=message.repeats,
        outages=message.outages,
        reason=reason,
        reason_code="limit",
    )
    logs: tuple[LogLine, ...] = ()
    if message.reason != reason:  # it is told once, however often the message is asked for
        logs = (LogLine(level="info", text=reason, at=now),)
    return Transition(message=message, effect=effect, record=Record(taken=now), at=now, logs=logs)
