"""Repeats: a later call of the same action with the same message, asked for by the worker or after a reached limit."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from segue.core.answers import Answer
from segue.core.headers import (
    CURSOR,
    LIMITER_KEY,
    REPEAT_AT_MOST,
    REPEAT_INTERVAL,
    RETRY_AFTER,
    carried_headers,
    clean_headers,
)
from segue.core.verdict import Case, Verdict, failed, line
from segue.model.graph import ActionKind, RepeatPolicy
from segue.model.message import Kept, Outcome
from segue.model.start import Headers

LONGEST_MS = 10 * 366 * 86_400_000
LIMIT_PAUSE_MS = 60_000
"""The pause after a reached limit of which nothing is known."""


def decide_repeat(case: Case, answer: Answer) -> Verdict:
    """The action asked to be called again.

    The node's own rule comes before what the worker asks for (`repeat-interval` in seconds). The action is executed at
    most `repeat-max-hops` times, the first included; then the message goes to trash.
    """
    rule = _rule(case, answer)
    said = f": {answer.said}" if answer.said else ""
    if rule is None:
        asked = {name: answer.envelope.headers.get(name) for name in (REPEAT_INTERVAL, REPEAT_AT_MOST)}
        texts = ", ".join(f"{name} {'is missing' if value is None else repr(value)}" for name, value in asked.items())
        return failed(
            case, f"The action asked for a repeat without saying when and how often ({texts}){said}", "bad-repeat"
        )
    executions = case.message.repeats + 1
    interval_ms, at_most = _interval_ms(rule, executions, case.chance), rule.at_most
    if executions >= at_most:
        return failed(
            case,
            f"The action asked for a repeat, but it was executed {executions} times already{said}",
            "repeats-used-up",
        )
    reason = f"Execution {executions + 1} of at most {at_most} in {interval_ms / 1000:g} s, as the action asked{said}"
    effect = Kept(
        outcome=Outcome.REPEAT,
        due=case.now + interval_ms,
        repeats=executions,
        outages=0,
        reason=reason,
        reason_code="repeat",
        headers=_headers(case, answer),
    )
    return Verdict(effect, (line(case, "info", reason),))


def decide_limited(case: Case, answer: Answer) -> Verdict:
    """A limit was reached at the other service: the message comes again after a pause, as often as needed.

    The pause is what the worker says (`retry-after`, in seconds or as a date), else the longest window among the node's
    limits and those in the message's `limiter-key`, else a minute.
    """
    asked = pause_asked_ms(answer.envelope.headers.get(RETRY_AFTER), case.now)
    pause_ms = _known_window_ms(case) if asked is None else asked
    said = f": {answer.said}" if answer.said else ""
    reason = f"A limit was reached; next call in {pause_ms / 1000:g} s{said}"
    effect = Kept(
        outcome=Outcome.LIMITED,
        due=case.now + pause_ms,
        repeats=case.message.repeats,
        outages=0,
        reason=reason,
        reason_code="limit",
    )
    return Verdict(effect, (line(case, "info", reason),))


def _interval_ms(rule: RepeatPolicy, executions: int, chance: float) -> int:
    """How long to wait after so many executions, in ms. `chance` in [0, 1) spreads what would come back together."""
    longest = rule.longest_ms or LONGEST_MS
    interval = rule.interval_ms
    if rule.backoff > 1:
        steps = min(executions - 1, 64)  # 2 to the power of 64 ms is longer than anything is
        interval = min(interval * rule.backoff**steps, longest)
    if rule.jitter:
        interval = round(interval * (1 + rule.jitter / 100 * (2 * chance - 1)))
    return max(0, min(interval, LONGEST_MS))


def _rule(case: Case, answer: Answer) -> RepeatPolicy | None:
    """The node's rule, else what the worker asks for; None when neither says how long and how often."""
    if case.node.repeat is not None:
        return case.node.repeat
    interval = _whole(answer.envelope.headers.get(REPEAT_INTERVAL))
    at_most = _whole(answer.envelope.headers.get(REPEAT_AT_MOST))
    if interval is None or at_most is None:
        return None
    return RepeatPolicy(interval_ms=min(interval * 1000, LONGEST_MS), at_most=at_most)


def _headers(case: Case, answer: Answer) -> Headers | None:
    """The message's headers with what the action added or changed; None when they stay as they are.

    The cursor of a batch stays: the same page is asked for again.
    """
    own = case.message.headers
    if answer.raw:
        return None
    said = clean_headers(answer.envelope.headers)
    if case.node.action is not None and case.node.action.kind is ActionKind.BATCH:
        said.pop(CURSOR, None)
    merged = {**own, **said, **carried_headers(case.message)}
    return None if merged == own else merged


def _known_window_ms(case: Case) -> int:
    """The longest window that a rule for this node or message has, in ms."""
    windows = [rule.per_ms for rule in case.node.limits]
    parts = case.message.headers.get(LIMITER_KEY, "").split(";")
    for text in parts[1::3]:
        seconds = _whole(text)
        if seconds:
            windows.append(seconds * 1000)
    return min(max(windows, default=LIMIT_PAUSE_MS), LONGEST_MS)


def pause_asked_ms(text: str | None, now: int) -> int | None:
    """How long to wait by a Retry-After value, in ms: seconds, or a date (RFC 9110, 10.2.3); None if it says neither.

    A date that is over means a second, so that nobody comes back at once without end.
    """
    seconds = _whole(text)
    if seconds is not None:
        return min(max(seconds * 1000, 1000), LONGEST_MS)
    try:
        at = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(int(at.timestamp() * 1000) - now, 1000), LONGEST_MS)


def _whole(text: str | None) -> int | None:
    """The whole number, not negative, that the text says; None if it says none."""
    if text is None:
        return None
    text = text.strip()
    digits, _, fraction = text.partition(".")
    if fraction.strip("0") or not digits.isascii() or not digits.isdecimal() or len(digits) > 15:
        return None
    return int(digits)
