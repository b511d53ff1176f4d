"""The campaigns' own checks find what they are there to find: every kind of fault is planted in the books once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from campaign.api import Api, RefusedError
from campaign.book import Book, Call, read_calls
from campaign.check import Books, Verdict, compare
from campaign.load import Load, Refusal, Start
from campaign.order import out_of_order
from campaign.timeline import Timeline, strays, wrong_answers
from campaign.waiting import until
from campaign.worker import Body

SHAPE = {"first": 1, "last": 2}


def call(number: int, action: str, part: int = 0, *, run: int = 1, version: str = "7") -> Call:
    return Call(f"m{number}-{action}-{part}", run, f"i{number}", version, action, number)


def calls_of(number: int) -> list[Call]:
    return [call(number, "first"), call(number, "last", 0), call(number, "last", 1)]


def line(**changed: int) -> dict[str, Any]:
    places = dict.fromkeys(("queued", "delayed", "waiting", "trash"), 0)
    return {"process": "p", "version": 1, "accepted": 3, "produced": 6, "consumed": 9} | places | changed


def books() -> Books:
    """Three instances that went as they should."""
    return Books(
        starts=[Start(number, 0.0, 1.0, f"i{number}", 1) for number in range(3)],
        instances=[{"id": f"i{number}", "state": "finished", "version": 1} for number in range(3)],
        lines=[line()],
        calls=[each for number in range(3) for each in calls_of(number)],
        shape=SHAPE,
    )


def test_books_that_agree() -> None:
    assert compare(books()) == Verdict(accepted=3, lost=0, doubled=0, repeated_calls=0, messages=9, problems=[])


def without_instance(found: Books) -> None:
    found.instances = found.instances[1:]


def unfinished_instance(found: Books) -> None:
    found.instances = [{**found.instances[0], "state": "running"}, *found.instances[1:]]


def failed_instance(found: Books) -> None:
    found.instances = [{**found.instances[0], "state": "failed"}, *found.instances[1:]]


def instance_of_another_version(found: Books) -> None:
    found.instances = [{**found.instances[0], "version": 2}, *found.instances[1:]]


def without_a_call(found: Books) -> None:
    found.calls = found.calls[1:]


def without_an_item(found: Books) -> None:
    found.calls = found.calls[:-1]


def without_all_calls(found: Books) -> None:
    found.calls = found.calls[3:]


def instance_twice(found: Books) -> None:
    found.instances = [*found.instances, found.instances[0]]


def instance_that_nobody_started(found: Books) -> None:
    found.instances = [*found.instances, {"id": "i9", "state": "finished", "version": 1}]


def two_starts_one_instance(found: Books) -> None:
    found.starts = [*found.starts, replace(found.starts[0], number=3)]


def message_under_two_ids(found: Books) -> None:
    found.calls = [*found.calls, call(1, "first", 1)]


def action_that_was_not_drawn(found: Books) -> None:
    found.calls = [*found.calls, call(1, "left")]


@pytest.mark.parametrize(
    "plant",
    [
        without_instance,
        unfinished_instance,
        failed_instance,
        instance_of_another_version,
        without_a_call,
        without_an_item,
        without_all_calls,
    ],
)
def test_what_is_lost(plant: Callable[[Books], None]) -> None:
    found = books()
    plant(found)
    verdict = compare(found)
    assert (verdict.lost, verdict.doubled) == (1, 0)
    assert verdict.problems


@pytest.mark.parametrize(
    "plant",
    [
        instance_twice,
        instance_that_nobody_started,
        two_starts_one_instance,
        message_under_two_ids,
        action_that_was_not_drawn,
    ],
)
def test_what_is_doubled(plant: Callable[[Books], None]) -> None:
    found = books()
    plant(found)
    verdict = compare(found)
    assert (verdict.lost, verdict.doubled) == (0, 1)
    assert verdict.problems


@pytest.mark.parametrize("name", ["accepted", "produced", "consumed", "queued", "delayed", "waiting", "trash"])
def test_a_sum_of_the_ledger_that_is_not_what_so_many_instances_make(name: str) -> None:
    found = books()
    found.lines = [line(**{name: line()[name] + 1})]
    assert any(f" {name} instead of " in problem for problem in compare(found).problems)


def test_a_call_for_an_instance_that_nobody_started() -> None:
    found = books()
    found.calls = [*found.calls, call(9, "first")]
    assert compare(found).problems == ["the worker was called for instance i9, which nobody started"]


def test_the_body_of_another_start() -> None:
    found = books()
    found.calls = [replace(found.calls[0], number=2), *found.calls[1:]]
    assert compare(found).problems == ["the worker got the body of another start for instance i0"]


def test_calls_are_repeated_by_message_and_run() -> None:
    found = books()
    found.calls = [*found.calls, found.calls[0], found.calls[0], replace(found.calls[1], run=2)]
    verdict = compare(found)
    assert (verdict.repeated_calls, verdict.problems) == (2, [])


def test_order_is_that_of_first_calls() -> None:
    kept = [call(0, "first"), call(1, "first"), call(0, "first"), call(0, "last"), call(2, "first")]
    assert out_of_order(kept, "first") == []
    assert out_of_order([call(1, "first"), call(0, "first"), call(2, "first")], "first") == [
        "start 0 was first called at first after start 1"
    ]


def switched() -> Timeline:
    """Version 1, from about 10 to 11 on also version 2, from about 20 to 21 on none, from about 30 to 31 on 1 again."""
    timeline = Timeline(frozenset({1}))
    timeline.change(10, 11, frozenset({1, 2}))
    timeline.change(20, 21, frozenset())
    timeline.change(30, 31, frozenset({1}))
    return timeline


@pytest.mark.parametrize(
    ("begin", "end", "versions", "refused"),
    [
        (1, 2, {1}, False),
        (9, 10.5, {1, 2}, False),
        (10.2, 10.8, {1, 2}, False),
        (12, 13, {2}, False),
        (12, 20.5, {2}, True),
        (22, 23, set(), True),
        (22, 30.5, {1}, True),
        (32, 33, {1}, False),
        (5, 40, {1, 2}, True),
    ],
)
def test_answers_are_judged_by_what_was_possible(begin: float, end: float, versions: set[int], refused: bool) -> None:
    timeline = switched()
    for version in (1, 2):
        wrong = wrong_answers(timeline, [Start(0, begin, end, "i", version)], [])
        assert bool(wrong) == (version not in versions), (version, wrong)
    refusal = Refusal(0, begin, end, 409, "no-enabled-version", "none is enabled")
    assert bool(wrong_answers(timeline, [], [refusal])) == (not refused)


def test_an_instance_that_strays_to_another_version() -> None:
    starts = [Start(0, 0, 1, "i0", 1), Start(1, 0, 1, "i1", 2)]
    good = [call(0, "v1-first", version="7"), call(1, "v2-first", version="8")]
    assert strays(starts, good) == []
    assert len(strays(starts, [*good, call(0, "v2-first", version="7")])) == 1
    assert len(strays(starts, [*good, call(0, "v1-first", version="8")])) == 1


def test_a_book_goes_on_where_it_ended(tmp_path: Path) -> None:
    first = Book(tmp_path / "book")
    first.note(call(0, "first"))
    second = Book(tmp_path / "book")
    second.note(call(1, "first", run=2))
    assert read_calls(second.content()) == [call(0, "first"), call(1, "first", run=2)]
    assert second.counts == {"first": 2}


class Caller(Api):
    """Answers starts with what is in the script; then with 202."""

    def __init__(self, script: list[Exception]) -> None:
        self.script = script
        self.keys: list[str] = []

    async def start(self, process: str, body: bytes, key: str, wait_s: int | None = None) -> Any:
        self.keys.append(key)
        if self.script:
            raise self.script.pop(0)
        return {"instance": f"i-{key}", "version": 1}


def refused(status: int, code: str) -> RefusedError:
    return RefusedError("POST /start", status, f'{{"code": "{code}", "detail": "so it is"}}'.encode())


async def test_a_start_is_sent_under_its_key_until_it_is_accepted() -> None:
    script = [ConnectionResetError(), refused(503, "stopping"), refused(409, "no-enabled-version"), TimeoutError()]
    caller = Caller(list(script))
    load = Load(caller, "p", Body, senders=1, limit=2)
    await load.finish(30)
    assert caller.keys == ["p-0"] * 5 + ["p-1"]
    assert [load.accepted[number].instance for number in (0, 1)] == ["i-p-0", "i-p-1"]
    assert [refusal.code for refusal in load.refusals] == ["stopping", "no-enabled-version"]
    assert load.unanswered == 2


async def test_a_refusal_that_should_not_be_ends_the_load() -> None:
    load = Load(Caller([refused(500, "internal")]), "p", Body, senders=2, limit=5)
    with pytest.raises(RefusedError, match="500 internal: so it is"):
        await load.finish(30)
    with pytest.raises(RefusedError):
        load.check()
    await load.cancel()


async def test_a_load_at_a_rate_begins_no_more_once_it_is_finished() -> None:
    caller = Caller([])
    load = Load(caller, "p", Body, senders=3, rate=0.001)
    await until(lambda: load.accepted, 30, "the first start to be accepted")
    await load.finish(30)
    assert sorted(load.accepted) == [0, 1, 2, 3]
