"""What goes over the wire about limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from segue.api.schemas import In, Instant, Out, Text
from segue.control.limits import MOST_RULES
from segue.model.graph import LimitRule

_PER_MS = 31 * 86_400_000


class LimitRuleIn(In):
    """At most `calls` calls in any window of `per_ms` milliseconds."""

    calls: Annotated[int, Field(ge=1, le=1_000_000_000)]
    per_ms: Annotated[int, Field(ge=1, le=_PER_MS)]


class LimitIn(In):
    """Rules for a key; all of them hold, beside those of process files and workers."""

    rules: Annotated[list[LimitRuleIn], Field(min_length=1, max_length=MOST_RULES)]
    note: Annotated[Text, Field(max_length=1000)] = ""

    def given(self, key: str) -> tuple[LimitRule, ...]:
        """The rules of the key."""
        return tuple(LimitRule(key=key, calls=rule.calls, per_ms=rule.per_ms) for rule in self.rules)


class LimitRuleOut(Out):
    """A rule and its origin: a process file (with process, version and node), a worker, or a person (`by`).

    `used` calls count in its window now, those that run included.
    """

    calls: int
    per_ms: int
    origin: Literal["file", "worker", "person"]
    used: int
    process: str | None
    version: int | None
    node: str | None
    by: str | None


class LimitOut(Out):
    """One key: its rules, the calls that run, how many messages wait, and when the last of them is about through."""

    key: str
    rules: list[LimitRuleOut]
    running: int
    waiting: int
    expected_end: Instant | None
    note: str


class LimitsOut(Out):
    """Every key that has a rule."""

    items: list[LimitOut]
