"""Registering actions, and what calling them brings."""

import asyncio
import functools
import json
import subprocess
import sys
import threading
from typing import Any

import pytest

from segue_sdk import (
    Fail,
    LimitReached,
    Message,
    Repeat,
    Result,
    Stop,
    Worker,
    batch,
    fail,
    forward,
    item,
    limit_reached,
    repeat,
    route,
    stop,
)
from segue_sdk.action import Kind
from segue_sdk.testing import Outcome, run_action, run_action_async

FOLLOWERS = ["notify", "audit", "bill"]


def run(
    value: object, *, raised: bool = False, is_async: bool = True, kind: str = "connector", **options: Any
) -> Outcome:
    """Run an action that returns or raises the value."""
    worker = Worker("crm", debug=options.pop("debug", False))

    def act(message: Message) -> object:
        if raised:
            raise value  # type: ignore[misc]
        return value

    async def act_async(message: Message) -> object:
        return act(message)

    getattr(worker, kind)("act")(act_async if is_async else act)
    return run_action(worker, "act", **options)


both = pytest.mark.parametrize("is_async", [True, False])


@both
def test_none_forwards_the_message_as_it_came(is_async: bool) -> None:
    outcome = run(None, is_async=is_async, body=b"\xff\x00", headers={"mine": "1", "number": 7})
    assert (outcome.status, outcome.code, outcome.reason) == (200, 0, "Processed successfully.")
    assert outcome.body == b"\xff\x00"
    assert outcome.headers["mine"] == "1"
    assert outcome.headers["number"] == "7"
    assert outcome.ok


@both
def test_a_value_becomes_the_body(is_async: bool) -> None:
    assert run({"id": 7}, is_async=is_async).json() == {"id": 7}
    assert run("text", is_async=is_async).body == b"text"


@both
def test_forward_changes_headers(is_async: bool) -> None:
    outcome = run(
        forward(headers={"new": 1, "old": None}), is_async=is_async, body="x", headers={"old": "1", "kept": "2"}
    )
    assert outcome.body == b"x"
    assert (outcome.headers["new"], outcome.headers["kept"]) == ("1", "2")
    assert "old" not in outcome.headers


@both
@pytest.mark.parametrize("raised", [False, True])
def test_each_end_has_its_code_and_keeps_the_body(is_async: bool, raised: bool) -> None:
    ends: list[tuple[Result, Exception, int]] = [
        (stop("done"), Stop("done"), 1003),
        (fail("no such customer"), Fail("no such customer"), 1006),
        (repeat(30, 3, "busy"), Repeat(30, 3, "busy"), 1001),
        (limit_reached("slow down", retry_after=20), LimitReached("slow down", retry_after=20), 1004),
    ]
    for result, error, code in ends:
        outcome = run(error if raised else result, raised=raised, is_async=is_async, body="as it came")
        assert (outcome.status, outcome.code, outcome.reason) == (200, code, result.reason)
        assert outcome.body == b"as it came"
        assert (outcome.repeat_after, outcome.repeat_at_most) == ((30, 3) if code == 1001 else (None, None))
        assert outcome.retry_after == (20 if code == 1004 else None)
        assert outcome.failed == (code == 1006)
        assert outcome.ok == (code == 1003)


def test_a_reason_is_never_empty() -> None:
    assert all(run(one).reason for one in (stop(), repeat(), limit_reached(), fail("")))


def test_repeat_echoes_the_engine_s_own_headers() -> None:
    outcome = run(repeat(5, 4), headers={"repeat-hops": "2", "repeat-interval": "60", "repeat-max-hops": "9"})
    assert outcome.headers["repeat-hops"] == "2"
    assert (outcome.repeat_after, outcome.repeat_at_most) == (5, 4)


def test_route_names_become_ids_in_the_engine_s_order() -> None:
    outcome = run(route("bill", "notify", body={"a": 1}, headers={"x": "1"}), followers=FOLLOWERS)
    assert (outcome.status, outcome.code) == (200, 1002)
    assert outcome.followers == ("notify", "bill")
    assert outcome.headers["force-target-queue"] == "id-of-notify,id-of-bill"
    assert (outcome.json(), outcome.headers["x"]) == ({"a": 1}, "1")


def test_followers_of_one_name_both_get_it() -> None:
    followers = json.dumps([{"id": "1", "name": "a"}, {"id": "2", "name": "b"}, {"id": "3", "name": "a"}])
    outcome = run(route("a"), headers={"worker-followers": followers})
    assert outcome.headers["force-target-queue"] == "1,3"


@pytest.mark.parametrize(("followers", "have"), [(FOLLOWERS, "notify, audit, bill"), ([], "none")])
def test_an_unknown_follower_fails_the_call(followers: list[str], have: str) -> None:
    outcome = run(route("notify", "nobody") if followers else route("nobody"), followers=followers, body="kept")
    assert (outcome.status, outcome.code) == (400, 1006)
    assert outcome.reason == f'Error occurred: Node "act" has no follower "nobody"; its followers are: {have}'
    assert outcome.body == b"kept"
    assert "force-target-queue" not in outcome.headers


