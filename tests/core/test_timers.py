"""When timers are due and schedules tick."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segue.core.iso8601 import TimeError, to_local, to_ms, zone_of
from segue.core.timers import (
    BITE,
    MOST_COUNTED,
    ON_TIME_MS,
    TicksToFire,
    check,
    due_after,
    next_tick,
    ticks_between,
    ticks_to_fire,
)
from segue.model.graph import MissedTicks, Timer, TimerKind

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
PRAGUE = "Europe/Prague"


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text))


NOON = at("2026-06-15T12:00:00Z")


def cron(line: str, zone: str | None = None, missed: MissedTicks = MissedTicks.ONCE) -> Timer:
    return Timer(kind=TimerKind.CRON, value=line, zone=zone, missed=missed)


def cycle(text: str, zone: str | None = None, missed: MissedTicks = MissedTicks.ONCE) -> Timer:
    return Timer(kind=TimerKind.CYCLE, value=text, zone=zone, missed=missed)


def duration(text: str, zone: str | None = None) -> Timer:
    return Timer(kind=TimerKind.DURATION, value=text, zone=zone)


def date(text: str, zone: str | None = None) -> Timer:
    return Timer(kind=TimerKind.DATE, value=text, zone=zone)


def ticks(timer: Timer, after: str, count: int, zone: str | None = None) -> list[str]:
    found = ticks_between(timer, at(after), at("2200-01-01T00:00:00Z"), count)
    return [to_local(tick, zone_of(zone)).strftime("%m-%d %H:%M%z") for tick in found]


# -- due


def test_a_duration_counts_from_the_arrival() -> None:
    assert due_after(duration("PT90S"), NOON) == NOON + 90_000
    spring = at("2026-03-28T08:00:00+01:00")
    assert due_after(duration("P1D", PRAGUE), spring) == at("2026-03-29T08:00:00+02:00")


def test_a_date_is_that_date_even_when_it_has_passed() -> None:
    assert due_after(date("2030-01-01T00:00:00Z"), NOON) == at("2030-01-01T00:00:00Z")
    assert due_after(date("2020-01-01T00:00:00", PRAGUE), NOON) == at("2019-12-31T23:00:00Z")


def test_a_cycle_or_crontab_line_is_its_next_tick_and_none_left_means_now() -> None:
    assert due_after(cycle("R/PT5M"), NOON) == NOON + 5 * MINUTE
    assert due_after(cron("30 * * * *"), NOON) == NOON + 30 * MINUTE
    assert due_after(cycle("R2/2026-01-01T00:00:00Z/PT1H"), NOON) == NOON
    assert due_after(cycle("R0/PT5M"), NOON) == NOON


@pytest.mark.parametrize(
    "timer", [duration("5 minutes"), date("soon"), cycle("PT5M"), cron("* *"), cron("* * * * *", "Mars/Base")]
)
def test_what_cannot_be_read_is_an_error_everywhere(timer: Timer) -> None:
    assert check(timer)
    with pytest.raises(TimeError):
        due_after(timer, NOON)
    if timer.kind is not TimerKind.DURATION:
        for ask in (lambda: next_tick(timer, NOON), lambda: ticks_to_fire(timer, NOON, NOON)):
            with pytest.raises(TimeError):
                ask()


# -- ticks


def test_every_five_minutes_follows_the_tick_before() -> None:
    assert ticks(cycle("R/PT5M"), "2026-06-15T12:01:30Z", 3) == [
        "06-15 12:06+0000",
        "06-15 12:11+0000",
        "06-15 12:16+0000",
    ]


def test_a_cycle_with_a_start_ticks_at_the_start_and_keeps_its_beat() -> None:
    timer = cycle("R/2026-06-15T12:00:00Z/PT7M")
    assert ticks(timer, "2026-06-15T11:00:00Z", 2) == ["06-15 12:00+0000", "06-15 12:07+0000"]
    assert ticks(timer, "2026-06-15T12:00:00Z", 1) == ["06-15 12:07+0000"]
    assert ticks(timer, "2026-06-15T12:13:59Z", 2) == ["06-15 12:14+0000", "06-15 12:21+0000"]


def test_a_cycle_with_a_count_ends() -> None:
    timer = cycle("R3/2026-06-15T12:00:00Z/PT1H")
    assert ticks(timer, "2026-06-15T00:00:00Z", 9) == ["06-15 12:00+0000", "06-15 13:00+0000", "06-15 14:00+0000"]
    assert ticks(cycle("R0/2026-06-15T12:00:00Z/PT1H"), "2026-06-15T00:00:00Z", 9) == []
    assert len(ticks(cycle("R-1/2026-06-15T12:00:00Z/PT1H"), "2026-06-15T00:00:00Z", 9)) == 9


def test_the_last_days_of_months() -> None:
    timer = cycle("R/2026-01-31T08:00:00/P1M", PRAGUE)
    assert ticks(timer, "2026-01-01T00:00:00Z", 4, PRAGUE) == [
        "01-31 08:00+0100",
        "02-28 08:00+0100",
        "03-31 08:00+0200",
        "04-30 08:00+0200",
    ]


def test_start_and_end_say_the_length() -> None:
    timer = cycle("R/2026-06-15T12:00:00Z/2026-06-15T12:30:00Z")
    assert ticks(timer, "2026-06-15T12:00:00Z", 2) == ["06-15 12:30+0000", "06-15 13:00+0000"]


def test_length_and_end_count_back_from_the_end() -> None:
    timer = cycle("R3/PT1H/2026-06-15T12:30:00Z")
    assert ticks(timer, "2026-06-15T00:00:00Z", 9) == ["06-15 10:30+0000", "06-15 11:30+0000", "06-15 12:30+0000"]
    endless = cycle("R/PT1H/2026-06-15T12:30:00Z")
    assert ticks(endless, "2026-06-15T08:31:00Z", 9) == [f"06-15 {hour:02}:30+0000" for hour in (9, 10, 11, 12)]
    assert ticks(endless, "2026-06-15T12:30:00Z", 9) == []
    assert ticks(cycle("R0/PT1H/2026-06-15T12:30:00Z"), "2026-06-15T00:00:00Z", 9) == []


def test_a_daily_crontab_line_keeps_local_time_over_summer_time() -> None:
    assert ticks(cron("0 8 * * *", PRAGUE), "2026-03-27T12:00:00Z", 3, PRAGUE) == [
        "03-28 08:00+0100",
        "03-29 08:00+0200",
        "03-30 08:00+0200",
    ]


def test_a_local_time_that_is_left_out_still_ticks_that_day_once() -> None:
    assert ticks(cron("30 2 * * *", PRAGUE), "2026-03-28T12:00:00Z", 2, PRAGUE) == [
        "03-29 03:00+0200",
        "03-30 02:30+0200",
    ]


def test_a_local_time_that_exists_twice_ticks_once() -> None:
    assert ticks(cron("30 2 * * *", PRAGUE), "2026-10-24T12:00:00Z", 2, PRAGUE) == [
        "10-25 02:30+0200",
        "10-26 02:30+0100",
    ]
    assert ticks(cron("30 2 * * *", PRAGUE), "2026-10-25T01:10:00Z", 1, PRAGUE) == ["10-26 02:30+0100"]


def test_every_quarter_of_an_hour_goes_through_both_hours() -> None:
    found = ticks(cron("*/30 * * * *", PRAGUE), "2026-10-24T23:59:00Z", 6, PRAGUE)
    assert found == [
        "10-25 02:00+0200",
        "10-25 02:30+0200",
        "10-25 02:00+0100",
        "10-25 02:30+0100",
        "10-25 03:00+0100",
        "10-25 03:30+0100",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("*/15 * * * *", "06-15 12:15+0000"),
        ("0 0 * * MON-FRI", "06-16 00:00+0000"),
        ("30 0 12 * * ?", "06-15 12:00+0000"),
        ("0 0 L * *", "06-30 00:00+0000"),
        ("@hourly", "06-15 13:00+0000"),
        ("@daily", "06-16 00:00+0000"),
        ("@midnight", "06-16 00:00+0000"),
        ("@weekly", "06-21 00:00+0000"),
        ("@monthly", "07-01 00:00+0000"),
        ("@yearly", "01-01 00:00+0000"),
        ("@annually", "01-01 00:00+0000"),
        ("@every 1h30m", "06-15 13:30+0000"),
        ("@every 90s", "06-15 12:01+0000"),
        ("CRON_TZ=Europe/Prague 0 15 * * *", "06-15 13:00+0000"),
        ("TZ=Asia/Tokyo 0 0 * * *", "06-15 15:00+0000"),
        ("0 0 29 2 *", "02-29 00:00+0000"),
    ],
)
def test_crontab_lines(line: str, expected: str) -> None:
    assert ticks(cron(line), "2026-06-15T12:00:00Z", 1) == [expected]


def test_a_duration_has_no_ticks_and_a_date_one() -> None:
    assert next_tick(duration("PT5M"), NOON) is None
    assert next_tick(date("2026-06-15T12:00:01Z"), NOON) == NOON + 1_000
    assert next_tick(date("2026-06-15T12:00:00Z"), NOON) is None


# -- check


@pytest.mark.parametrize(
    ("timer", "why"),
    [
        (cron("* *"), "is no crontab line such as"),
        (cron("61 * * * *"), "Bad minute"),
        (cron("0 0 31 2 *"), "Bad day-of-month"),
        (cron("@reboot"), "is no crontab line"),
        (cron("@every soon"), "is no span such as"),
        (cron("@every"), "is no span such as"),
        (cron(""), "is no crontab line"),
        (cron("CRON_TZ=Mars/Base * * * * *"), "is no time zone"),
        (cycle("R/5m"), "no ISO 8601 duration"),
        (cycle("5/PT5M"), "is no ISO 8601 repeating interval"),
        (cycle("R/2026-06-15T12:00:00Z/2026-06-15T12:00:00Z"), "ends before it starts"),
        (cycle("R/PT1H/soon"), "no ISO 8601 date"),
        (duration("PT5M", "Mars/Base"), "is no time zone"),
        (date("2026-02-30"), "no ISO 8601 date"),
        (duration("P9999Y"), "longer than 200 years"),
    ],
)
def test_check_says_what_is_wrong(timer: Timer, why: str) -> None:
    problem = check(timer)
    assert problem is not None
    assert why in problem


def test_a_start_event_needs_ticks_that_do_not_depend_on_who_looks() -> None:
    assert "a duration has no beginning there" in str(check(duration("PT5M"), starts=True))
    assert "add a start" in str(check(cycle("R3/PT5M"), starts=True))
    for timer in (duration("PT5M"), cycle("R3/PT5M")):
        assert check(timer) is None
    for timer in (
        cycle("R/PT5M"),
        cycle("R3/2026-01-01T00:00:00Z/PT5M"),
        cron("@every 5m"),
        date("2030-01-01T00:00:00Z"),
    ):
        assert check(timer, starts=True) is None


# -- missed ticks


def test_nothing_is_due() -> None:
    assert ticks_to_fire(cron("0 * * * *"), NOON, NOON + HOUR - 1) == TicksToFire((), 0, NOON)


@pytest.mark.parametrize("missed", list(MissedTicks))
def test_a_tick_on_time_fires_whatever_the_setting(missed: MissedTicks) -> None:
    for late in (0, 1, ON_TIME_MS):
        assert ticks_to_fire(cron("0 * * * *", None, missed), NOON, NOON + HOUR + late) == TicksToFire(
            (NOON + HOUR,), 0, NOON + HOUR
        )


def test_skip_drops_what_is_late() -> None:
    timer = cron("0 * * * *", None, MissedTicks.SKIP)
    assert ticks_to_fire(timer, NOON, NOON + HOUR + ON_TIME_MS + 1) == TicksToFire((), 1, NOON + HOUR)
    assert ticks_to_fire(timer, NOON, NOON + 3 * HOUR + 5) == TicksToFire((NOON + 3 * HOUR,), 2, NOON + 3 * HOUR)
    assert ticks_to_fire(timer, NOON, NOON + 3 * HOUR + 30 * MINUTE) == TicksToFire((), 3, NOON + 3 * HOUR)


def test_once_fires_the_newest_of_the_missed() -> None:
    timer = cron("0 * * * *")
    assert ticks_to_fire(timer, NOON, NOON + 5 * HOUR + 30 * MINUTE) == TicksToFire(
        (NOON + 5 * HOUR,), 4, NOON + 5 * HOUR
    )
    assert ticks_to_fire(timer, NOON, NOON + HOUR + 30 * MINUTE) == TicksToFire((NOON + HOUR,), 0, NOON + HOUR)


def test_all_fires_each_in_bites() -> None:
    timer = cron("* * * * *", None, MissedTicks.ALL)
    first = ticks_to_fire(timer, NOON, NOON + 150 * MINUTE)
    assert first.fire == tuple(NOON + n * MINUTE for n in range(1, BITE + 1))
    assert (first.skipped, first.last) == (0, first.fire[-1])
    second = ticks_to_fire(timer, first.last, NOON + 150 * MINUTE)
    assert second.fire == tuple(NOON + n * MINUTE for n in range(BITE + 1, 151))


@pytest.mark.parametrize(
    ("timer", "newest"),
    [
        (cron("* * * * *"), NOON),
        (cron("* * * * * *"), NOON),
        (cron("* 0-5 * * *"), at("2026-06-15T05:59:00Z")),
        (cron("0 0 1 1 *"), at("2026-01-01T00:00:00Z")),
        (cron("0 0 29 2 *"), at("2024-02-29T00:00:00Z")),
        (cron("* * * 1 *"), at("2026-01-31T23:59:00Z")),
        (cycle("R/PT1S"), NOON),
        (cycle("R/P1D", PRAGUE), at("2026-06-14T22:00:00Z")),
        (cycle("R/P1M"), at("2026-05-28T23:00:00Z")),
        (cycle("R/2020-01-01T00:00:00Z/P1M"), at("2026-06-01T00:00:00Z")),
        (cycle("R5/2020-01-01T00:00:00Z/P1M"), at("2020-05-01T00:00:00Z")),
        (cycle("R/PT1S/2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z")),
    ],
)
def test_years_of_missed_ticks_are_decided_at_once(timer: Timer, newest: int) -> None:
    decision = ticks_to_fire(timer, at("2019-12-31T23:00:00Z"), NOON)
    assert (decision.fire, decision.last) == ((newest,), newest)
    assert 0 < decision.skipped <= MOST_COUNTED


# -- properties

TIMERS = st.sampled_from([
    cron("*/7 * * * *", PRAGUE), cron("30 2 * * *", PRAGUE), cron("15,45 1-3 * * SUN", PRAGUE), cron("0 0 31 * *"),
    cron("*/10 * * * * *"), cron("@every 37m"), cycle("R/PT11M"), cycle("R/P1D", PRAGUE),
    cycle("R/2026-01-31T02:30:00/P1M", PRAGUE), cycle("R/2026-03-20T02:30:00/P1D", PRAGUE),
    cycle("R9/2026-03-28T00:00:00Z/PT5H"),
    cycle("R/P1M/2026-10-31T02:30:00", PRAGUE), cycle("R7/PT3H/2026-10-25T02:30:00", PRAGUE),
    date("2026-10-25T02:30:00", PRAGUE),
])  # fmt: skip
NEAR = st.integers(at("2026-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z")) | st.integers(
    at("2026-03-28T22:00:00Z"), at("2026-03-29T05:00:00Z")
) | st.integers(at("2026-10-24T22:00:00Z"), at("2026-10-25T05:00:00Z"))  # fmt: skip


@given(TIMERS, NEAR)
def test_ticks_move_on_and_none_is_left_out(timer: Timer, after: int) -> None:
    """Each tick is later than the one before, and asking from just before it finds the same one again."""
    found = ticks_between(timer, after, after + 400 * DAY, 4)
    assert found == sorted(set(found))
    assert all(tick > after for tick in found)
    if timer.value.startswith("R/P1D") or timer.value in {"R/PT11M", "@every 37m"}:
        return  # these follow from where one asks
    for tick in found:
        assert next_tick(timer, tick - 1) == tick


@given(TIMERS, NEAR, st.integers(0, 40 * DAY), st.sampled_from(MissedTicks))
def test_deciding_in_steps_leaves_no_tick_undecided(timer: Timer, last: int, later: int, missed: MissedTicks) -> None:
    """Whatever the setting: what fires is due, newer than `last`, and no due tick remains but more bites of ALL."""
    timer = Timer(kind=timer.kind, value=timer.value, zone=timer.zone, missed=missed)
    now = last + later
    decision = ticks_to_fire(timer, last, now)
    assert all(last < tick <= now for tick in decision.fire)
    assert list(decision.fire) == sorted(decision.fire)
    assert decision.last >= last
    rest = next_tick(timer, decision.last)
    if missed is MissedTicks.ALL and len(decision.fire) == BITE:
        return
    assert rest is None or rest > now
    due = ticks_between(timer, last, now, MOST_COUNTED + 2)
    assume(len(due) <= MOST_COUNTED)
    assert len(decision.fire) + decision.skipped == len(due)
    if decision.fire:
        assert decision.fire[-1] == due[-1]


@given(st.text(max_size=30), st.sampled_from(TimerKind))
def test_any_text_is_a_timer_or_has_a_problem(text: str, kind: TimerKind) -> None:
    timer = Timer(kind=kind, value=text)
    if check(timer) is None:
        assert due_after(timer, NOON) >= 0
    else:
        with pytest.raises(TimeError):
            due_after(timer, NOON)


PARTS = st.sampled_from(
    [
        "R",
        "R3",
        "/",
        "P",
        "T",
        "1",
        "5",
        "M",
        "H",
        "D",
        "Y",
        "2026-06-15",
        "T12:00:00",
        "Z",
        "*",
        ",",
        "-",
        "L",
        "#",
        "?",
        "@every",
        "MON",
        " ",
    ]
)


@given(st.lists(PARTS, max_size=9).map("".join), st.sampled_from(TimerKind))
def test_any_pieces_are_a_timer_or_have_a_problem(text: str, kind: TimerKind) -> None:
    timer = Timer(kind=kind, value=text)
    if check(timer) is None:
        assert isinstance(due_after(timer, NOON), int)
        assert ticks_to_fire(timer, NOON, NOON + 10 * DAY).last >= NOON


def test_the_clock_of_the_machine_does_not_matter() -> None:
    assert to_local(0, UTC) == datetime(1970, 1, 1, tzinfo=UTC)
