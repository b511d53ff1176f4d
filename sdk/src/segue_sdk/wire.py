"""The wire: the envelope that an engine and a worker exchange, and the names and numbers in it.

Both directions carry one JSON object `{"headers": {...}, "body": "<text>"}`, as the Orchesty SDKs speak it (Node SDK
4.3.6, PHP SDK 4.0.5), so that either end can be swapped for an original one. Segue adds three things that the originals
ignore: the header `body-encoding: base64` for a body that is no UTF-8 text, and the keys `logs` and `metrics` of the
answer.

Pure: text in, values out.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from enum import IntEnum

import msgspec

Scalar = str | int | float | bool | None

RESULT_CODE = "result-code"
RESULT_MESSAGE = "result-message"
RESULT_DETAIL = "result-detail"
TARGETS = "force-target-queue"
CURSOR = "cursor"
REPEAT_INTERVAL = "repeat-interval"
REPEAT_MAX = "repeat-max-hops"
REPEAT_HOPS = "repeat-hops"
RETRY_AFTER = "retry-after"
BODY_ENCODING = "body-encoding"
ATTEMPT = "attempt"
MESSAGE_ID = "message-id"
INSTANCE_ID = "correlation-id"
PROCESS_ID = "process-id"
NODE_ID = "node-id"
NODE_NAME = "node-name"
FOLLOWERS = "worker-followers"
USER = "user"

#: Headers that describe one answer. An engine strips them before each call; a worker that is called by a careless one
#: strips them again, because a `result-code` that came in with the call would otherwise go out with the answer.
ANSWER_HEADERS = frozenset({RESULT_CODE, RESULT_MESSAGE, RESULT_DETAIL, TARGETS, RETRY_AFTER, "user-task-state"})

#: Headers that belong to the engine or to this package; an action may read them, not set them.
RESERVED_HEADERS = ANSWER_HEADERS | {
    CURSOR, REPEAT_INTERVAL, REPEAT_MAX, REPEAT_HOPS, "repeat-queue", BODY_ENCODING, MESSAGE_ID, INSTANCE_ID,
    PROCESS_ID, "parent-id", "process-started", "topology-id", NODE_ID, NODE_NAME, FOLLOWERS, "previous-node-id",
    "source", "system-event", "applications", "limit-return-exchange", "limit-return-routing-key",
    "limit-message-from-limiter", ATTEMPT, "sdk", "sequence-id", "topology-name",
}  # fmt: skip


class Code(IntEnum):
    """What an answer means: the header `result-code` (Orchesty engine, result codes of worker answers)."""

    SUCCESS = 0
    REPEAT = 1001
    ROUTE = 1002
    STOP = 1003
    LIMIT = 1004
    FAIL = 1006
    CURSOR = 1010
    CURSOR_ONLY = 1011


class MalformedEnvelope(ValueError):
    """What came is no envelope; the text says what is wrong and where."""


class LogLine(msgspec.Struct, frozen=True):
    """One line for people. `level` is debug, info, warning or error; `at` is milliseconds since the epoch."""

    level: str
    message: str
    at: int


class RemoteCall(msgspec.Struct, frozen=True):
    """One call that an action made to another service. `ms` is its duration; `status` 0 means that no answer came."""

    host: str
    ms: float
    status: int


class Metrics(msgspec.Struct, frozen=True):
    """What one call of an action cost: wall time in milliseconds, CPU time in microseconds, and its remote calls."""

    wall_ms: float
    cpu_us: int
    remote: list[RemoteCall] = []


class Envelope(msgspec.Struct, frozen=True):
    """Headers as they came (JSON types kept) and the body: text, or bytes if it travelled as base64."""

    headers: dict[str, Scalar]
    body: str | bytes


class Answer(msgspec.Struct, frozen=True):
    """An answer, read back: its headers and body, and what Segue's workers add."""

    headers: dict[str, Scalar]
    body: str | bytes
    logs: list[LogLine]
    metrics: Metrics | None


class _Outgoing(msgspec.Struct, omit_defaults=True):
    headers: Mapping[str, Scalar]
    body: str
    logs: list[LogLine] = []
    metrics: Metrics | None = None


class _Incoming(msgspec.Struct):
    headers: dict[str, Scalar] | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")
    logs: list[LogLine] = []
    metrics: Metrics | None = None


class _IncomingCall(msgspec.Struct):
    headers: dict[str, Scalar] | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Item(msgspec.Struct):
    headers: dict[str, Scalar] | None
    body: str


