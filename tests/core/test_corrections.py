"""One change for many messages."""

from __future__ import annotations

from typing import Any

import pytest

from segue.core.corrections import Correction, merged
from segue.model.errors import Invalid


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [  # RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merging_as_the_rfc_says(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


def test_a_body_is_merged_or_replaced_or_stays() -> None:
    assert Correction(merge={"price": 5}).body_of(b'{"name":"x","price":"?"}') == b'{"name":"x","price":5}'
    assert Correction(body=b"raw").body_of(b"anything") == b"raw"
    assert Correction().body_of(b"anything") is None


@pytest.mark.parametrize("body", [b"", b"<xml/>", b"[1]", b"7", b"\xff", b"[" * 100_000])
def test_what_is_no_object_cannot_be_merged_into(body: bytes) -> None:
    with pytest.raises(Invalid, match="merged"):
        Correction(merge={"a": 1}).body_of(body)


def test_headers_are_laid_over() -> None:
    assert Correction(headers={"a": "2", "b": None}).headers_of({"a": "1", "b": "1", "c": "1"}) == {"a": "2", "c": "1"}
    assert Correction().headers_of({"a": "1"}) is None
