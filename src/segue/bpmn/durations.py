"""ISO 8601 durations of a fixed length, as settings use them."""

from __future__ import annotations

from segue.core.iso8601 import TimeError, parse_duration

_DAY_MS = 86_400_000


def fixed_duration(text: str) -> int | None:
    """Return the milliseconds of an ISO 8601 duration in weeks to seconds, None if it is none.

    Years and months are refused: their length depends on when one asks. A day counts as 24 hours.
    """
    try:
        duration = parse_duration(text)
    except TimeError:
        return None
    return None if duration.months else duration.days * _DAY_MS + duration.exact_ms


def format_duration(ms: int) -> str:
    """Return the shortest ISO 8601 duration in days to seconds of `ms` milliseconds (0 or more)."""
    if ms == 0:
        return "PT0S"
    days, rest = divmod(ms, _DAY_MS)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds, part = divmod(rest, 1_000)
    text = f"P{days}D" if days else "P"
    if not rest and not hours and not minutes:
        return text
    second = f"{seconds}.{part:03d}".rstrip("0") if part else str(seconds)
    return (
        text
        + "T"
        + (f"{hours}H" if hours else "")
        + (f"{minutes}M" if minutes else "")
        + (f"{second}S" if seconds or part else "")
    )
