"""Rules, quiet hours, grouping, pauses between tries, and what a notice says."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as structs_replace

from segue.core.notice_text import check_template, fill, in_html, in_json, one_line, outgoing, plain
from segue.core.notices import (
    GIVE_UP_MS,
    LONGEST_WAIT_MS,
    SHOWN,
    Gathering,
    after_quiet,
    applies,
    check_quiet,
    group_of,
    next_try,
    wait_ms,
    wanted_kinds,
)
from segue.model.errors import Invalid
from segue.model.events import Event, EventKind
from segue.model.notices import GroupBy, Notice, NoticeState, QuietHours, Rule, Told

TRASH, FINISHED, DOWN = EventKind.MESSAGE_IN_TRASH, EventKind.INSTANCE_FINISHED, EventKind.WORKER_DOWN


def rule(**fields: object) -> Rule:
    return Rule(**({"id": "r", "name": "rule", "events": (TRASH, FINISHED), "sender": "s"} | fields))  # type: ignore[arg-type]


def event(seq: int, kind: EventKind = TRASH, at: int = 1_000, **fields: object) -> Event:
    return Event(**({"kind": kind, "at": at, "seq": seq, "process": "p", "node": "n"} | fields))  # type: ignore[arg-type]


def gather(wanted: Rule, *events: Event, open_: dict[tuple[str, str], Notice] | None = None) -> list[Notice]:
    gathering = Gathering(open_ or {}, {})
    for each in events:
        gathering.add(wanted, Told(event=each))
    return gathering.changed


@pytest.mark.parametrize(
    ("fields", "folder", "wanted"),
    [
        ({}, None, True),
        ({"enabled": False}, None, False),
        ({"events": (DOWN,)}, None, False),
        ({"since": 5}, None, False),
        ({"since": 4}, None, True),
        ({"process": "p"}, None, True),
        ({"process": "q"}, None, False),
        ({"folder": "shop"}, "shop", True),
        ({"folder": "shop"}, "shop/orders", True),
        ({"folder": "shop"}, "shopping", False),
        ({"folder": "shop"}, None, False),
    ],
)
def test_a_rule_wants_what_it_names(fields: dict[str, object], folder: str | None, wanted: bool) -> None:
    assert applies(rule(**fields), event(5), folder) is wanted


def test_each_event_is_a_notice_of_its_own_unless_they_are_gathered() -> None:
    made = gather(rule(), event(1), event(2), event(3, FINISHED, instance="i"))
    assert [notice.key for notice in made] == ["r.1", "r.2", "r.3"]
    assert all(notice.state is NoticeState.PENDING and notice.due == 1_000 for notice in made)


def test_a_digest_gathers_by_cause_or_all_in_one() -> None:
    events = [event(1), event(2), event(3, node="m"), event(4, FINISHED)]
    by_cause = gather(rule(group_s=60), *events)
    assert [(notice.key, notice.count) for notice in by_cause] == [("r.1", 2), ("r.3", 1), ("r.4", 1)]
    [one] = gather(rule(group_s=60, group_by=GroupBy.RULE), *events)
    assert (one.count, len(one.told), one.state, one.due) == (4, 4, NoticeState.GATHERING, 61_000)
    [more] = gather(rule(group_s=60, group_by=GroupBy.RULE), event(9), open_={("r", "all"): one})
    assert (more.key, more.count, more.due) == ("r.1", 5, 61_000)


def test_of_many_events_some_are_told_and_all_are_counted() -> None:
    [one] = gather(rule(group_s=60), *(event(seq) for seq in range(1, 1_001)))
    assert (one.count, len(one.told)) == (1_000, SHOWN)
    assert "(1000 times)" in outgoing(one, "x").title
    assert "... and 980 more" in outgoing(one, "x").text


def test_the_same_again_is_only_counted_for_a_while() -> None:
    wanted = rule(repeat_s=10)
    made = gather(wanted, event(1, at=0), event(2, at=9_999), event(3, at=9_999, node="m"), event(4, at=10_000))
    assert [(notice.key, notice.count, notice.suppressed) for notice in made] == [
        ("r.1", 1, 1),
        ("r.3", 1, 0),
        ("r.4", 1, 0),
    ]


def test_instances_are_each_their_own_unless_they_may_not_repeat() -> None:
    one, other = event(1, FINISHED, instance="i"), event(2, FINISHED, instance="j")
    assert group_of(rule(), one) != group_of(rule(), other)
    assert group_of(rule(repeat_s=1), one) == group_of(rule(repeat_s=1), other)
    assert wanted_kinds([rule(), rule(enabled=False, events=(DOWN,))]) == (FINISHED, TRASH)


def at(text: str, zone: str = "UTC") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("instant", "until"),
    [
        ("2024-05-06T21:59", "2024-05-06T21:59"),  # a Monday
        ("2024-05-06T22:00", "2024-05-07T06:30"),
        ("2024-05-07T06:29", "2024-05-07T06:30"),
        ("2024-05-07T06:30", "2024-05-07T06:30"),
        ("2024-05-11T01:00", "2024-05-11T06:30"),  # the night that began on Friday
        ("2024-05-11T23:00", "2024-05-11T23:00"),  # no quiet nights from Saturday on
        ("2024-03-30T23:00", "2024-03-30T23:00"),
    ],
)
def test_quiet_hours_over_midnight(instant: str, until: str) -> None:
    quiet = QuietHours(begins=22 * 60, ends=6 * 60 + 30, days=(0, 1, 2, 3, 4), zone="Europe/Prague")
    assert after_quiet(quiet, at(instant, "Europe/Prague")) == at(until, "Europe/Prague")


def test_quiet_hours_across_a_change_of_the_clocks() -> None:
    quiet = QuietHours(begins=60, ends=300, zone="Europe/Prague")
    begins = at("2024-03-31T00:30", "UTC")  # 01:30 in Prague; at 02:00 it becomes 03:00
    assert after_quiet(quiet, begins) == at("2024-03-31T03:00", "UTC")


@given(st.integers(0, 2_000_000_000_000), st.integers(0, 1439), st.integers(0, 1439), st.sets(st.integers(0, 6)))
def test_quiet_hours_only_put_off_and_end(instant: int, begins: int, ends: int, days: set[int]) -> None:
    quiet = QuietHours(begins=begins, ends=ends, days=tuple(sorted(days)), zone="America/New_York")
    due = after_quiet(quiet, instant)
    assert instant <= due <= instant + 26 * 3_600_000
    if due != instant:
        local = datetime.fromtimestamp(due / 1000, UTC).astimezone(ZoneInfo("America/New_York"))
        assert abs(local.hour * 60 + local.minute - ends) in {0, 60}  # an hour that the clocks left out


@pytest.mark.parametrize(
    "fields",
    [{"begins": -1}, {"ends": 1440}, {"zone": "Nowhere/At all"}, {"zone": "../etc"}, {"days": ()}, {"days": (7,)}],
)
def test_quiet_hours_that_are_none_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="quiet"):
        check_quiet(QuietHours(**({"begins": 0, "ends": 1} | fields)))  # type: ignore[arg-type]


def test_pauses_grow_to_a_bound_and_end_after_a_day() -> None:
    pauses = [wait_ms(tries, 0.0) for tries in range(1, 20)]
    assert pauses[:4] == [1_000, 2_000, 4_000, 8_000]
    assert pauses[-1] == LONGEST_WAIT_MS
    assert wait_ms(1, 0.999) <= 1_250
    [made] = gather(rule(), event(1))
    tries, now = 0, made.due
    while (due := next_try(structs_replace(made, attempts=tries + 1), now, 0.5)) is not None:
        tries, now = tries + 1, due
    assert tries > 80
    assert GIVE_UP_MS - 2 * LONGEST_WAIT_MS < now - made.last_at <= GIVE_UP_MS


DATA = {"title": 'a "b" {{ notice.x }}\n', "events": [{"detail": "<d>"}], "count": 2, "none": None}


@pytest.mark.parametrize(
    ("template", "encode", "filled"),
    [
        ("{{ notice.title }}", plain, 'a "b" {{ notice.x }}\n'),
        ('"{{notice.title}}"', in_json, '"a \\"b\\" {{ notice.x }}\\n"'),
        ("{{ notice.events.0.detail }}", in_html, "&lt;d&gt;"),
        ("{{ notice.events }}", in_json, '[{"detail": "<d>"}]'),
        ("{{ notice.events.1.detail }}{{ notice.none }}{{ notice.count.x }}-{{ notice.count }}", plain, "-2"),
        ("no {placeholder} {{}", plain, "no {placeholder} {{}"),
    ],
)
def test_templates(template: str, encode: object, filled: str) -> None:
    assert fill(template, DATA, encode) == filled  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "template", ["{{ title }}", "{{ notice }}", "{{ notice.a() }}", "{{ 1 + 1 }}", "{{ notice.a b }}"]
)
def test_a_placeholder_that_can_never_be_filled_is_refused(template: str) -> None:
    with pytest.raises(Invalid, match=r"body: .* is no placeholder"):
        check_template("body", template)


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text)) <= 250
    assert one_line(text).isprintable()
