"""Scopes: paths of what messages belong to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core import scopes

KINDS = st.sampled_from([scopes.FORK, scopes.PART, scopes.GUARD, scopes.RACE])
SEGMENTS = st.builds(scopes.segment, KINDS, st.integers(0, 3), st.text(max_size=2), st.integers(0, 1))
NUMBERED = st.builds(
    scopes.numbered, st.sampled_from([scopes.WATCH, scopes.REMIND]), st.integers(0, 3), st.integers(0, 9)
)
PATHS = st.lists(SEGMENTS | NUMBERED, max_size=5).map("".join)


@given(PATHS.filter(bool), PATHS)
def test_what_is_in_a_scope_is_a_range_of_texts(scope: str, other: str) -> None:
    assert (scope <= other < scopes.beyond(scope)) == other.startswith(scope)
    assert (scope <= scope + other < scopes.beyond(scope)) is True


@given(PATHS)
def test_a_path_is_its_segments(scope: str) -> None:
    assert "".join(scopes.segments(scope)) == scope
    if scope:
        assert scopes.around(scope) + scopes.segments(scope)[-1] == scope
        assert scopes.last_kind(scope) == scopes.kind_of(scopes.segments(scope)[-1])


@given(PATHS)
def test_what_encloses_a_message_begins_its_scope(scope: str) -> None:
    around = scopes.enclosing(scope)
    assert around == sorted(around, key=len)
    assert all(scope.startswith(each) and scopes.last_kind(each) in {"f", "s"} for each in around)


@given(PATHS)
def test_leaving_goes_outwards_and_ends_only_what_it_left(scope: str) -> None:
    found = scopes.leaving(scope)
    assert scope.startswith(found.base)
    if found.clears:
        assert scope.startswith(found.clears)
        assert found.clears.startswith(found.base)
        assert found.clears != found.base


@given(PATHS, KINDS, st.integers(0, 3))
def test_the_innermost_scope_of_a_node_is_found(scope: str, kind: str, index: int) -> None:
    found = scopes.opened_by(scope, kind, index)
    mine = [part for part in scopes.segments(scope) if (scopes.kind_of(part), scopes.index_of(part)) == (kind, index)]
    assert (found is None) == (not mine)
    if found is not None:
        assert scope.startswith(found)
        assert scopes.segments(found)[-1] == mine[-1]


def test_the_same_message_opens_the_same_scope_and_another_one_another() -> None:
    assert scopes.segment("f", 1, "m", 0, "k") == scopes.segment("f", 1, "m", 0, "k")
    others = {scopes.segment("f", 1, *key) for key in [("m", 0, "k"), ("n", 0, "k"), ("m", 1, "k"), ("m", 0, "l")]}
    assert len(others) == 4


def test_calls_are_counted_and_name_who_called() -> None:
    first = scopes.call_scope("one", "")
    second = scopes.call_scope("two", first + "f1.x/")
    assert [scopes.call_depth(each) for each in ("", first, second)] == [0, 1, 2]
    assert [scopes.caller_of(each) for each in ("", first, second + "f3.y/")] == [None, "one", "two"]


@pytest.mark.parametrize(
    ("scope", "base", "clears"),
    [
        ("", "", ""),
        ("f1.a/", "f1.a/", ""),
        ("f1.a/g2.b/", "f1.a/", "f1.a/g2.b/"),
        ("f1.a/g2.b/w3.0/", "f1.a/", "f1.a/g2.b/"),
        ("f1.a/g2.b/n3.0/", "f1.a/", ""),
        ("s4.a/w3.0/", "", "s4.a/"),
        ("r4.a/", "", "r4.a/"),
    ],
)
def test_leaving(scope: str, base: str, clears: str) -> None:
    assert scopes.leaving(scope) == scopes.Leaving(base, clears)
