"""Durations and instants of ISO 8601, and adding one to the other in a time zone.

Instants are milliseconds since the epoch. Years, months, weeks and days are steps of the calendar and keep the local
time of day; hours, minutes and seconds are exact. A local time that a change to summer time leaves out is moved on by
the gap, one that exists twice means the first (RFC 5545, 3.3.5, has the same rules).
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_DAY_MS = 86_400_000
_LONGEST_MS = 200 * 366 * _DAY_MS

_DURATION = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?)?",
    re.ASCII,
)


class TimeError(ValueError):
    """A text is no duration, instant or time zone; the message is for people."""


class Duration(Struct, frozen=True):
    """A span of time: calendar months and days, then exact milliseconds. Both parts have the same sign."""

    months: int
    days: int
    exact_ms: int

    @property
    def about_ms(self) -> int:
        """Its usual length: a month counts as half of 61 days."""
        return (self.months * 61 // 2 + self.days) * _DAY_MS + self.exact_ms

    def times(self, count: int) -> Duration:
        """Return `count` such spans one after the other."""
        return Duration(self.months * count, self.days * count, self.exact_ms * count)


def parse_duration(text: str) -> Duration:
    """Return the span that `PnYnMnWnDTnHnMnS` says (ISO 8601-1, 5.5.2). Raises TimeError, also for an empty span."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or text.strip().endswith("T"):
        raise TimeError(f"{_quoted(text)} is no ISO 8601 duration such as PT30S, PT5M or P1DT12H")
    parts = {name: value or "0" for name, value in match.groupdict().items()}
    if any(len(value) > 12 for value in parts.values()):
        raise TimeError(f"{_quoted(text)} is longer than 200 years")
    seconds_ms = round(float(parts["seconds"].replace(",", ".")) * 1000)
    duration = Duration(
        int(parts["years"]) * 12 + int(parts["months"]),
        int(parts["weeks"]) * 7 + int(parts["days"]),
        int(parts["hours"]) * 3_600_000 + int(parts["minutes"]) * 60_000 + seconds_ms,
    )
    if duration.about_ms <= 0:
        raise TimeError(f"{_quoted(text)} is a duration of nothing")
    if duration.about_ms > _LONGEST_MS:
        raise TimeError(f"{_quoted(text)} is longer than 200 years")
    return duration


def parse_instant(text: str, zone: tzinfo) -> int:
    """Return the instant in ms that an ISO 8601 date and time names; without an offset it is local to `zone`.

    Raises TimeError.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    except (ValueError, OverflowError):
        raise TimeError(f"{_quoted(text)} is no ISO 8601 date and time such as 2030-01-31T08:00:00+01:00") from None


@lru_cache(maxsize=1024)
def zone_of(name: str | None) -> tzinfo:
    """Return the time zone with this IANA name, UTC for None. Raises TimeError."""
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeError(f"{_quoted(name)} is no time zone such as Europe/Prague") from None


def to_ms(moment: datetime) -> int:
    """Return the instant of an aware date and time, in ms."""
    return (moment.astimezone(UTC) - _EPOCH) // _MS


def to_local(instant: int, zone: tzinfo) -> datetime:
    """Return the date and time that clocks in `zone` show at the instant. Raises TimeError beyond the year 9999."""
    try:
        return (_EPOCH + instant * _MS).astimezone(zone)
    except OverflowError:
        raise TimeError(f"The instant {instant} ms lies outside the years 1 to 9999") from None


def add(instant: int, duration: Duration, zone: tzinfo) -> int:
    """Return the instant that is `duration` later, or earlier if it is negative. Raises TimeError after the year 9998.

    Of a month that is too short its last day is taken: 31 January plus one month is 28 or 29 February.
    """
    if not duration.months and not duration.days:
        return instant + duration.exact_ms
    local = to_local(instant, zone)
    month0 = local.year * 12 + local.month - 1 + duration.months
    year, month = month0 // 12, month0 % 12 + 1
    if not 1 <= year <= 9998:
        raise TimeError("The instant lies outside the years 1 to 9998")
    day = min(local.day, calendar.monthrange(year, month)[1])
    try:
        moved = local.replace(year=year, month=month, day=day, fold=0) + timedelta(days=duration.days)
        return to_ms(moved) + duration.exact_ms
    except OverflowError:
        raise TimeError("The instant lies outside the years 1 to 9998") from None


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:79] + "…")
