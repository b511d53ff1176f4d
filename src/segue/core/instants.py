"""Instants as other systems write them."""

from __future__ import annotations

from datetime import UTC, datetime

_END = 253_402_300_800_000
"""The year 10000: what lies beyond is no instant that anybody means."""

_SECONDS_BELOW = 100_000_000_000
"""A number below is seconds since the epoch (it would be the year 1973 in ms), one from it on is milliseconds."""


def instant_of(value: object) -> int | None:
    """Return an instant in ms since the epoch; None for what is none.

    Understood are numbers of seconds or milliseconds, texts of ISO 8601 (without a zone UTC is meant), numbers as
    texts, and each of these as MongoDB exports it.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, dict) and len(value) == 1:
        inner = value.get("$date", value.get("$numberLong"))
        return None if isinstance(inner, dict) and "$date" in inner else instant_of(inner)
    if isinstance(value, int | float):
        return _number(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        return _number(float(text)) if text.replace(".", "", 1).isdecimal() else _text(text)
    except ValueError:
        return None


def _number(value: float) -> int | None:
    if not 0 <= value < _END:
        return None
    instant = int(value * 1000) if value < _SECONDS_BELOW else int(value)
    return instant if instant < _END else None


def _text(text: str) -> int:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return int(at.timestamp() * 1000)
