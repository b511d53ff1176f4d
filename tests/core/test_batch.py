"""Batches: items, their headers, and the cursor."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from segue.core.decide import decide, large_batch
from segue.core.headers import call_headers
from segue.core.routing import Routes
from segue.model.graph import ActionKind, NodeKind
from segue.model.message import Child, Consumed, Kept, Message, Place, SetAside
from segue.model.workers import WorkerReply
from tests.core.build import INSTANCE, NOW, TAKEN, action, cel, envelope, message, node, reply, routes

BATCH = action("b", ActionKind.BATCH)
NEXT, OTHER = action("next"), action("other")
ONE = routes([BATCH, NEXT], "b > next")
TWO = routes([BATCH, NEXT, OTHER], "b > next", "b > other")


def sent(
    items: Any, code: str = "0", made: Routes = ONE, taken: Message | None = None, **headers: Any
) -> tuple[Child, ...]:
    done = decide(made, taken or message("b"), reply(code, json.dumps(items), **headers), NOW, TAKEN, 0.5)
    assert isinstance(done.effect, Consumed), done.effect
    return done.effect.children


def refused(body: Any, code: str = "0", **headers: Any) -> SetAside:
    done = decide(ONE, message("b"), reply(code, body, **headers), NOW, TAKEN, 0.5)
    assert isinstance(done.effect, SetAside), done.effect
    return done.effect


def test_items_go_to_every_follower_in_the_order_of_the_items() -> None:
    found = sent([{"body": "1"}, {"body": "2"}, {"body": "3"}], made=TWO)
    assert [(child.body, child.node) for child in found] == [
        (b"1", "next"), (b"1", "other"), (b"2", "next"), (b"2", "other"), (b"3", "next"), (b"3", "other"),
    ]  # fmt: skip


def test_each_item_has_a_process_of_its_own_even_the_only_one() -> None:
    (child,) = sent([{"body": "1"}], taken=message("b", headers={"process-id": "p"}, parent="m"))
    assert child.headers == {"process-id": child.id, "parent-id": "p"}
    (child,) = sent([{"body": "1"}])
    assert child.headers["parent-id"] == INSTANCE


def test_headers_of_an_item_lie_over_those_of_the_batch_and_null_does_not_count() -> None:
    items = [{"body": "1", "headers": {"a": "item", "b": None, "n": 5, "user": None}}, {"body": "2", "headers": None}]
    one, two = sent(items, a="batch", b="batch", user="ann")
    assert {name: one.headers[name] for name in ("a", "b", "n", "user")} == {
        "a": "item",
        "b": "batch",
        "n": "5",
        "user": "ann",
    }
    assert {name: two.headers[name] for name in ("a", "b", "user")} == {"a": "batch", "b": "batch", "user": "ann"}
    assert "n" not in two.headers


def test_an_item_may_go_back_to_the_default_user() -> None:
    (child,) = sent([{"headers": {"user": "orchesty"}}], user="ann")
    assert "user" not in child.headers


def test_items_do_not_say_what_only_the_engine_says() -> None:
    forged = {
        "process-id": "forged",
        "message-id": "forged",
        "result-code": "1006",
        "cursor": "forged",
        "node-id": "forged",
    }
    (child,) = sent([{"body": "1", "headers": forged}], cursor="c", correlation_id="forged")
    assert child.headers == {"process-id": child.id, "parent-id": INSTANCE}


@pytest.mark.parametrize(
    ("item", "body"),
    [({"body": "x"}, b"x"), ({"body": None}, b""), ({}, b""), ({"body": {"a": 1}}, b'{"a": 1}'),
     ({"body": [1]}, b"[1]"),
     ({"body": b64encode(b"\xff").decode(), "headers": {"body-encoding": "base64"}}, b"\xff")],
)  # fmt: skip
def test_bodies_of_items(item: dict[str, Any], body: bytes) -> None:
    (child,) = sent([item])
    assert child.body == body
    assert "body-encoding" not in child.headers


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"a":1}', "Expected `array`, got `object`"),
        ("", "no JSON array"),
        ("[1]", "Expected `object`, got `int` - at `$[0]`"),
        ('[{"body":"1"},{"headers":[]}]', "at `$[1].headers`"),
        ('[{"body":"1"', "no JSON array"),
        ("[" * 5_000, "no JSON array"),
        ('[{},{"body":"!","headers":{"body-encoding":"base64"}}]', "The body of item 1 is not the base64"),
        ('[{"body":"\\ud800"}]', ""),
        ('[{"headers":{"a":' + "[" * 100_000 + "]" * 100_000 + "}}]", ""),
    ],
)
@pytest.mark.parametrize("code", ["0", "1010"])
def test_what_is_no_batch_goes_to_trash_whole(body: str, text: str, code: str) -> None:
    effect = refused(body, code, cursor="c")
    assert effect.reason_code == "bad-batch"
    assert text in effect.reason


def test_the_next_page_is_asked_for_with_the_first_body_and_the_new_cursor() -> None:
    taken = message("b", b"first", {"cursor": "1", "process-id": "p", "parent-id": "q"}, parent="m")
    *_, again = sent([{"body": "1"}], "1010", taken=taken, cursor="2", tenant="t")
    assert (again.node, again.body, again.place) == ("b", b"first", Place.QUEUED)
    assert again.headers == {"cursor": "2", "tenant": "t", "process-id": "p", "parent-id": "q"}


def test_the_cursor_reaches_the_action_and_nobody_else() -> None:
    item, again = sent([{"body": "1"}], "1010", cursor=7)
    next_call = call_headers(
        ONE,
        Message(
            id=again.id, version=1, node="b", instance=INSTANCE, body=b"", headers=again.headers, entered=0, parent="m"
        ),
    )
    assert next_call["cursor"] == "7"
    assert "cursor" not in item.headers


def test_an_empty_cursor_is_one() -> None:
    (again,) = sent([], "1011", cursor="")
    assert again.headers["cursor"] == ""


def test_without_a_cursor_the_batch_would_never_end() -> None:
    assert refused("[]", "1010").reason_code == "no-cursor"
    assert refused("[]", "1011", cursor=None).reason_code == "no-cursor"


def test_iterate_only_does_not_look_at_the_body() -> None:
    (again,) = sent("no items", "1011", cursor="2")
    assert again.node == "b"


def test_the_cursor_of_the_last_page_does_not_travel() -> None:
    (child,) = sent([{"body": "1"}], "0", cursor="9")
    assert "cursor" not in child.headers


def test_a_repeat_asks_for_the_same_page() -> None:
    answer = reply("1001", "[]", repeat_interval="1", repeat_max_hops="5", cursor="9")
    done = decide(ONE, message("b", headers={"cursor": "2"}), answer, NOW, TAKEN, 0.5)
    assert isinstance(done.effect, Kept)
    assert done.effect.headers is None


def test_each_item_is_routed_by_its_own_body_and_headers() -> None:
    gate = node("x", NodeKind.EXCLUSIVE)
    made = routes([BATCH, gate, NEXT, OTHER], "b > x", "x > next", "x > other",
                  f1=cel("n > 1 && headers.k == 'i'"), f2=cel("n <= 1"))  # fmt: skip
    items = [{"body": '{"n":2}', "headers": {"k": "i"}}, {"body": '{"n":1}'}, {"body": "{}"}, {"body": "[]"}]
    found = sent(items, made=made, k="b")
    assert [(child.node, child.place) for child in found] == [
        ("next", Place.QUEUED), ("other", Place.QUEUED), ("x", Place.TRASH), ("x", Place.TRASH),
    ]  # fmt: skip


def test_many_items_stuck_for_one_reason_make_one_line() -> None:
    made = routes([BATCH, node("x", NodeKind.EXCLUSIVE), NEXT], "b > x", "x > next", f1=cel("nope"))
    done = decide(made, message("b"), reply("0", json.dumps([{"body": "{}"}] * 500)), NOW, TAKEN, 0.5)
    assert [line.text.endswith("(500 messages)") for line in done.logs] == [True]


def test_an_item_that_terminates_ends_it_all() -> None:
    made = routes([BATCH, node("x", NodeKind.EXCLUSIVE, default_flow="f1"), NEXT, node("z", NodeKind.TERMINATE)],
                  "b > x", "x > next", "x > z", f2=cel("n == 2"))  # fmt: skip
    done = decide(
        made,
        message("b"),
        reply("1010", '[{"body":"{\\"n\\":1}"},{"body":"{\\"n\\":2}"}]', cursor="c"),
        NOW,
        TAKEN,
        0.5,
    )
    assert isinstance(done.effect, Consumed)
    assert (done.effect.children, done.effect.terminate) == ((), True)


PIECES = st.integers(1, 7)


@given(items=st.lists(st.sampled_from(["a", "b", "stuck", "end", "bad"]), max_size=12), size=PIECES, data=st.data())
def test_a_large_answer_is_decided_as_a_small_one(items: list[str], size: int, data: st.DataObject) -> None:
    """Some children at a time, the same children and the same effect, whatever the items are."""
    code = data.draw(st.sampled_from(["0", "1002", "1010", "1011", "1006", "1001", "2001"]))
    cursor = data.draw(st.sampled_from([None, "3"]))
    drawn = _with_conditions()
    body = "[" + ",".join(_ITEMS[item] for item in items) + "]"
    headers = {"result-code": code, "x-shared": "1"} | ({"cursor": cursor} if cursor else {})
    answer = WorkerReply(status=200, body=envelope(headers, body))
    asking = message("call", headers={"cursor": "2"})
    whole = decide(drawn, asking, answer, NOW, TAKEN, 0.5)
    large = large_batch(drawn, asking, answer, NOW, TAKEN)
    if large is None:
        assert code in {"1006", "1001", "1011"}
        return
    children = [child for piece in large.pieces(size) for child in piece]
    assert large.transition is not None
    if large.whole:
        assert isinstance(whole.effect, Consumed)
        assert list(whole.effect.children) == children
        assert not whole.effect.terminate
        children = []
        assert large.transition == replace(whole, effect=replace(whole.effect, children=()))
    else:
        assert large.transition == whole


def test_no_array_is_no_large_answer_either() -> None:
    answer = WorkerReply(status=200, body=envelope({"result-code": "0"}, "{}"))
    large = large_batch(ONE, message("b"), answer, NOW, TAKEN)
    assert large is not None
    assert list(large.pieces(5)) == []
    assert large.transition == decide(ONE, message("b"), answer, NOW, TAKEN, 0.5)
    assert large_batch(ONE, message("next"), answer, NOW, TAKEN) is None


_ITEMS = {
    "a": '{"body":"a"}',
    "b": '{"body":"b","headers":{"x-own":"2","cursor":"9","nothing":null}}',
    "stuck": '{"body":"stuck","headers":{"x-way":"none"}}',
    "end": '{"body":"end","headers":{"x-way":"end"}}',
    "bad": '{"body":"?","headers":{"body-encoding":"base64"}}',
}


def _with_conditions() -> Routes:
    """A batch whose items go on, end the instance, or find no way, by a header."""
    nodes = [action("call", ActionKind.BATCH), action("next"), node("over", NodeKind.TERMINATE)]
    return routes(
        nodes,
        "call > next",
        "call > over",
        f0=cel('!("x-way" in headers)'),
        f1=cel('"x-way" in headers && headers["x-way"] == "end"'),
    )