@both
def test_batch_items(is_async: bool) -> None:
    items = [{"n": 1}, item("text", headers={"k": 1}), b"\xff"]
    outcome = run(batch(items, headers={"shared": "1"}), is_async=is_async, kind="batch", headers={"cursor": "7"})
    assert (outcome.status, outcome.code, outcome.cursor) == (200, 0, None)
    assert [(one.body, dict(one.headers)) for one in outcome.items] == [
        (b'{"n":1}', {}),
        (b"text", {"k": "1"}),
        (b"\xff", {}),
    ]
    assert outcome.items[0].json() == {"n": 1}
    assert outcome.headers["shared"] == "1"
    assert "cursor" not in outcome.headers


def test_batch_items_on_the_wire_are_a_text_of_a_list() -> None:
    outcome = run([{"n": 1}, b"\xff"], kind="batch")
    assert json.loads(outcome.body) == [
        {"headers": {}, "body": '{"n":1}'},
        {"headers": {"body-encoding": "base64"}, "body": "/w=="},
    ]
    assert run([], kind="batch").body == b"[]"


def test_batch_cursor() -> None:
    outcome = run(batch([1], cursor="page-2"), kind="batch", headers={"cursor": "page-1"})
    assert (outcome.code, outcome.cursor, len(outcome.items)) == (1010, "page-2", 1)
    outcome = run(batch(cursor="page-3", iterate_only=True), kind="batch")
    assert (outcome.code, outcome.cursor, outcome.body) == (1011, "page-3", b"[]")


def test_a_batch_that_ends_otherwise_keeps_its_page() -> None:
    for result in (fail("x"), repeat(), limit_reached()):
        outcome = run(result, kind="batch", headers={"cursor": "page-2"}, body="input")
        assert outcome.headers["cursor"] == "page-2"
        assert (outcome.body, outcome.items, outcome.cursor) == (b"input", (), None)


def test_results_that_do_not_fit_the_kind() -> None:
    assert "neither forward nor route" in run(forward(), kind="batch").reason
    assert "A batch returns" in run(None, kind="batch").reason
    assert "Only a batch" in run(batch([1])).reason
    assert run(batch([1])).status == 400


