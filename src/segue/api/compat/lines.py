"""Log lines and metrics as the worker SDKs send them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from segue.core.envelope import MAX_LOG_TEXT
from segue.core.instants import instant_of
from segue.model.errors import Invalid
from segue.ports.documents import WorkerLine

_LEVELS = {"warn": "warning", "fatal": "error", "critical": "error", "alert": "error", "emergency": "error",
           "notice": "info", "trace": "debug"}  # fmt: skip
_KNOWN_LEVELS = {"debug", "info", "warning", "error"}


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises Invalid."""
    try:
        said: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"The body is no JSON object: {error}") from None
    return said


def line_of(said: Mapping[str, Any], now: int) -> WorkerLine | None:
    """The line that a worker sent; None when it is not meant for people. Raises Invalid.

    The Node SDK sends the members by name, the PHP SDK a Monolog record that has them in `context`.
    """
    message = said.get("message")
    if not isinstance(message, str):
        raise Invalid("message: is missing, or no text")
    context = said.get("context")
    facts: Mapping[str, Any] = context if isinstance(context, dict) else {}
    if said.get("isForUi", facts.get("is_for_ui")) is not True:
        return None
    return WorkerLine(
        at=_instant(said.get("timestamp", said.get("datetime")), now),
        level=_level(said.get("levelName", said.get("level_name"))),
        text=_text(message, said)[:MAX_LOG_TEXT],
        instance=_known(said, facts, "correlationId", "correlation_id"),
        node=_known(said, facts, "nodeId", "node_id"),
    )


def _known(said: Mapping[str, Any], facts: Mapping[str, Any], name: str, other: str) -> str:
    value = said.get(name, facts.get(other))
    return value if isinstance(value, str) else ""


def _instant(value: Any, now: int) -> int:
    at = instant_of(value.get("date") if isinstance(value, dict) else value)
    return now if at is None else at


def _level(value: Any) -> str:
    level = str(value or "info").lower()
    level = _LEVELS.get(level, level)
    return level if level in _KNOWN_LEVELS else "info"


def _text(message: str, said: Mapping[str, Any]) -> str:
    """The message, and after it what the worker said about an error: the original drops that."""
    parts = [message]
    trace = said.get("stacktrace")
    if isinstance(trace, dict):
        parts += [value for name in ("message", "trace") if isinstance(value := trace.get(name), str)]
    data = said.get("data")
    if data not in (None, "", [], {}):
        parts.append(data if isinstance(data, str) else msgspec.json.encode(data).decode())
    return "\n".join(dict.fromkeys(part for part in parts if part))
