"""Durations, instants and time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.iso8601 import Duration, TimeError, add, parse_duration, parse_instant, to_local, to_ms, zone_of

DAY = 86_400_000
PRAGUE = zone_of("Europe/Prague")


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT30S", Duration(0, 0, 30_000)),
        ("PT5M", Duration(0, 0, 300_000)),
        ("PT36H", Duration(0, 0, 129_600_000)),
        ("P1DT12H", Duration(0, 1, 43_200_000)),
        ("P2W", Duration(0, 14, 0)),
        ("P1Y2M3W4DT5H6M7S", Duration(14, 25, 18_367_000)),
        ("PT0.5S", Duration(0, 0, 500)),
        ("PT1,25S", Duration(0, 0, 1_250)),
        (" PT1S ", Duration(0, 0, 1_000)),
        ("P200Y", Duration(2_400, 0, 0)),
    ],
)
def test_durations(text: str, expected: Duration) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no ISO 8601 duration"), ("5m", "no ISO"), ("P", "duration of nothing"), ("PT", "no ISO"),
        ("P1DT", "no ISO"), ("PT0S", "duration of nothing"), ("P0D", "duration of nothing"),
        ("-PT5M", "no ISO"), ("PT5M3H", "no ISO"), ("PT1.5M", "no ISO"), ("P1H", "no ISO"), ("pt5m", "no ISO"),
        ("P201Y", "longer than 200 years"),
        ("PT" + "9" * 12 + "S", "longer than 200"), ("PT" + "9" * 400 + "S", "longer than 200"), ("PT٣S", "no ISO"),
        ("P" + "x" * 5_000, "no ISO"), ("PT0.0001S", "duration of nothing"),
    ],
)  # fmt: skip
def test_no_durations(text: str, why: str) -> None:
    with pytest.raises(TimeError) as caught:
        parse_duration(text)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2030-01-31T08:00:00Z", UTC, "2030-01-31T08:00:00+00:00"),
        ("2030-01-31T08:00:00+02:00", PRAGUE, "2030-01-31T06:00:00+00:00"),
        ("2030-01-31T08:00:00", PRAGUE, "2030-01-31T07:00:00+00:00"),
        ("2030-01-31", PRAGUE, "2030-01-30T23:00:00+00:00"),
        ("20300131T080000Z", UTC, "2030-01-31T08:00:00+00:00"),
        ("2030-01-31T08:00:00.250Z", UTC, "2030-01-31T08:00:00.250+00:00"),
        ("2026-03-29T02:30:00", PRAGUE, "2026-03-29T01:30:00+00:00"),
        ("2026-10-25T02:30:00", PRAGUE, "2026-10-25T00:30:00+00:00"),
    ],
)
def test_instants(text: str, zone: object, expected: str) -> None:
    """The last two: a local time that summer time leaves out, and one that exists twice."""
    assert parse_instant(text, zone) == at(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "soon", "2030-13-01", "2030-02-30T00:00:00Z", "9999-12-31T23:59:59-12:00", "x" * 500]
)
def test_no_instants(text: str) -> None:
    with pytest.raises(TimeError, match="no ISO 8601 date and time") as caught:
        parse_instant(text, UTC)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "Europe", "a" * 500, "Europe/Prague\0"])
def test_no_zones(name: str) -> None:
    with pytest.raises(TimeError, match="is no time zone"):
        zone_of(name)


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        ("2026-03-28T08:00:00+01:00", "P1D", "2026-03-29T08:00:00+02:00"),
        ("2026-03-28T08:00:00+01:00", "PT24H", "2026-03-29T09:00:00+02:00"),
        ("2026-03-28T02:30:00+01:00", "P1D", "2026-03-29T03:30:00+02:00"),
        ("2026-10-24T02:30:00+02:00", "P1D", "2026-10-25T02:30:00+02:00"),
        ("2026-01-31T08:00:00+01:00", "P1M", "2026-02-28T08:00:00+01:00"),
        ("2028-01-31T08:00:00+01:00", "P1M", "2028-02-29T08:00:00+01:00"),
        ("2026-12-15T08:00:00+01:00", "P1M", "2027-01-15T08:00:00+01:00"),
        ("2028-02-29T08:00:00+01:00", "P1Y", "2029-02-28T08:00:00+01:00"),
        ("2026-01-31T23:00:00+01:00", "P1M1DT2H", "2026-03-02T01:00:00+01:00"),
    ],
)
def test_adding_by_the_calendar(start: str, duration: str, expected: str) -> None:
    assert add(at(start), parse_duration(duration), PRAGUE) == at(expected)


def test_subtracting() -> None:
    assert add(at("2026-03-31T08:00:00Z"), parse_duration("P1M").times(-1), UTC) == at("2026-02-28T08:00:00Z")
    assert add(at("2026-01-15T08:00:00Z"), parse_duration("P1M").times(-1), UTC) == at("2025-12-15T08:00:00Z")


@pytest.mark.parametrize("count", [200, -200, 10**9, -(10**9), 10**15])
def test_beyond_the_calendar(count: int) -> None:
    with pytest.raises(TimeError, match="years 1 to 999"):
        add(at("2026-01-01T00:00:00Z"), parse_duration("P100Y").times(count), UTC)
    with pytest.raises(TimeError, match="years 1 to 999"):
        add(at("2026-01-01T00:00:00Z"), parse_duration("P36500D").times(count), UTC)


def test_local_time_of_an_instant_beyond_the_calendar() -> None:
    with pytest.raises(TimeError, match="years 1 to 9999"):
        to_local(10**18, UTC)


@given(st.integers(0, 4 * 10**12), st.integers(1, 10**9))
def test_exact_spans_are_exact_in_any_zone(instant: int, span: int) -> None:
    assert add(instant, Duration(0, 0, span), PRAGUE) == instant + span


@given(st.integers(0, 4 * 10**12), st.integers(1, 4_000))
def test_days_keep_the_local_time_or_move_it_by_the_gap(instant: int, days: int) -> None:
    before, after = to_local(instant, PRAGUE), to_local(add(instant, Duration(0, days, 0), PRAGUE), PRAGUE)
    wanted = before.replace(tzinfo=None) + timedelta(days=days)
    assert after.replace(tzinfo=None) - wanted in {timedelta(0), timedelta(hours=1)}


@given(st.datetimes(datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2100-01-01")))
def test_there_and_back(moment: datetime) -> None:
    exact = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    assert to_local(to_ms(exact), UTC) == exact
