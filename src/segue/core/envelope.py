"""The envelope: what travels between the engine and a worker, as the Orchesty SDKs speak it.

Both directions carry one JSON object `{"headers": {…}, "body": "…"}` whose body is a text. A body that is no UTF-8
travels as base64 (RFC 4648, 4) with the header `body-encoding: base64`. A worker may add `logs` and `metrics`, as
Segue's SDK does.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from json import dumps
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from segue.core.headers import BODY_ENCODING
from segue.model.message import LogLine, RemoteCall
from segue.model.start import Headers

ASCII_ABOVE = 60_000
"""Larger requests are written in ASCII: the Node SDK puts chunks of 64 kB together as texts and damages characters
that a chunk border cuts."""

MAX_LOGS = 1_000
MAX_LOG_TEXT = 20_000
MAX_CALLS = 1_000
MAX_HOST = 253
_LONGEST_US = 2**53
_LEVELS = frozenset({"debug", "info", "warning", "error"})
_WHOLE_FLOAT = 2.0**53


class Envelope(Struct, frozen=True, kw_only=True):
    """What a worker answered: headers as texts, those that were null left out, and the body as bytes.

    Durations in microseconds: `cpu_us` is what the action computed, `remote_us` what it waited for other services.
    """

    headers: Headers
    body: bytes
    logs: tuple[LogLine, ...] = ()
    cpu_us: int = 0
    remote_us: int = 0
    remote: tuple[RemoteCall, ...] = ()


class _Request(Struct):
    headers: Mapping[str, str]
    body: str


class _Strict(Struct):
    """The usual answer: all texts. Anything else goes the slower way."""

    headers: dict[str, str]
    body: str
    logs: Raw | UnsetType = UNSET
    metrics: Raw | UnsetType = UNSET


class _Loose(Struct):
    headers: dict[str, Any] | UnsetType | None = UNSET
    body: Raw | UnsetType = UNSET
    logs: Raw | UnsetType = UNSET
    metrics: Raw | UnsetType = UNSET


class _Log(Struct):
    message: str
    level: str = "info"
    at: int = 0


class _Remote(Struct):
    host: str = ""
    ms: float = 0.0
    status: int = 0


class _Metrics(Struct):
    cpu_us: float = 0.0
    remote: tuple[_Remote, ...] = ()


_encode = msgspec.json.Encoder().encode
_decode_strict = msgspec.json.Decoder(_Strict).decode
_decode_loose = msgspec.json.Decoder(_Loose).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_logs = msgspec.json.Decoder(list[_Log]).decode
_decode_metrics = msgspec.json.Decoder(_Metrics).decode
_MALFORMED = (msgspec.DecodeError, UnicodeError, RecursionError)


def encode_request(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the payload of a call. Pure ASCII if it is large and would not be, else UTF-8."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        headers = {**headers, BODY_ENCODING: "base64"}
        text = b64encode(body).decode()
    payload = _encode(_Request(headers, text))
    if len(payload) > ASCII_ABOVE and not payload.isascii():
        return dumps({"headers": dict(headers), "body": text}, separators=(",", ":")).encode()
    return payload


def decode_reply(raw: bytes) -> Envelope | None:
    """Return the envelope in a worker's answer, None if there is none.

    An envelope is a JSON object with `headers`, `body` or both. Header values may be any JSON; they become texts. A
    body that is JSON instead of a text is taken as its JSON text, a null one as empty. Logs and metrics that are
    malformed are left out; they are no reason to lose an answer.
    """
    try:
        wire = _decode_strict(raw)
    except msgspec.ValidationError:
        return _decode_slowly(raw)
    except _MALFORMED:
        return None
    if wire.logs is UNSET and wire.metrics is UNSET and BODY_ENCODING not in wire.headers:
        return Envelope(headers=wire.headers, body=wire.body.encode())
    return _envelope(wire.headers, wire.body.encode(), wire.logs, wire.metrics)


def opened_body(headers: Headers, body: bytes) -> bytes | None:
    """Return the body, decoded if its header says base64; None if it is not what the header says.

    The header is taken away.
    """
    if headers.pop(BODY_ENCODING, None) != "base64":
        return body
    try:
        return b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None


def header_texts(headers: Mapping[str, Any]) -> Headers:
    """Return header values of any JSON type as texts; null ones are left out. Raises RecursionError for a deep one."""
    return {name: _header_text(value) for name, value in headers.items() if value is not None}


def text_of(raw: Raw) -> bytes:
    """Return a body that is any JSON value as bytes: a text as it is, null as nothing, the rest as its JSON text."""
    source = bytes(raw)
    if source.startswith(b'"'):
        return _decode_text(source).encode()
    return b"" if source == b"null" else source


def _decode_slowly(raw: bytes) -> Envelope | None:
    try:
        wire = _decode_loose(raw)
        body = b"" if wire.body is UNSET else text_of(wire.body)
        headers = {} if wire.headers is UNSET or wire.headers is None else header_texts(wire.headers)
    except _MALFORMED:
        return None
    if wire.headers is UNSET and wire.body is UNSET:
        return None
    return _envelope(headers, body, wire.logs, wire.metrics)


def _envelope(headers: Headers, body: bytes, logs: Raw | UnsetType, metrics: Raw | UnsetType) -> Envelope | None:
    opened = opened_body(headers, body)
    if opened is None:
        return None
    cpu_us, calls = _metrics_of(metrics)
    remote_us = min(sum(call.took_us for call in calls), _LONGEST_US)
    return Envelope(headers=headers, body=opened, logs=_logs_of(logs), cpu_us=cpu_us, remote_us=remote_us, remote=calls)


def _logs_of(raw: Raw | UnsetType) -> tuple[LogLine, ...]:
    if raw is UNSET:
        return ()
    try:
        lines = _decode_logs(raw)
    except _MALFORMED:
        return ()
    return tuple(
        LogLine(
            level=line.level if line.level in _LEVELS else "info",
            text=line.message[:MAX_LOG_TEXT],
            at=min(max(line.at, 0), _LONGEST_US),
        )
        for line in lines[:MAX_LOGS]
    )


def _metrics_of(raw: Raw | UnsetType) -> tuple[int, tuple[RemoteCall, ...]]:
    if raw is UNSET:
        return 0, ()
    try:
        metrics = _decode_metrics(raw)
    except _MALFORMED:
        return 0, ()
    calls = tuple(
        RemoteCall(call.host[:MAX_HOST], _us(call.ms * 1000), call.status if 0 <= call.status < 1000 else 0)
        for call in metrics.remote[:MAX_CALLS]
    )
    return _us(metrics.cpu_us), calls


def _us(value: float) -> int:
    return int(min(max(value, 0.0), _LONGEST_US))


def _header_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE_FLOAT:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return _encode(value).decode()
