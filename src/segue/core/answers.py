"""Answers of workers: which of the few things that can follow a worker's reply means.

`read_reply` sorts a reply into an outage (nobody answered, or nothing usable), a refusal (the worker or its server
says that this message fails), or an envelope with a result code. docs/results.md has the whole table.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from segue.core.envelope import Envelope, decode_reply
from segue.core.headers import RESULT_CODE, RESULT_MESSAGE, RETRY_AFTER
from segue.model.workers import Fault, WorkerReply

LONGEST_REASON = 4_000
_TOO_MANY = 429


class Code(IntEnum):
    """Result codes with a meaning of their own (header `result-code`); any other one means 0, with a warning."""

    SUCCESS = 0
    REPEAT = 1001
    ROUTE = 1002
    STOP = 1003
    LIMIT = 1004
    FAIL = 1006
    CURSOR = 1010
    CURSOR_ONLY = 1011


class Outage(Struct, frozen=True):
    """No usable answer: not the message's fault. `after` is what it says of when to come again (RFC 9110, 10.2.3)."""

    reason: str
    code: str
    envelope: Envelope | None = None
    after: str | None = None


class Refusal(Struct, frozen=True):
    """An answer that this message fails."""

    reason: str
    code: str
    envelope: Envelope | None = None


class Answer(Struct, frozen=True):
    """An envelope with a result code. `code` is None for one that has no meaning, `written` is how it was written.

    `raw`: headers came as HTTP headers, as the PHP SDK answers an OnRepeatException; they hold more than the
    message's own.
    """

    code: Code | None
    written: str
    said: str
    envelope: Envelope
    raw: bool = False


_FAULTS = {
    Fault.REFUSED: "refused the connection",
    Fault.UNRESOLVED: "has an address that cannot be resolved",
    Fault.TIMEOUT: "did not answer in time",
    Fault.CLOSED: "closed the connection without an answer",
    Fault.TLS: "could not be reached safely",
    Fault.GARBAGE: "answered with something that is no HTTP",
    Fault.TOO_LARGE: "answered more than is allowed",
    Fault.UNKNOWN_WORKER: "is not known",
    Fault.UNSENDABLE: "is registered with an address or headers that cannot be sent",
}

_HTTP_HEADERS = frozenset({
    "age", "cache-control", "connection", "content-encoding", "content-language", "content-length", "content-type",
    "date", "etag", "expires", "host", "keep-alive", "last-modified", "location", "pragma", "server", "set-cookie",
    "strict-transport-security", "trailer", "transfer-encoding", "vary", "via", "x-powered-by",
})  # fmt: skip
"""Headers of HTTP itself and of servers; no headers of a message when they come with an answer."""


def read_reply(reply: WorkerReply, worker: str) -> Outage | Refusal | Answer:
    """Return what the reply of the worker with this name is."""
    if reply.fault is not None:
        detail = f": {reply.detail}" if reply.detail else ""
        return Outage(shortened(f"Worker {worker!r} {_FAULTS[reply.fault]}{detail}"), reply.fault.value)
    status = reply.status
    if status > 500 or status < 200:
        return _unavailable(reply, worker)
    envelope = decode_reply(reply.body)
    if status == _TOO_MANY:
        return _limited(reply, envelope)
    if status >= 300:
        return _refused(status, envelope, worker)
    written = None if envelope is None else envelope.headers.get(RESULT_CODE)
    if envelope is not None and written is not None:
        return _answer(written, envelope, raw=False)
    if RESULT_CODE in reply.headers:
        return _answer(reply.headers[RESULT_CODE], _from_http(reply), raw=True)
    if envelope is None:
        return Outage(f"Worker {worker!r} answered with something that is no envelope of headers and body", "garbage")
    return Refusal(f"Worker {worker!r} answered without a {RESULT_CODE} header", "no-result-code", envelope)


def shortened(text: str) -> str:
    """Return the text, cut to what is kept of a reason."""
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"


def _unavailable(reply: WorkerReply, worker: str) -> Outage:
    said = f"answered with HTTP status {reply.status}"
    if reply.status < 200:
        return Outage(f"Worker {worker!r} {said}, which is no answer", "garbage")
    after = reply.headers.get(RETRY_AFTER)
    return Outage(f"Worker {worker!r} is not available: it {said}", "unavailable", after=after)


def _limited(reply: WorkerReply, envelope: Envelope | None) -> Answer:
    """Status 429: the worker passes on that a limit was reached, with what it knows of when to come again."""
    headers = {} if envelope is None else dict(envelope.headers)
    if RETRY_AFTER not in headers and RETRY_AFTER in reply.headers:
        headers[RETRY_AFTER] = reply.headers[RETRY_AFTER]
    said = headers.get(RESULT_MESSAGE) or f"HTTP status {reply.status}"
    known = envelope or Envelope(headers={}, body=b"")
    told = Envelope(headers=headers, body=known.body, logs=known.logs, cpu_us=known.cpu_us, remote_us=known.remote_us)
    return Answer(Code.LIMIT, str(reply.status), shortened(said), told)


def _refused(status: int, envelope: Envelope | None, worker: str) -> Refusal:
    said = "" if envelope is None else envelope.headers.get(RESULT_MESSAGE, "")
    reason = f"Worker {worker!r} answered with HTTP status {status}"
    return Refusal(shortened(f"{reason}: {said}" if said else reason), "status", envelope)


def _answer(written: str, envelope: Envelope, *, raw: bool) -> Answer:
    said = shortened(envelope.headers.get(RESULT_MESSAGE, ""))
    return Answer(_CODES.get(written.strip()), written, said, envelope, raw)


def _from_http(reply: WorkerReply) -> Envelope:
    headers = {name: value for name, value in reply.headers.items() if name not in _HTTP_HEADERS}
    return Envelope(headers=headers, body=reply.body)


_CODES = {str(code.value): code for code in Code}
