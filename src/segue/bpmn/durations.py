"""ISO 8601 durations of a fixed length, as settings use them."""

from __future__ import annotations

import re

_FIXED = re.compile(
    r"P(?=\d|T\d)(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,](\d{1,9}))?S)?)?",
    re.ASCII,
)
_UNITS_MS = (604_800_000, 86_400_000, 3_600_000, 60_000, 1_000)


def parse_duration(text: str) -> int | None:
    """Return the milliseconds of an ISO 8601 duration (4.4.1) in weeks to seconds; None if it is none.

    Years and months are refused: their length depends on when one asks. Parts of a millisecond are dropped.
    """
    match = _FIXED.fullmatch(text)
    if match is None:
        return None
    *whole, fraction = match.groups()
    total = sum(int(part or 0) * unit for part, unit in zip(whole, _UNITS_MS, strict=True))
    return total + int(((fraction or "") + "000")[:3])


def format_duration(ms: int) -> str:
    """Return the shortest ISO 8601 duration in days to seconds of `ms` milliseconds (0 or more)."""
    if ms == 0:
        return "PT0S"
    days, rest = divmod(ms, 86_400_000)
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
