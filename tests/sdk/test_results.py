"""What an action can say: checked where it is written."""

import dataclasses
import math
from datetime import timedelta

import msgspec
import pytest

from segue_sdk import (
    Fail,
    LimitReached,
    Repeat,
    Stop,
    batch,
    fail,
    forward,
    item,
    limit_reached,
    repeat,
    route,
    stop,
)
from segue_sdk.results import ActionEnd, Result, as_result
from segue_sdk.wire import Code


class Order(msgspec.Struct):
    number: int


@dataclasses.dataclass
class Line:
    price: float


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        ({"a": 1}, b'{"a":1}'),
        ([1, "x", None], b'[1,"x",null]'),
        ("plain, not quoted", b"plain, not quoted"),
        (b"\xff\x00", b"\xff\x00"),
        (bytearray(b"x"), b"x"),
        (None, b"null"),
        (7, b"7"),
        (Order(3), b'{"number":3}'),
        (Line(1.5), b'{"price":1.5}'),
    ],
)
def test_a_body_is_encoded_where_it_is_given(body: object, encoded: bytes) -> None:
    assert forward(body).body == encoded


def test_no_body_means_the_body_as_it_came() -> None:
    assert forward().body is None
    assert forward(headers={"a": "1"}).body is None


@pytest.mark.parametrize("body", [object(), {1, object()}, {"a": object()}])
def test_a_body_that_is_no_json_names_its_type(body: object) -> None:
    with pytest.raises(TypeError, match=f"body of type {type(body).__name__} cannot be written as JSON"):
        forward(body)


def test_a_text_with_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        forward("\ud800")


def test_headers_become_text() -> None:
    headers = {"text": "č", "number": 7, "half": 0.5, "yes": True, "no": False, "gone": None}
    assert forward(headers=headers).headers == {
        "text": "č", "number": "7", "half": "0.5", "yes": "true", "no": "false", "gone": None
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["result-code", "cursor", "worker-followers", "correlation-id", "message-id", "repeat-hops"]
)
def test_the_engine_s_headers_cannot_be_set(name: str) -> None:
    for make in (forward, batch):
        with pytest.raises(ValueError, match=f'"{name}" belongs to the engine'):
            make(headers={name: "1"})
    with pytest.raises(ValueError, match=f'"{name}" belongs to the engine'):
        item({}, headers={name: "1"})


def test_headers_that_are_no_scalars_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match='"x" is text, a number or a boolean, not list'):
        forward(headers={"x": []})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="name of a header"):
        forward(headers={"": "1"})
    with pytest.raises(ValueError, match='"x" is None'):
        item({}, headers={"x": None})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("after", "sent"), [(60, "60"), (0.2, "1"), (0, "1"), (1.5, "2"), (timedelta(minutes=2), "120")]
)
def test_repeat_tells_whole_seconds(after: float | timedelta, sent: str) -> None:
    assert repeat(after, 3).plumbing == {"repeat-interval": sent, "repeat-max-hops": "3"}


@pytest.mark.parametrize("after", [-1, math.nan, math.inf, "60", True, timedelta(seconds=-1)])
def test_repeat_refuses_what_is_no_duration(after: float) -> None:
    with pytest.raises(ValueError, match="after must be a duration in seconds"):
        repeat(after)
    with pytest.raises(ValueError, match="retry_after must be a duration in seconds"):
        limit_reached(retry_after=after)


@pytest.mark.parametrize("at_most", [0, -1, 1.5, True, "3"])
def test_repeat_refuses_what_is_no_number_of_calls(at_most: int) -> None:
    with pytest.raises(ValueError, match="at_most must be a whole number"):
        repeat(60, at_most)


def test_route_needs_a_name() -> None:
    with pytest.raises(ValueError, match="at least one follower"):
        route()


def test_batch_items_and_cursor() -> None:
    made = batch([{"a": 1}, "text", item(b"\xff", headers={"k": 1})], cursor=7)
    assert made.code is Code.CURSOR
    assert made.plumbing == {"cursor": "7"}
    assert made.items is not None
    assert [(one.body, one.headers) for one in made.items] == [(b'{"a":1}', {}), (b"text", {}), (b"\xff", {"k": "1"})]
    assert batch().items == ()
    assert batch(cursor="next", iterate_only=True).code is Code.CURSOR_ONLY


def test_batch_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="needs a cursor"):
        batch(iterate_only=True)
    with pytest.raises(ValueError, match="sends nothing"):
        batch([1], cursor="x", iterate_only=True)
    for cursor in ("", True, 1.5):
        with pytest.raises(ValueError, match="A cursor is"):
            batch(cursor=cursor)  # type: ignore[arg-type]
    for items in ("text", b"bytes", {"a": 1}):
        with pytest.raises(TypeError, match="list of messages"):
            batch(items)


def test_a_reason_is_text() -> None:
    for make in (stop, fail, limit_reached):
        with pytest.raises(TypeError, match="A reason is text"):
            make(7)  # type: ignore[operator]
    assert fail("bad \udcff").reason == "bad \\udcff"


@pytest.mark.parametrize(
    ("raised", "returned"),
    [
        (Stop("done"), stop("done")),
        (Fail("bad"), fail("bad")),
        (Repeat(5, 2, "busy"), repeat(5, 2, "busy")),
        (LimitReached("slow", retry_after=3), limit_reached("slow", retry_after=3)),
    ],
)
def test_each_exception_stands_for_its_result(raised: ActionEnd, returned: Result) -> None:
    assert raised.result == returned
    assert str(raised) == returned.reason


def test_what_a_returned_value_stands_for() -> None:
    assert as_result(None, of_batch=False) == forward()
    assert as_result({"a": 1}, of_batch=False) == forward({"a": 1})
    assert as_result([1], of_batch=False) == forward([1])
    assert as_result(stop(), of_batch=False) == stop()
    assert as_result([{"a": 1}], of_batch=True) == batch([{"a": 1}])
    assert as_result(fail("x"), of_batch=True) == fail("x")


def test_values_that_do_not_fit_the_kind_of_action() -> None:
    for value in (forward(), route("a")):
        with pytest.raises(TypeError, match="neither forward nor route"):
            as_result(value, of_batch=True)
    for value in (None, {"a": 1}, "x"):
        with pytest.raises(TypeError, match="A batch returns"):
            as_result(value, of_batch=True)
    with pytest.raises(TypeError, match="Only a batch"):
        as_result(batch([1]), of_batch=False)


def test_a_forgotten_await_is_named() -> None:
    async def late() -> None: ...

    with pytest.raises(TypeError, match="coroutine that nobody awaits"):
        as_result(late(), of_batch=False)
