"""Bodies that meet."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.bodies import BodyError, Branch, received, together
from segue.model.graph import Bodies, Meeting

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def branches(*bodies: bytes) -> list[Branch]:
    return [Branch(f"f{number}", body) for number, body in enumerate(bodies)]


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


@given(st.lists(OBJECTS, min_size=1, max_size=4))
def test_objects_are_laid_over_one_another(values: list[dict[str, Any]]) -> None:
    laid: dict[str, Any] = {}
    for value in values:
        laid |= value
    assert json.loads(together(Bodies.MERGE, branches(*map(dumped, values)))) == laid


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_list_is_all_of_them_in_order(values: list[Any]) -> None:
    assert json.loads(together(Bodies.LIST, branches(*map(dumped, values)))) == values


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_by_flow_each_is_under_its_name(values: list[Any]) -> None:
    assert json.loads(together(Bodies.FLOWS, branches(*map(dumped, values)))) == {
        f"f{number}": value for number, value in enumerate(values)
    }


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=4), st.sampled_from(Bodies))
def test_whatever_they_are_something_comes_of_them(bodies: list[bytes], how: Bodies) -> None:
    made = together(how, branches(*bodies))
    if how in {Bodies.LIST, Bodies.FLOWS}:
        json.loads(made)
    assert together(how, branches(*bodies)) == made


def test_bodies_that_are_alike_stay_as_they_are() -> None:
    assert together(Bodies.MERGE, branches(b" {  } ", b" {  } ")) == b" {  } "
    assert together(Bodies.MERGE, branches(b"\xff")) == b"\xff"


def test_what_is_no_object_makes_a_list_of_them() -> None:
    made = together(Bodies.MERGE, branches(b'{"a":1}', b"plain", b"\xff"))
    assert json.loads(made) == [{"a": 1}, "plain", b64encode(b"\xff").decode()]


def test_several_over_one_flow_are_an_array_there() -> None:
    made = together(Bodies.FLOWS, [Branch("x", b"1"), Branch("y", b"2"), Branch("x", b"3")])
    assert json.loads(made) == {"x": [1, 3], "y": 2}


@pytest.mark.parametrize(
    ("bodies", "into", "own", "coming", "wanted"),
    [
        (Bodies.LAST, None, b'{"a":1}', b'{"b":2}', b'{"b":2}'),
        (Bodies.FIRST, None, b'{"a":1}', b'{"b":2}', b'{"a":1}'),
        (Bodies.MERGE, None, b'{"a":1}', b'{"b":2}', b'{"a":1,"b":2}'),
        (Bodies.LAST, "r", b'{"a":1}', b"text", b'{"a":1,"r":"text"}'),
        (Bodies.LAST, "a", b'{"a":1}', b"[2]", b'{"a":[2]}'),
        (Bodies.LAST, None, b'{"a":1}', b"", b'{"a":1}'),
    ],
)
def test_what_comes_to_who_waits(bodies: Bodies, into: str | None, own: bytes, coming: bytes, wanted: bytes) -> None:
    assert received(Meeting(bodies=bodies, into=into), own, coming) == wanted


def test_a_field_needs_an_object() -> None:
    with pytest.raises(BodyError, match="field 'r'"):
        received(Meeting(bodies=Bodies.LAST, into="r"), b"[]", b"1")
