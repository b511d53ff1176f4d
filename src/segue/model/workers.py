"""Workers, the calls made to them, and what comes back."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from segue.model.graph import ActionKind


class Worker(Struct, frozen=True, kw_only=True):
    """An HTTP service that offers actions. `headers` are sent with every call and are secret."""

    name: str
    url: str
    headers: dict[str, str] = {}
    created: int = 0


class OfferedAction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An action as a worker lists it."""

    name: str
    kind: ActionKind
    application: str | None = None


class Fault(StrEnum):
    """Why a call brought no usable answer. All of them are outages, not failures of the message.

    `UNSENDABLE`: the worker's address or headers, as registered, cannot be put into a request; nothing was sent.
    """

    REFUSED = "refused"
    UNRESOLVED = "unresolved"
    TIMEOUT = "timeout"
    CLOSED = "closed"
    TLS = "tls"
    GARBAGE = "garbage"
    TOO_LARGE = "too-large"
    UNKNOWN_WORKER = "unknown-worker"
    UNSENDABLE = "unsendable"


class WorkerCall(Struct, frozen=True, kw_only=True):
    """One HTTP POST to a worker: absolute `url`, header fields, payload, and the time it may take in all."""

    url: str
    headers: dict[str, str]
    payload: bytes
    timeout_ms: int


class WorkerReply(Struct, frozen=True, kw_only=True):
    """What came back. With a `fault`, `detail` says more and the other fields may be empty.

    `headers` have lower-case names. `elapsed_us` is from the first byte sent to the last one read.
    """

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    elapsed_us: int = 0
    fault: Fault | None = None
    detail: str = ""
