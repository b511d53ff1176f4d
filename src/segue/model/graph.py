"""The process graph: what a drawn process means, without its layout."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class NodeKind(StrEnum):
    """What a node does with a message. `UNSUPPORTED` is kept and drawn, and never published."""

    START = "start"
    END = "end"
    TERMINATE = "terminate"
    ACTION = "action"
    USER_TASK = "user-task"
    TIMER = "timer"
    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"
    PARALLEL = "parallel"
    PASS = "pass"
    UNSUPPORTED = "unsupported"


class ActionKind(StrEnum):
    """The kinds of action a worker offers; they differ in path and in what an answer means."""

    CONNECTOR = "connector"
    CUSTOM = "custom"
    BATCH = "batch"


class TimerKind(StrEnum):
    """How a timer is written: ISO 8601 duration, date or repeating interval, or a crontab line."""

    DURATION = "duration"
    DATE = "date"
    CYCLE = "cycle"
    CRON = "cron"


class MissedTicks(StrEnum):
    """What a schedule does with ticks that passed while nothing could fire them."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Action(Struct, frozen=True, kw_only=True):
    """The action a node calls: `name` at the worker registered as `worker`."""

    kind: ActionKind
    worker: str
    name: str
    application: str | None = None


class Timer(Struct, frozen=True, kw_only=True):
    """When a timer event fires. `zone` is an IANA time zone name; None means UTC."""

    kind: TimerKind
    value: str
    zone: str | None = None
    missed: MissedTicks = MissedTicks.ONCE
    body: str = ""


class RepeatPolicy(Struct, frozen=True, kw_only=True):
    """The node's own rule for repeats; it overrides what the worker asks for.

    The action is executed at most `at_most` times, the first included, `interval_ms` apart.
    """

    interval_ms: int
    at_most: int


class LimitRule(Struct, frozen=True, kw_only=True):
    """At most `calls` calls in any window of `per_ms` milliseconds for `key`, over everything."""

    key: str
    calls: int
    per_ms: int


class Condition(Struct, frozen=True, kw_only=True):
    """A flow's condition as it was written (`source`, `language`) and as CEL, None if untranslatable."""

    source: str
    language: str
    cel: str | None


class Node(Struct, frozen=True, kw_only=True):
    """One BPMN flow node. `element` is its BPMN local name, `name` what people and workers call it.

    `parent` is the id of the sub-process that holds it, None at the top level of the process.
    """

    id: str
    kind: NodeKind
    element: str
    name: str = ""
    action: Action | None = None
    timer: Timer | None = None
    default_flow: str | None = None
    prefetch: int = 10
    timeout_ms: int = 60_000
    repeat: RepeatPolicy | None = None
    limits: tuple[LimitRule, ...] = ()
    message_name: str | None = None
    parent: str | None = None

    @property
    def label(self) -> str:
        """The name by which people and workers address the node: its name, or its id if it has none."""
        return self.name or self.id


class Flow(Struct, frozen=True, kw_only=True):
    """One sequence flow, from `source` to `target` (node ids)."""

    id: str
    source: str
    target: str
    name: str = ""
    condition: Condition | None = None


class ProcessGraph(Struct, frozen=True, kw_only=True):
    """All nodes and flows of one process, in document order. `key` is the id of the BPMN process."""

    key: str
    name: str
    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    executable: bool | None = None


class Severity(StrEnum):
    """How bad a finding is. A version with an error does not publish."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a person should know about a file: where (element id, line from 1) and what.

    `process` is the key of the process it is about; None when it is about the file.
    """

    severity: Severity
    code: str
    message: str
    node: str | None = None
    line: int | None = None
    process: str | None = None
