"""Operations: something that a person has done to many messages, in the background."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class OperationKind(StrEnum):
    """What is done to each message: the first two to messages in trash, the last two to user tasks."""

    RESEND = "resend"
    DISCARD = "discard"
    ACCEPT = "accept"
    REJECT = "reject"


class OperationState(StrEnum):
    """`failed`: it could not go on, and its `error` says why. The last three do not change any more."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


ENDED = frozenset({OperationState.DONE, OperationState.CANCELLED, OperationState.FAILED})


class Operation(Struct, frozen=True, kw_only=True):
    """One operation and how far it is.

    `wanted` and `change` are JSON: which messages, and what is changed of each. `version`: resend to that version.
    `total` is how many messages there were when it began. Of those looked at, `done` were handled, `gone` had left
    meanwhile, and `failed` could not be handled and stay; `error` says why the latest of these could not.
    `after` and `upto` are arrival numbers: the last one looked at, and the highest one when it began.
    """

    id: str
    kind: OperationKind
    state: OperationState
    by: str
    created: int
    wanted: bytes
    change: bytes | None = None
    version: int | None = None
    finished: int | None = None
    total: int = 0
    done: int = 0
    gone: int = 0
    failed: int = 0
    after: int = 0
    upto: int = 0
    error: str | None = None


class ActKind(StrEnum):
    """What a person did to a message."""

    EDITED = "edited"
    RESENT = "resent"
    MOVED = "moved"
    DISCARDED = "discarded"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class Act(Struct, frozen=True, kw_only=True):
    """What `by` did to a message, and when; `operation` is the id of the operation that did it, if one did."""

    at: int
    by: str
    kind: ActKind
    message: str
    operation: str | None = None
