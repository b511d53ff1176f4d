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
    SUB_PROCESS = "sub-process"
    CALL = "call"
    EVENT_GATEWAY = "event-gateway"
    MESSAGE = "message"
    ERROR = "error"
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


class Bodies(StrEnum):
    """What becomes of several bodies where messages meet: at a join, after a called process, with a message event.

    `MERGE`: JSON objects are laid over one another. `LIST` and `FLOWS` gather, `FIRST` and `LAST` choose.
    """

    MERGE = "merge"
    LIST = "list"
    FLOWS = "flows"
    FIRST = "first"
    LAST = "last"


class Meeting(Struct, frozen=True, kw_only=True):
    """How the bodies that meet at a node become one. `into` puts the one that comes into this field of the one there.

    `waits` is false for a gateway that lets each message through by itself, although several flows lead into it.
    """

    bodies: Bodies
    into: str | None = None
    waits: bool = True


class Timer(Struct, frozen=True, kw_only=True):
    """When a timer event fires. `zone` is an IANA time zone name; None means UTC."""

    kind: TimerKind
    value: str
    zone: str | None = None
    missed: MissedTicks = MissedTicks.ONCE
    body: str = ""


class RepeatPolicy(Struct, frozen=True, kw_only=True):
    """The node's own rule for repeats; it overrides what the worker asks for.

    The action is executed at most `at_most` times, the first included, `interval_ms` apart. Each time the interval is
    `backoff` times as long as the time before, but no longer than `longest_ms` (0: whatever it is), and then up to
    `jitter` percent shorter or longer.
    """

    interval_ms: int
    at_most: int
    backoff: int = 1
    longest_ms: int = 0
    jitter: int = 0


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

    `parent` is the id of the sub-process that holds it, None at the top level of the process. A boundary event is
    `attached_to` an activity; `interrupting` says whether the activity ends when it happens. `error_code` is what an
    error boundary event catches, None for everything. `calls` is the process that a call activity starts; `correlation`
    a CEL expression that gives the key under which a message event is told apart from others of its name. A user task
    that `passes` holds only what somebody began by hand; automatic runs go on without a person. Where calls wait for
    the same limit, those of the node with the higher `priority` go first.
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
    priority: int = 0
    repeat: RepeatPolicy | None = None
    limits: tuple[LimitRule, ...] = ()
    message_name: str | None = None
    parent: str | None = None
    attached_to: str | None = None
    interrupting: bool = True
    error_code: str | None = None
    calls: str | None = None
    correlation: str | None = None
    meeting: Meeting | None = None
    passes: bool = False

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