@both
def test_an_unforeseen_error_is_a_400_with_the_body_as_it_came(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = run(LookupError("two\r\nlines"), raised=True, is_async=is_async, body="kept", headers={"mine": "1"})
    assert (outcome.status, outcome.code, outcome.body) == (400, 1006, b"kept")
    assert outcome.reason == "Error occurred: two lines"
    assert outcome.headers["mine"] == "1"
    assert "result-detail" not in outcome.headers
    assert outcome.failed
    assert 'The action "act" failed' in caplog.text
    assert "LookupError: two" in caplog.text


def test_debug_adds_the_traceback() -> None:
    detail = run(LookupError("x"), raised=True, debug=True).headers["result-detail"]
    assert detail.startswith("Traceback")
    assert detail.endswith("LookupError: x\n")


def test_an_error_without_text_names_its_type_and_a_long_one_is_cut() -> None:
    assert run(LookupError(), raised=True).reason == "Error occurred: LookupError"
    assert len(run(LookupError("x" * 9_000), raised=True).reason) < 2_100
    assert run(LookupError("\udcff"), raised=True).reason == "Error occurred: \\udcff"


@both
@pytest.mark.parametrize(
    "error", [SystemExit(3), StopIteration("x"), RecursionError("deep"), asyncio.CancelledError("odd")]
)
def test_errors_that_would_end_the_process_or_hang_the_call(error: BaseException, is_async: bool) -> None:
    assert run(error, raised=True, is_async=is_async).status == 400


async def test_a_cancelled_call_is_not_an_answer() -> None:
    worker = Worker("crm")
    begun = asyncio.Event()

    @worker.connector("wait")
    async def wait(message: Message) -> None:
        begun.set()
        await asyncio.Event().wait()

    call = asyncio.create_task(run_action_async(worker, "wait"))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


def test_a_body_of_wrong_shape_fails_with_the_place() -> None:
    worker = Worker("crm")

    @worker.connector("act")
    async def act(message: Message) -> None:
        message.json(dict[str, int])

    outcome = run_action(worker, "act", body={"a": "x"})
    assert outcome.status == 400
    assert "Expected `int`, got `str` - at `$[...]`" in outcome.reason


def test_metrics_tell_time_cpu_and_remote_calls() -> None:
    worker = Worker("crm")

    @worker.connector("act")
    def act(message: Message) -> None:
        message.measure_remote("https://api.example.com/x?key=1", 5, 200)
        sum(range(300_000))

    metrics = run_action(worker, "act").metrics
    assert metrics is not None
    assert metrics.cpu_us > 100
    assert metrics.wall_ms * 1_000 >= metrics.cpu_us * 0.5
    assert [(one.host, one.ms, one.status) for one in metrics.remote] == [("api.example.com", 5.0, 200)]


async def test_sync_actions_run_beside_the_loop_and_at_most_so_many_at_a_time() -> None:
    worker = Worker("crm", threads=2)
    all_are_there = threading.Event()
    at_once = threading.Barrier(2, timeout=30)

    @worker.custom("act")
    def act(message: Message) -> str:
        all_are_there.wait()
        at_once.wait()
        return threading.current_thread().name

    async def let_go() -> None:
        while worker.unfinished < 6:  # noqa: ASYNC110 - nothing tells that a call waits for a thread
            await asyncio.sleep(0)
        all_are_there.set()

    *outcomes, _ = await asyncio.gather(*(run_action_async(worker, "act") for _ in range(6)), let_go())
    assert {one.body.decode() for one in outcomes if one} == {"segue-crm_0", "segue-crm_1"}
    assert worker.unfinished == 0


def test_all_kinds_of_callables() -> None:
    worker = Worker("crm")

    class Sync:
        def __call__(self, message: Message) -> str:
            return "sync object"

    class Async:
        async def __call__(self, message: Message) -> str:
            return "async object"

        async def method(self, message: Message) -> str:
            return "async method"

    async def with_option(option: str, message: Message) -> str:
        return option

    worker.connector("1")(Sync())
    worker.connector("2")(Async())
    worker.connector("3")(Async().method)
    worker.connector("4")(functools.partial(with_option, "partial"))
    worker.connector("5")(lambda message: "lambda")
    bodies = [run_action(worker, str(number)).body.decode() for number in range(1, 6)]
    assert bodies == ["sync object", "async object", "async method", "partial", "lambda"]


def test_a_decorated_function_stays_what_it_is() -> None:
    worker = Worker("crm")

    @worker.connector("create")
    async def create(message: Message) -> Result:
        return stop("direct")

    assert asyncio.run(create(Message())) == stop("direct")


@pytest.mark.parametrize("name", ["", "with space", "a/b", "a?b", "ä", "a%20b", 7, None])
def test_names_that_no_path_can_hold_are_refused(name: Any) -> None:
    with pytest.raises(ValueError, match="An action's name"):
        Worker("crm").connector(name)(lambda message: None)


def test_functions_that_cannot_be_actions_are_refused() -> None:
    worker = Worker("crm")

    def items(message: Message) -> Any:
        yield 1

    async def items_async(message: Message) -> Any:
        yield 1

    for function in (items, items_async):
        with pytest.raises(TypeError, match='"x" is a generator'):
            worker.batch("x")(function)
    for wrong in (lambda: None, lambda a, b: None):
        with pytest.raises(TypeError, match='"x" takes one message'):
            worker.connector("x")(wrong)
    with pytest.raises(TypeError, match="is a function, not str"):
        worker.connector("x")("not callable")  # type: ignore[type-var]
    with pytest.raises(ValueError, match="application"):
        worker.connector("x", application="")(lambda message: None)
    assert worker.actions == {}


def test_a_name_is_used_once_per_kind() -> None:
    worker = Worker("crm")
    worker.connector("sync")(lambda message: "connector")
    worker.custom("sync")(lambda message: "custom")
    with pytest.raises(ValueError, match='"crm" has a connector "sync" already'):
        worker.connector("sync")(lambda message: None)
    assert run_action(worker, "sync", kind="custom").body == b"custom"
    with pytest.raises(LookupError, match="say which kind"):
        run_action(worker, "sync")


@pytest.mark.parametrize(
    "settings",
    [
        {"name": ""},
        {"name": " x"},
        {"name": "a\nb"},
        {"secret": ""},
        {"max_body": 0},
        {"threads": 0},
        {"threads": True},
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings)).replace("name", "worker's name")):
        Worker(**{"name": "crm", **settings})


def test_hooks_run_around_calls() -> None:
    worker = Worker("crm")
    seen = []

    @worker.on_start
    async def first() -> None:
        seen.append("start 1")

    @worker.on_start
    def second() -> None:
        seen.append("start 2")

    @worker.on_stop
    def stop_first() -> None:
        seen.append("stop 1")

    @worker.on_stop
    async def stop_second() -> None:
        seen.append("stop 2")
        raise LookupError("the other one still runs")

    worker.connector("act")(lambda message: seen.append("act"))
    with pytest.raises(LookupError):
        run_action(worker, "act")
    assert seen == ["start 1", "start 2", "act", "stop 2", "stop 1"]


async def test_the_test_kit_says_what_it_needs() -> None:
    worker = Worker("crm")
    worker.connector("act")(lambda message: None)
    with pytest.raises(RuntimeError, match="run_action_async"):
        run_action(worker, "act")
    with pytest.raises(LookupError, match='"crm" has no action "nope"; it has: act'):
        await run_action_async(worker, "nope")
    with pytest.raises(LookupError, match='has no batch "act"'):
        await run_action_async(worker, "act", kind=Kind.BATCH)
    assert (await run_action_async(worker, "act")).body == b"{}"


def test_a_worker_does_not_need_the_engine() -> None:
    code = "import sys, segue_sdk, segue_sdk.testing, segue_sdk.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "segue_sdk.worker" in loaded
    assert [name for name in loaded if name.partition(".")[0] == "segue"] == []
