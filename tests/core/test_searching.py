"""Searching messages by what they hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.searching import is_match, parse_match
from segue.model.errors import Invalid

BODY = json.dumps(
    {"order": 4274, "customer": {"id": "C-17", "vip": True}, "lines": [{"sku": "a"}, {"sku": "b=c"}], "gone": None}
).encode()
HEADERS = {"X-Order": "4274", "content-type": "application/json"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("body.order=4274", True),
        ("body.order=427", False),
        ("body.customer.id=C-17", True),
        ("body.customer.vip=true", True),
        ("body.customer=C-17", False),
        ("body.lines.sku=a", True),
        ("body.lines.1.sku=b=c", True),
        ("body.lines.0.sku=b=c", False),
        ("body.lines.7.sku=a", False),
        ("body.gone=null", True),
        ("body.nothing=1", False),
        ("header.x-order=4274", True),
        ("header.X-ORDER=4274", True),
        ("header.x-order=42", False),
        ("header.nothing=1", False),
        ("c-17", True),
        ("APPLICATION/json", True),
        ("C-18", False),
        ("body", False),
    ],
)
def test_a_text_says_what_is_looked_for(text: str, found: bool) -> None:
    assert is_match(parse_match(text), HEADERS, BODY) is found


@pytest.mark.parametrize("body", [b"", b"no json order", b"\xff\xfe order", b"[" * 5000 + b"order", b'"order"'])
def test_a_body_that_is_no_json_has_no_fields(body: bytes) -> None:
    assert not is_match(parse_match("body.order=1"), {}, body)


def test_a_field_that_is_written_with_escapes_is_found() -> None:
    assert is_match(parse_match("body.größe=7"), {}, json.dumps({"größe": 7}).encode())


@pytest.mark.parametrize("text", ["", "  ", "x" * 501])
def test_what_cannot_be_looked_for_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="match: give a text"):
        parse_match(text)


_KEYS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=5).filter(lambda key: not key.isdecimal())
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
)


@given(st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=4))
def test_every_field_of_any_json_is_found_by_its_path(body: dict[str, object]) -> None:
    raw = json.dumps(body).encode()
    for path, value in _leaves(body):
        text = value if isinstance(value, str) else json.dumps(value)
        if text == text.strip():
            assert is_match(parse_match(f"body.{'.'.join(path)}={text}"), {}, raw)


def _leaves(at: object, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], object]]:
    if isinstance(at, dict):
        return [leaf for key, value in at.items() for leaf in _leaves(value, (*path, key))]
    if isinstance(at, list):
        return [leaf for value in at for leaf in _leaves(value, path)]
    return [(path, at)] if path else []
