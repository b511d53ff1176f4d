"""Instants as other systems write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.instants import instant_of


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        (1767225600000, 1767225600000),
        (1767225600, 1767225600000),
        ("1767225600", 1767225600000),
        (1767225600.5, 1767225600500),
        ("2026-01-01T00:00:00.000Z", 1767225600000),
        ("2026-01-01T01:00:00+01:00", 1767225600000),
        ("2026-01-01 00:00:00", 1767225600000),
        ({"$date": "2026-01-01T00:00:00Z"}, 1767225600000),
        ({"$date": {"$numberLong": "1767225600000"}}, 1767225600000),
        ({"$date": {"$date": 1}}, None),
        ({"else": 1}, None),
        (None, None),
        (True, None),
        ("soon", None),
        ("", None),
        (-1, None),
        (1e300, None),
        (float("nan"), None),
        ([1], None),
        ("9" * 400, None),
    ],
)
def test_what_is_written_and_what_it_means(written: object, instant: int | None) -> None:
    assert instant_of(written) == instant


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.lists(st.integers())))
def test_anything_is_an_instant_or_none(written: object) -> None:
    found = instant_of(written)
    assert found is None or found >= 0 or isinstance(written, str)
