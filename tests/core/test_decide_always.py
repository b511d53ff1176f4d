"""What holds for every message and every reply."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from segue.core.decide import decide
from segue.core.headers import ANSWER, BY_HAND, ENGINE
from segue.model.graph import ActionKind, NodeKind
from segue.model.ids import child_id
from segue.model.message import Consumed, Kept, Message, Outcome, Place, SetAside
from segue.model.workers import Fault, WorkerReply
from tests.core.build import NOW, TAKEN, action, cel, envelope, message, node, reply, routes, timer

NEXT, OTHER = action("next"), action("other")
CODES = st.sampled_from(["0", "1001", "1002", "1003", "1004", "1005", "1006", "1010", "1011", "2001", "x", None])
NAMES = st.sampled_from([*sorted(ENGINE | ANSWER), "x", "y", "cursor", "user", "limiter-key"])
VALUES = st.none() | st.integers(-5, 5) | st.text(max_size=5) | st.sampled_from(["next", "other", "base64", "YQ=="])
HEADERS = st.dictionaries(NAMES, VALUES, max_size=8)
ITEM = st.fixed_dictionaries({}, optional={"body": VALUES, "headers": st.none() | HEADERS})
BODIES = st.none() | st.text(max_size=20) | st.lists(ITEM, max_size=4)
STATUSES = st.sampled_from([200, 200, 200, 200, 204, 302, 400, 500, 503, 100])


@st.composite
def replies(draw: st.DrawFn) -> WorkerReply:
    if draw(st.integers(0, 9)) == 0:
        return WorkerReply(fault=draw(st.sampled_from(Fault)), detail=draw(st.text(max_size=5)))
    headers: dict[str, Any] = draw(HEADERS)
    code = draw(CODES)
    if code is not None:
        headers["result-code"] = code
    body: Any = draw(BODIES)
    if isinstance(body, list):
        body = envelope_text(body)
    return WorkerReply(status=draw(STATUSES), body=envelope(headers, body), elapsed_us=draw(st.integers(0, 9)))


def envelope_text(items: list[Any]) -> str:
    return envelope({}, items)[len(b'{"headers":{},"body":') : -1].decode()


WORLD = routes(
    [action("a"), action("b", ActionKind.BATCH), node("x", NodeKind.EXCLUSIVE, default_flow="f4"),
     node("i", NodeKind.INCLUSIVE), NEXT, OTHER, timer("t"), node("u", NodeKind.USER_TASK), node("e", NodeKind.END)],
    "a > x", "b > x", "x > next", "a > other", "x > t", "b > i", "i > u", "i > e", "x > b",
    f2=cel("body == 'a'"), f6=cel("size(body) > 2"), f8=cel("has(body.loop)"),
)  # fmt: skip
MESSAGES = st.builds(
    message, st.sampled_from(["a", "b"]), st.binary(max_size=5),
    st.dictionaries(NAMES, st.text(max_size=5), max_size=5),
    repeats=st.integers(0, 3), outages=st.integers(0, 3), parent=st.sampled_from([None, "m"]),
)  # fmt: skip
CHANCES = st.floats(0, 1, exclude_max=True)


@given(MESSAGES, replies(), CHANCES)
def test_deciding_twice_is_the_same(taken: Message, answer: WorkerReply, chance: float) -> None:
    first = decide(WORLD, taken, answer, NOW, TAKEN, chance)
    assert first == decide(WORLD, taken, answer, NOW, TAKEN, chance)


@given(MESSAGES, replies(), CHANCES)
def test_the_arguments_are_left_as_they_were(taken: Message, answer: WorkerReply, chance: float) -> None:
    before = (dict(taken.headers), taken.body, taken.place, taken.due, dict(answer.headers))
    decide(WORLD, taken, answer, NOW, TAKEN, chance)
    assert before == (taken.headers, taken.body, taken.place, taken.due, answer.headers)


@given(MESSAGES, replies(), CHANCES)
def test_children_have_ids_of_their_own_at_nodes_of_the_graph(
    taken: Message, answer: WorkerReply, chance: float
) -> None:
    effect = decide(WORLD, taken, answer, NOW, TAKEN, chance).effect
    if isinstance(effect, Consumed):
        ids = [child.id for child in effect.children]
        assert len(set(ids)) == len(ids)
        assert taken.id not in ids
        assert ids == [child_id(taken.id, child.node, index) for index, child in enumerate(effect.children)]
        assert {child.node for child in effect.children} <= WORLD.nodes.keys()


@given(MESSAGES, replies(), CHANCES)
def test_no_header_of_the_engine_or_of_one_answer_is_believed(
    taken: Message, answer: WorkerReply, chance: float
) -> None:
    """What a child stores of the engine's headers follows from the message and the graph alone."""
    effect = decide(WORLD, taken, answer, NOW, TAKEN, chance).effect
    own = {} if taken.parent is None else taken.headers
    process = own.get("process-id", taken.instance)
    began_by_hand = taken.headers.get("source") == BY_HAND
    for child in effect.children if isinstance(effect, Consumed) else ():
        stored = {name: value for name, value in child.headers.items() if name in ENGINE | ANSWER}
        previous = stored.pop("previous-node-id", taken.node)
        assert previous in {taken.node, own.get("previous-node-id")}
        assert stored.pop("source", None) == (BY_HAND if began_by_hand else own.get("source"))
        allowed: list[dict[str, str]] = [{}, {"process-id": child.id, "parent-id": process}]
        allowed.append({name: own[name] for name in ("process-id", "parent-id") if name in own})
        if "process-id" in own:
            allowed.append({"process-id": own["process-id"], "parent-id": own.get("parent-id", "")})
        assert stored in allowed


@given(MESSAGES, replies(), CHANCES)
def test_a_message_is_consumed_kept_or_set_aside_with_a_reason(
    taken: Message, answer: WorkerReply, chance: float
) -> None:
    effect = decide(WORLD, taken, answer, NOW, TAKEN, chance).effect
    if isinstance(effect, Consumed):
        assert effect.outcome in {Outcome.OK, Outcome.STOPPED}
        for child in effect.children:
            assert (child.place is Place.TRASH) == bool(child.reason and child.reason_code)
    else:
        assert isinstance(effect, Kept | SetAside)
        assert effect.reason
        assert effect.reason_code
    if isinstance(effect, Kept):
        assert effect.due >= NOW
        assert (effect.outages > taken.outages) == (effect.outcome is Outcome.OUTAGE)


@given(
    MESSAGES.filter(lambda taken: taken.node == "b"), st.lists(ITEM, max_size=4), st.sampled_from(["0", "1010", "1011"])
)
def test_a_batch_makes_a_child_for_each_item_and_way_and_one_for_the_cursor(
    taken: Message, items: list[Any], code: str
) -> None:
    made = routes([action("b", ActionKind.BATCH), NEXT, OTHER], "b > next", "b > other")
    effect = decide(made, taken, reply(code, envelope_text(items), cursor="c"), NOW, TAKEN, 0.5).effect
    if isinstance(effect, SetAside):  # an item that says base64 and is not
        assert "base64" in effect.reason
        return
    assert isinstance(effect, Consumed)
    expected = [] if code == "1011" else [name for _ in items for name in ("next", "other")]
    assert [child.node for child in effect.children] == [*expected, *(["b"] if code != "0" else [])]
