"""Whose headers are whose."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from segue.core.headers import ANSWER, CARRIED, DEFAULTS, ENGINE, call_headers, clean_headers, edited_headers
from segue.model.graph import Action, ActionKind, NodeKind
from tests.core.build import INSTANCE, MESSAGE, NOW, action, message, node, routes

ANY_HEADERS = st.dictionaries(
    st.sampled_from([*sorted(ENGINE | ANSWER | set(DEFAULTS)), "x", "tenant", "cursor"]), st.text(max_size=4)
)


def line() -> list:
    shop = action("a", name="fetch")
    crm = node(
        "b",
        NodeKind.ACTION,
        name="store",
        action=Action(kind=ActionKind.CUSTOM, worker="w", name="n", application="crm"),
    )
    erp = node("c", NodeKind.ACTION, action=Action(kind=ActionKind.CUSTOM, worker="w", name="n", application="aerp"))
    return [node("s", NodeKind.START), shop, crm, erp]


def test_a_call_has_every_header_of_the_protocol_as_text() -> None:
    made = routes(line(), "s > a", "a > b", "a > c")
    assert call_headers(made, message("a", headers={"tenant": "t1"})) == {
        "applications": "aerp;crm",
        "attempt": "1",
        "content-type": "application/json",
        "correlation-id": INSTANCE,
        "message-id": MESSAGE,
        "node-id": "a",
        "node-name": "fetch",
        "parent-id": "",
        "previous-node-id": "s",
        "process-id": INSTANCE,
        "process-started": str(int("01981f2e6c00", 16)),
        "source": "auto",
        "tenant": "t1",
        "topology-id": "3",
        "user": "orchesty",
        "worker-followers": '[{"id":"b","name":"store"},{"id":"c","name":"c"}]',
    }


def test_the_start_is_that_of_the_instance_or_the_arrival_if_its_id_has_no_time() -> None:
    made = routes(line(), "s > a")
    assert call_headers(made, message("a", instance="i"))["process-started"] == str(NOW - 100)
    odd = "01981f2e-zz00-7000-8000-00000000000a"
    assert call_headers(made, message("a", instance=odd))["process-started"] == str(NOW - 100)


def test_a_node_without_followers_says_so() -> None:
    headers = call_headers(routes(line(), "s > a"), message("a"))
    assert json.loads(headers["worker-followers"]) == []


def test_repeats_and_outages_are_counted() -> None:
    made = routes(line(), "s > a")
    assert "repeat-hops" not in call_headers(made, message("a", outages=2))
    headers = call_headers(made, message("a", repeats=2, outages=3))
    assert (headers["repeat-hops"], headers["attempt"]) == ("3", "6")


def test_the_engines_headers_win_and_extra_ones_come_last() -> None:
    made = routes(line(), "s > a", "a > b")
    stored = dict.fromkeys(ENGINE | ANSWER, "forged")
    headers = call_headers(made, message("a", headers={**stored, "x": "y"}), {"sdk": "w"})
    assert "forged" not in headers.values()
    assert (headers["sdk"], headers["x"]) == ("w", "y")


def test_what_the_caller_sent_as_process_id_is_not_believed_but_a_childs_is() -> None:
    made = routes(line(), "s > a")
    stored = {"process-id": "p", "parent-id": "q"}
    assert call_headers(made, message("a", headers=stored))["process-id"] == INSTANCE
    child = call_headers(made, message("a", headers=stored, parent="m"))
    assert (child["process-id"], child["parent-id"]) == ("p", "q")


def test_the_previous_node_is_computed_where_there_is_one_and_stored_where_there_are_two() -> None:
    made = routes(line(), "s > a", "a > c", "b > c")
    assert call_headers(made, message("a", headers={"previous-node-id": "x"}, parent="m"))["previous-node-id"] == "s"
    assert call_headers(made, message("c", headers={"previous-node-id": "b"}, parent="m"))["previous-node-id"] == "b"
    assert call_headers(made, message("c"))["previous-node-id"] == ""


def test_cleaning_keeps_what_is_the_users() -> None:
    given_ = {**dict.fromkeys(ENGINE | ANSWER, "x"), **DEFAULTS, "tenant": "t", "cursor": "5", "limiter-key": "a|b;1;2"}
    assert clean_headers(given_) == {"tenant": "t", "cursor": "5", "limiter-key": "a|b;1;2"}
    assert clean_headers({"user": "ann", "content-type": "text/xml"}) == {"user": "ann", "content-type": "text/xml"}


@given(ANY_HEADERS, ANY_HEADERS)
def test_an_edit_replaces_the_users_headers_only(stored: dict[str, str], written: dict[str, str]) -> None:
    child = message("a", headers=stored, parent="m")
    edited = edited_headers(child, written)
    assert {name: edited.get(name) for name in CARRIED} == {name: stored.get(name) for name in CARRIED}
    assert {name: value for name, value in edited.items() if name not in CARRIED} == clean_headers(written)
    assert edited_headers(child, None) == stored


@given(ANY_HEADERS)
def test_cleaning_twice_is_cleaning_once(headers: dict[str, str]) -> None:
    before = dict(headers)
    once = clean_headers(headers)
    assert clean_headers(once) == once
    assert headers == before
    assert not (ENGINE | ANSWER) & once.keys()