_call_decoder = msgspec.json.Decoder(_IncomingCall)
_answer_decoder = msgspec.json.Decoder(_Incoming)
_text_decoder = msgspec.json.Decoder(str)
_items_decoder = msgspec.json.Decoder(list[_Item])
_encoder = msgspec.json.Encoder()
_QUOTE = ord('"')


def encode_envelope(
    headers: Mapping[str, Scalar],
    body: str | bytes,
    logs: list[LogLine] | None = None,
    metrics: Metrics | None = None,
) -> bytes:
    """The envelope as UTF-8 JSON. Bytes that are no UTF-8 travel as base64, with the header that says so."""
    text, is_base64 = to_text(body)
    if is_base64:
        headers = {**headers, BODY_ENCODING: "base64"}
    return _encoder.encode(_Outgoing(headers, text, logs or [], metrics))


def encode_items(items: list[tuple[Mapping[str, str], str | bytes]]) -> str:
    """The text of a batch answer's body: a JSON list of `{"headers", "body"}`, in the order given."""
    wired = []
    for headers, body in items:
        text, is_base64 = to_text(body)
        wired.append(_Item({**headers, BODY_ENCODING: "base64"} if is_base64 else dict(headers), text))
    return _encoder.encode(wired).decode()


def decode_items(text: str | bytes) -> list[Envelope]:
    """The items of a batch answer's body. Raises MalformedEnvelope."""
    try:
        items = _items_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedEnvelope(f"The items of a batch are malformed: {error}") from error
    return [_opened(item.headers, item.body) for item in items]


def decode_envelope(raw: bytes) -> Envelope:
    """Read what an engine sends.

    Headers are any JSON scalars; missing or null headers are none. A missing or null body is `{}`, as in the original
    SDK; a body that is JSON instead of text is taken as its JSON text. Answer headers that the engine forgot to strip
    are gone. Raises MalformedEnvelope.
    """
    try:
        incoming = _call_decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedEnvelope(_complaint(raw, error)) from error
    envelope = _opened(incoming.headers, _body_text(incoming.body))
    headers = envelope.headers
    if not ANSWER_HEADERS.isdisjoint(headers):
        for name in ANSWER_HEADERS:
            headers.pop(name, None)
    return envelope


def decode_answer(raw: bytes) -> Answer:
    """Read what a worker answered, with all its headers. Raises MalformedEnvelope."""
    try:
        incoming = _answer_decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedEnvelope(_complaint(raw, error)) from error
    envelope = _opened(incoming.headers, _body_text(incoming.body))
    return Answer(envelope.headers, envelope.body, incoming.logs, incoming.metrics)


def to_text(body: str | bytes) -> tuple[str, bool]:
    """The body as it travels, and whether that is base64."""
    if isinstance(body, str):
        return body, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def clean(text: str) -> str:
    """The text with lone surrogates written as escapes, since JSON in UTF-8 cannot carry them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _opened(headers: dict[str, Scalar] | None, body: str) -> Envelope:
    if headers is None:
        return Envelope({}, body)
    encoding = headers.pop(BODY_ENCODING, None)
    if encoding is None:
        return Envelope(headers, body)
    if encoding != "base64":
        raise MalformedEnvelope(f'The header {BODY_ENCODING} is "{encoding}"; only base64 is known')
    try:
        return Envelope(headers, base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError) as error:
        raise MalformedEnvelope(f"The body is not the base64 that its header promises: {error}") from error


def _body_text(raw: msgspec.Raw) -> str:
    source = bytes(raw)
    try:
        text = _text_decoder.decode(source) if source[0] == _QUOTE else source.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedEnvelope(f"The envelope's body is no valid text: {error}") from error
    return "{}" if source == b"null" else text


def _complaint(raw: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The envelope is nested too deeply"
    if isinstance(error, msgspec.ValidationError):
        named = _first_nested_header(raw)
        if named is not None:
            return f'The envelope\'s header "{named}" is neither text, number, boolean nor null'
    if _has_half_a_pair(raw):
        return "A text in the envelope holds half of a surrogate pair, which UTF-8 cannot carry"
    return f'No envelope {{"headers": {{...}}, "body": "..."}}: {error}'


def _has_half_a_pair(raw: bytes) -> bool:
    """Whether only that is wrong. JavaScript writes such text when it cuts an emoji; msgspec calls it truncated."""
    try:
        json.dumps(json.loads(raw), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _first_nested_header(raw: bytes) -> str | None:
    """The name that msgspec leaves out of its message."""
    try:
        loose = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    headers = loose.get("headers") if isinstance(loose, dict) else None
    if not isinstance(headers, dict):
        return None
    return next((name for name, value in headers.items() if isinstance(value, dict | list)), None)
