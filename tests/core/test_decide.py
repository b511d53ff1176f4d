"""The details of what `decide` says, beyond the table of results."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from segue.core.decide import decide
from segue.core.routing import Routes
from segue.model.errors import NodeNotFound
from segue.model.graph import LimitRule, NodeKind, RepeatPolicy, TimerKind
from segue.model.ids import child_id
from segue.model.message import (
    Child,
    Consumed,
    Kept,
    LogLine,
    Message,
    Outcome,
    Place,
    Record,
    RemoteCall,
    SetAside,
    Transition,
)
from segue.model.workers import Fault, WorkerReply
from tests.core.build import INSTANCE, MESSAGE, NOW, TAKEN, action, cel, envelope, message, node, reply, routes, timer

NEXT, OTHER = action("next", name="Next"), action("other")
SINGLE = routes([action("a"), NEXT], "a > next")
SPLIT = routes([action("a"), NEXT, OTHER], "a > next", "a > other")


def decided(made: Routes, answer: WorkerReply | None, taken: Message | None = None, **fields: Any) -> Transition:
    return decide(made, taken or message("a", **fields), answer, NOW, TAKEN, 0.5)


def children(transition: Transition) -> tuple[Child, ...]:
    assert isinstance(transition.effect, Consumed), transition.effect
    return transition.effect.children


def kept(transition: Transition) -> Kept:
    assert isinstance(transition.effect, Kept), transition.effect
    return transition.effect


def aside(transition: Transition) -> SetAside:
    assert isinstance(transition.effect, SetAside), transition.effect
    return transition.effect


def texts(transition: Transition) -> list[tuple[str, str]]:
    return [(line.level, line.text) for line in transition.logs]


# -- going on


def test_one_follower_gets_the_answer_and_no_header_of_the_engine() -> None:
    answer = reply("0", "new", tenant="t", process_id="forged", correlation_id="forged", node_id="x", user="orchesty")
    done = decided(SINGLE, answer)
    assert children(done) == (
        Child(id=child_id(MESSAGE, "next", 0), node="next", body=b"new", headers={"tenant": "t"}),
    )
    assert done.logs == ()
    assert done.record == Record(taken=TAKEN, worker_us=1_500, status=200)
    assert (done.at, done.by) == (NOW, None)


def test_a_header_that_the_worker_leaves_out_is_gone_and_null_leaves_it_out() -> None:
    done = decided(SINGLE, reply("0", "x", kept="1", dropped=None), headers={"left": "1", "kept": "0", "dropped": "1"})
    assert children(done)[0].headers == {"kept": "1"}


def test_a_childs_process_id_is_the_instances_until_it_splits() -> None:
    one, two = children(decided(SPLIT, reply()))
    assert one.headers == {"process-id": one.id, "parent-id": INSTANCE}
    assert two.headers == {"process-id": two.id, "parent-id": INSTANCE}
    again = decided(SPLIT, reply(), headers={"process-id": "p", "parent-id": "q"}, parent="m")
    assert [child.headers["parent-id"] for child in children(again)] == ["p", "p"]
    straight = decided(SINGLE, reply(), headers={"process-id": "p", "parent-id": "q"}, parent="m")
    assert children(straight)[0].headers == {"process-id": "p", "parent-id": "q"}


def test_process_ids_that_a_caller_sent_are_not_carried_on() -> None:
    done = decided(
        SINGLE, reply(), headers={"process-id": "forged", "parent-id": "forged", "previous-node-id": "forged"}
    )
    assert children(done)[0].headers == {}


def test_the_previous_node_is_stored_where_a_queue_has_two() -> None:
    made = routes([action("a"), action("b"), NEXT], "a > next", "b > next")
    assert children(decided(made, reply()))[0].headers == {"previous-node-id": "a"}


def test_the_original_wire_form_of_a_split_batch_and_a_loop_gives_each_child_an_id_of_its_own() -> None:
    made = routes([action("a")], "a > a", "a > a")
    one, two = children(decided(made, reply()))
    assert (one.node, two.node) == ("a", "a")
    assert one.id == child_id(MESSAGE, "a", 0) != two.id == child_id(MESSAGE, "a", 1)


def test_conditions_see_the_answer_and_the_cleaned_headers() -> None:
    made = routes(
        [action("a"), node("x", NodeKind.EXCLUSIVE, default_flow="f2"), NEXT, OTHER], "a > x", "x > next", "x > other",
        f1=cel("total == 7 && headers.kind == 'k' && !('result-code' in headers)"),
    )  # fmt: skip
    assert [child.node for child in children(decided(made, reply("0", kind="k")))] == ["next"]
    assert [child.node for child in children(decided(made, reply("0", '{"total":6}', kind="k")))] == ["other"]


def test_base64_is_opened_on_the_way() -> None:
    done = decided(SINGLE, reply("0", "/wA=", body_encoding="base64", x="1"))
    assert (children(done)[0].body, children(done)[0].headers) == (b"\xff\x00", {"x": "1"})


def test_a_stuck_child_carries_what_the_worker_answered() -> None:
    made = routes([action("a"), node("x", NodeKind.EXCLUSIVE), NEXT, OTHER], "a > x", "x > next", "x > other",
                  f1=cel("total == 1"), f2=cel("total == 2"))  # fmt: skip
    done = decided(made, reply("0", '{"total":9}', kind="k"))
    (child,) = children(done)
    assert (child.node, child.place, child.body, child.headers["kind"]) == ("x", Place.TRASH, b'{"total":9}', "k")
    assert child.reason_code == "no-flow"
    assert texts(done) == [("error", child.reason)]


def test_one_way_may_be_stuck_and_another_go_on() -> None:
    made = routes(
        [action("a"), node("x", NodeKind.EXCLUSIVE), NEXT, OTHER], "a > x", "x > next", "a > other", f1=cel("nope")
    )
    assert [(child.node, child.place) for child in children(decided(made, reply()))] == [
        ("x", Place.TRASH),
        ("other", Place.QUEUED),
    ]


def test_timer_and_user_task_children_wait() -> None:
    made = routes([action("a"), timer("t", "PT90S"), node("u", NodeKind.USER_TASK)], "a > t", "a > u")
    late, asked = children(decided(made, reply()))
    assert (late.place, late.due) == (Place.DELAYED, NOW + 90_000)
    assert (asked.place, asked.due) == (Place.WAITING, 0)


@pytest.mark.parametrize(("after_ms", "place"), [(-1, Place.QUEUED), (0, Place.QUEUED), (1, Place.DELAYED)])
def test_a_child_at_a_timer_is_delayed_only_if_it_is_due_later(after_ms: int, place: Place) -> None:
    moment = datetime.fromtimestamp((NOW + after_ms) / 1000, UTC).isoformat(timespec="milliseconds")
    (child,) = children(decided(routes([action("a"), timer("t", moment, TimerKind.DATE)], "a > t"), reply()))
    assert (child.place, child.due) == (place, NOW + 1 if place is Place.DELAYED else 0)


# -- logs and cost


def test_the_workers_lines_come_first_and_its_cost_is_recorded() -> None:
    logs = [{"level": "info", "message": "hello", "at": 5}, {"level": "error", "message": "now"}]
    metrics = {"cpu_us": 700, "remote": [{"host": "crm.example", "ms": 2.5, "status": 503}]}
    body = envelope({"result-code": "1006", "result-message": "bad"}, "x", logs=logs, metrics=metrics)
    done = decided(SINGLE, WorkerReply(status=200, body=body, elapsed_us=9))
    assert done.logs == (
        LogLine(level="info", text="hello", at=5),
        LogLine(level="error", text="now", at=NOW),
        LogLine(level="error", text="bad", at=NOW),
    )
    calls = (RemoteCall("crm.example", 2_500, 503),)
    assert done.record == Record(taken=TAKEN, worker_us=9, remote_us=2_500, cpu_us=700, status=200, remote=calls)


@pytest.mark.parametrize("status", [200, 404])
def test_the_workers_lines_reach_people_whatever_the_status(status: int) -> None:
    body = envelope({"x": "y"}, "x", logs=[{"message": "why", "at": 5}])
    done = decided(SINGLE, WorkerReply(status=status, body=body))
    assert done.logs[0] == LogLine(level="info", text="why", at=5)
    assert isinstance(done.effect, SetAside)


# -- refusals


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply("1006", "x", 200, result_message="no such customer"), "no such customer"),
        (reply("1006"), "The action failed without saying why"),
        (
            reply("1006", "x", 400, result_message="Error occurred: x"),
            "Worker 'crm' answered with HTTP status 400: Error occurred: x",
        ),
        (WorkerReply(status=404, body=b"<html>"), "Worker 'crm' answered with HTTP status 404"),
        (reply(None), "Worker 'crm' answered without a result-code header"),
    ],
)
def test_the_reason_is_what_the_worker_said(answer: WorkerReply, reason: str) -> None:
    done = decided(SINGLE, answer)
    assert aside(done).reason == reason
    assert texts(done) == [("error", reason)]


def test_a_reason_is_cut_to_what_people_can_read() -> None:
    long = "x" * 50_000
    for answer in (
        reply("1006", result_message=long),
        reply("1006", "x", 400, result_message=long),
        WorkerReply(fault=Fault.TLS, detail=long),
    ):
        effect = decided(SINGLE, answer).effect
        assert isinstance(effect, SetAside | Kept)
        assert len(effect.reason) < 4_100


# -- outages


def test_an_outage_keeps_the_message_with_a_growing_delay_and_says_why() -> None:
    done = decided(SINGLE, WorkerReply(fault=Fault.REFUSED, detail="127.0.0.1:9", elapsed_us=4), outages=2, repeats=3)
    reason = "Worker 'crm' refused the connection: 127.0.0.1:9; next try in 2.0 s"
    assert kept(done) == Kept(
        outcome=Outcome.OUTAGE, due=NOW + 2_000, repeats=3, outages=3, reason=reason, reason_code="refused"
    )
    assert texts(done) == [("warning", reason)]
    assert done.record == Record(taken=TAKEN, worker_us=4)


def test_the_first_outage_waits_half_a_second() -> None:
    assert kept(decided(SINGLE, WorkerReply(fault=Fault.REFUSED))).due == NOW + 500


def test_the_outages_of_the_node_make_the_delay_longer_too() -> None:
    done = decide(SINGLE, message("a", outages=1), WorkerReply(fault=Fault.TIMEOUT), NOW, TAKEN, 0.5, 4)
    assert (kept(done).due, kept(done).outages) == (NOW + 8_000, 2)


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("outages", [0, 10, 10_000])
def test_no_outage_ever_ends_in_trash(fault: Fault, outages: int) -> None:
    assert kept(decided(SINGLE, WorkerReply(fault=fault), outages=outages)).outcome is Outcome.OUTAGE


@pytest.mark.parametrize(
    "answer", [WorkerReply(fault=Fault.CLOSED), WorkerReply(status=503), WorkerReply(status=200, body=b"?")]
)
def test_an_outage_leaves_headers_as_they_are(answer: WorkerReply) -> None:
    assert kept(decided(SINGLE, answer, headers={"x": "y"})).headers is None


# -- repeats and limits


def test_a_repeat_counts_executions_the_first_included() -> None:
    answer = reply("1001", repeat_interval="60", repeat_max_hops="3", result_message="busy")
    first = kept(decided(SINGLE, answer, outages=2))
    assert (first.due, first.repeats, first.outages, first.reason_code) == (NOW + 60_000, 1, 0, "repeat")
    assert first.reason == "Execution 2 of at most 3 in 60 s, as the action asked: busy"
    second = kept(decided(SINGLE, answer, repeats=1))
    assert second.repeats == 2
    last = aside(decided(SINGLE, answer, repeats=2))
    assert last.reason_code == "repeats-used-up"
    assert last.reason == "The action asked for a repeat, but it was executed 3 times already: busy"


def test_one_execution_at_most_means_no_repeat() -> None:
    assert (
        aside(decided(SINGLE, reply("1001", repeat_interval="1", repeat_max_hops="1"))).reason_code == "repeats-used-up"
    )


@pytest.mark.parametrize(("interval", "hops"), [(5, 3), (5.0, "3"), ("5.0", " 3 ")])
def test_numbers_of_repeats_in_any_form(interval: Any, hops: Any) -> None:
    assert kept(decided(SINGLE, reply("1001", repeat_interval=interval, repeat_max_hops=hops))).due == NOW + 5_000


@pytest.mark.parametrize(
    "headers",
    [{}, {"repeat_interval": "5"}, {"repeat_max_hops": "5"}, {"repeat_interval": "soon", "repeat_max_hops": "5"},
     {"repeat_interval": "-1", "repeat_max_hops": "5"}, {"repeat_interval": "1.5", "repeat_max_hops": "5"},
     {"repeat_interval": "9" * 20, "repeat_max_hops": "5"}, {"repeat_interval": "", "repeat_max_hops": "5"},
     {"repeat_interval": "٣", "repeat_max_hops": "5"}],
)  # fmt: skip
def test_a_repeat_without_whole_numbers_goes_to_trash(headers: dict[str, str]) -> None:
    done = decided(SINGLE, reply("1001", **headers))
    assert aside(done).reason_code == "bad-repeat"
    assert "repeat-interval" in aside(done).reason


def test_the_longest_repeat_is_ten_years() -> None:
    due = kept(decided(SINGLE, reply("1001", repeat_interval="999999999999", repeat_max_hops="2"))).due
    assert due - NOW == 10 * 366 * 86_400_000


def test_the_nodes_rule_comes_before_the_workers() -> None:
    made = routes([action("a", repeat=RepeatPolicy(interval_ms=1_500, at_most=2)), NEXT], "a > next")
    answer = reply("1001", repeat_interval="60", repeat_max_hops="10")
    assert kept(decided(made, answer)).due == NOW + 1_500
    assert aside(decided(made, answer, repeats=1)).reason_code == "repeats-used-up"


def test_a_repeat_keeps_what_the_action_wrote_into_the_headers() -> None:
    answer = reply("1001", repeat_interval="1", repeat_max_hops="9", state="2", added="1", node_id="forged")
    stored = {"state": "1", "left": "1", "process-id": "p"}
    assert kept(decided(SINGLE, answer, headers=stored, parent="m")).headers == {
        "state": "2", "left": "1", "added": "1", "process-id": "p",
    }  # fmt: skip
    echoed = reply("1001", repeat_interval="1", repeat_max_hops="9", state="1")
    assert kept(decided(SINGLE, echoed, headers={"state": "1"})).headers is None


def test_a_repeat_by_http_headers_takes_no_headers_of_the_server() -> None:
    http = {"result-code": "1001", "repeat-interval": "2", "repeat-max-hops": "9", "server": "nginx", "x-request": "1"}
    effect = kept(decided(SINGLE, WorkerReply(status=200, body=b'{"a":1}', headers=http), headers={"x": "y"}))
    assert (effect.due, effect.headers) == (NOW + 2_000, None)


def test_a_success_by_http_headers_goes_on_with_the_raw_body() -> None:
    http = {"result-code": "0", "server": "nginx", "date": "today", "content-type": "text/xml", "tenant": "t"}
    done = decided(SINGLE, WorkerReply(status=200, body=b"<x/>", headers=http))
    assert (children(done)[0].body, children(done)[0].headers) == (b"<x/>", {"tenant": "t"})


def test_http_headers_do_not_matter_when_the_envelope_has_a_code() -> None:
    answer = WorkerReply(status=200, body=envelope({"result-code": "0"}, "x"), headers={"result-code": "1003"})
    assert children(decided(SINGLE, answer))


@pytest.mark.parametrize(
    ("headers", "stored", "pause_ms"),
    [
        ({}, {}, 60_000),
        ({"retry_after": "7"}, {"limiter-key": "a|b;30;5"}, 7_000),
        ({"retry_after": "soon"}, {"limiter-key": "u|a;30;5;u|b;90;2"}, 90_000),
        ({}, {"limiter-key": "broken;x"}, 60_000),
        ({"retry_after": "9" * 14}, {}, 10 * 366 * 86_400_000),
    ],
)
def test_the_pause_after_a_reached_limit(headers: dict[str, str], stored: dict[str, str], pause_ms: int) -> None:
    effect = kept(decided(SINGLE, reply("1004", **headers), headers=stored, repeats=4, outages=2))
    assert (effect.due - NOW, effect.repeats, effect.outages, effect.outcome) == (pause_ms, 4, 0, Outcome.LIMITED)
    assert effect.headers is None


def test_the_pause_knows_the_limits_of_the_node() -> None:
    rules = (LimitRule(key="k", calls=1, per_ms=5_000), LimitRule(key="l", calls=1, per_ms=9_000))
    made = routes([action("a", limits=rules)])
    assert kept(decided(made, reply("1004"))).due == NOW + 9_000


# -- followers chosen by the worker


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("other", ["other"]),
        ("other, next", ["other", "next"]),
        ("next,next", ["next"]),
        ("pipes.65a0.other", ["other"]),
    ],
)
def test_chosen_followers(asked: str, expected: list[str]) -> None:
    done = decided(SPLIT, reply("1002", force_target_queue=asked))
    assert [child.node for child in children(done)] == expected
    assert [line.level for line in done.logs] == ["info"]
    ids = [child.headers.get("process-id") for child in children(done)]
    assert ids == ([None] if len(expected) == 1 else [child.id for child in children(done)])


def test_a_choice_passes_by_the_conditions_of_gateways() -> None:
    gate = node("x", NodeKind.EXCLUSIVE, default_flow="f2")
    made = routes([action("a"), gate, NEXT, OTHER], "a > x", "x > next", "x > other", f1=cel("false"))
    assert [child.node for child in children(decided(made, reply("1002", force_target_queue="next")))] == ["next"]


def test_one_unknown_follower_refuses_all() -> None:
    effect = aside(decided(SPLIT, reply("1002", force_target_queue="next,a")))
    assert (effect.reason_code, effect.reason) == (
        "unknown-follower",
        "The action chose 'a', which is no follower of 'a'",
    )


# -- the rest


def test_stop_says_why() -> None:
    assert texts(decided(SINGLE, reply("1003", result_message="done"))) == [
        ("info", "The action ended this message: done")
    ]
    assert texts(decided(SINGLE, reply("1003"))) == [("info", "The action ended this message")]


def test_a_code_without_meaning_is_named() -> None:
    ((level, text),) = texts(decided(SINGLE, reply("x" * 9_000)))
    assert level == "warning"
    assert "xxx" in text
    assert len(text) < 4_200


def test_a_timer_that_came_from_the_start_waits_from_its_arrival() -> None:
    made = routes([timer("t", "PT10S"), NEXT], "t > next")
    waiting = message("t", entered=NOW - 4_000)
    effect = kept(decided(made, None, waiting))
    assert (effect.due, effect.outcome) == (NOW + 6_000, Outcome.WAITING)
    assert children(decided(made, None, message("t", entered=NOW - 10_000)))
    assert children(decided(made, None, message("t", entered=NOW, due=NOW - 1)))


def test_a_timer_that_does_not_say_when_sets_messages_aside_wherever_they_come_from() -> None:
    made = routes([action("a"), node("t", NodeKind.TIMER), NEXT], "a > t", "t > next")
    assert aside(decided(made, None, message("t"))).reason_code == "bad-timer"
    (child,) = children(decided(made, reply()))
    assert (child.place, child.reason) == (Place.TRASH, "The timer 't' does not say when")


def test_terminate_leaves_no_children() -> None:
    made = routes([action("a"), NEXT, node("z", NodeKind.TERMINATE), OTHER], "a > next", "a > z", "a > other")
    assert decided(made, reply()).effect == Consumed(outcome=Outcome.OK, terminate=True)


def test_calls_that_make_no_sense_are_errors_of_the_program() -> None:
    with pytest.raises(ValueError, match="decided with a reply"):
        decided(SINGLE, None)
    made = routes([node("s", NodeKind.START), NEXT], "s > next")
    with pytest.raises(ValueError, match="decided without a reply"):
        decided(made, reply(), message("s"))
    with pytest.raises(NodeNotFound, match="'ghost'"):
        decided(SINGLE, reply(), message("ghost"))


RULE = {"interval_ms": 1_000, "at_most": 20}


@pytest.mark.parametrize(
    ("rule", "executed", "chance", "wait_ms"),
    [
        ({}, 5, 0.9, 1_000),
        ({"backoff": 2}, 0, 0.5, 1_000),
        ({"backoff": 2}, 3, 0.5, 8_000),
        ({"backoff": 10, "longest_ms": 60_000}, 4, 0.5, 60_000),
        ({"backoff": 100}, 18, 0.5, 10 * 366 * 86_400_000),
        ({"jitter": 20}, 0, 0.0, 800),
        ({"jitter": 20}, 0, 0.75, 1_100),
        ({"jitter": 100}, 0, 0.0, 0),
        ({"backoff": 3, "longest_ms": 5_000, "jitter": 10}, 9, 0.0, 4_500),
    ],
)
def test_a_nodes_interval_grows_and_is_spread(rule: dict[str, int], executed: int, chance: float, wait_ms: int) -> None:
    made = routes([action("a", repeat=RepeatPolicy(**RULE | rule)), NEXT], "a > next")
    done = decide(made, message("a", repeats=executed), reply("1001"), NOW, TAKEN, chance)
    assert kept(done).due == NOW + wait_ms


@pytest.mark.parametrize(
    ("said", "wait_ms"),
    [
        ("7", 7_000),
        ("0", 1_000),
        ("Thu, 09 Oct 2025 08:54:00 GMT", 40_000),
        ("Thu, 09 Oct 2025 08:00:00 GMT", 1_000),
        ("soon", 60_000),
        (None, 60_000),
    ],
)
def test_when_to_come_again_after_a_limit(said: str | None, wait_ms: int) -> None:
    """From the result code's header and from HTTP status 429 alike; in seconds or as a date."""
    headers = {} if said is None else {"retry-after": said}
    answers = [WorkerReply(status=429, body=b"", headers=headers), WorkerReply(status=429, body=envelope(headers))]
    answers.append(reply("1004", "{}", 200, **{"retry_after": said} if said else {}))
    for answer in answers:
        done = kept(decided(SINGLE, answer))
        assert (done.outcome, done.due, done.repeats) == (Outcome.LIMITED, NOW + wait_ms, 0)


def test_a_worker_that_is_away_says_for_how_long() -> None:
    """It is believed up to an hour, and when it asks for less than the usual delay that one counts."""
    for said, wait_ms in (("20", 20_000), ("0", 1_000), ("86400", 3_600_000)):
        away = WorkerReply(status=503, headers={"retry-after": said})
        assert kept(decided(SINGLE, away)).due == NOW + wait_ms
