"""Messages that were given out again and again and never came to an end."""

from __future__ import annotations

from segue.model.message import Message, Record, SetAside, Transition


def decide_poison(message: Message, count: int, now: int) -> Transition:
    """Set a message aside that was given out `count` times before and was settled by nobody."""
    reason = f"it was given out {count} times, and whoever had it ended or lost the broker before it was handled"
    effect = SetAside(reason=reason, reason_code="given-out-too-often")
    return Transition(message=message, effect=effect, record=Record(taken=now), at=now)
