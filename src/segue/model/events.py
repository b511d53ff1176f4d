"""Events: what happened that somebody may want to be told."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class EventKind(StrEnum):
    """Kinds of events. The instance kinds are stored by the settle that caused them, exactly once each."""

    INSTANCE_FINISHED = "instance-finished"
    INSTANCE_FAILED = "instance-failed"
    INSTANCE_CANCELLED = "instance-cancelled"
    MESSAGE_IN_TRASH = "message-in-trash"
    VERSION_PUBLISHED = "version-published"
    VERSION_ENABLED = "version-enabled"
    VERSION_DISABLED = "version-disabled"
    VERSION_RETIRED = "version-retired"
    WORKER_DOWN = "worker-down"
    WORKER_UP = "worker-up"
    SERVICE_RESTARTED = "control-service-restarted"
    SCHEDULE_MISSED = "schedule-missed"
    SERVICE_UNAVAILABLE = "service-unavailable"
    SERVICE_BACK = "service-back"
    ACCESS_EXPIRING = "access-expiring"
    DATA_ERROR = "data-error"
    LIMIT_REACHED = "limit-reached"
    QUEUE_TOO_OLD = "queue-too-old"
    QUEUE_TOO_LONG = "queue-too-long"
    QUEUE_BACK = "queue-back"
    VERSION_SWITCHED = "version-switched"
    WORKERS_CHANGED = "workers-changed"
    DEPLOYER_CHANGED = "deployer-changed"
    LIMITS_CHANGED = "limits-changed"
    RESTART_ASKED = "restart-asked"


INSTANCE_KINDS = frozenset(
    {
        EventKind.INSTANCE_FINISHED,
        EventKind.INSTANCE_FAILED,
        EventKind.INSTANCE_CANCELLED,
        EventKind.MESSAGE_IN_TRASH,
    }
)
"""Kinds of which there are as many events as there is work; all others are rare."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. `seq` grows in the order the store made them true; 0 for one that is not stored."""

    kind: EventKind
    at: int
    seq: int = 0
    process: str | None = None
    version: int | None = None
    instance: str | None = None
    node: str | None = None
    message: str | None = None
    detail: str | None = None
