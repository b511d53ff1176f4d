"""Limits, checked over every window that there was (P7)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from segue.model.graph import LimitRule


class LimitedCall(Struct, frozen=True, kw_only=True):
    """One call that counted under a rule: instants in ms."""

    rule: LimitRule
    begun: int
    ended: int


def overfull(calls: Sequence[LimitedCall], rule: LimitRule) -> str | None:
    """Return where more calls under the rule's key lay in one window than it allows; None if nowhere.

    The other service sees a call at some moment between its begin and its end. A window is overfull for certain when
    more than `calls` calls began and ended within it, for then all those moments lie in it. Each window that begins
    with a call's begin is looked at; no other can hold more.
    """
    counted = sorted((call for call in calls if call.rule.key == rule.key), key=lambda call: call.begun)
    for first in counted:
        until = first.begun + rule.per_ms
        within = [call for call in counted if call.begun >= first.begun and call.ended < until]
        if len(within) > rule.calls:
            text = f"{len(within)} calls for {rule.key!r} within {rule.per_ms} ms from {first.begun}"
            return f"{text}, {rule.calls} are allowed"
    return None
