"""Sketches: exact where they promise it, within 1 % elsewhere, and the same whether merged or made in one."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from segue.core.figures import Figures, Gathered, together
from segue.core.sketch import ACCURACY, Sketch

values = st.lists(st.integers(0, 2**40) | st.integers(0, 300), max_size=60)
shares = st.sampled_from([0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0])


def sketch(of: list[int]) -> Sketch:
    made = Sketch()
    made.add(of)
    return made


@given(values, shares)
def test_a_quantile_is_within_one_per_cent_of_the_value_of_its_rank(of: list[int], share: float) -> None:
    found = sketch(of).quantile(share)
    if not of:
        assert found == 0
        return
    true = sorted(of)[int(share * (len(of) - 1))]
    assert abs(found - true) <= ACCURACY * true * 1.000001


@given(values)
def test_count_sum_and_bounds_are_exact(of: list[int]) -> None:
    made = sketch(of)
    assert (made.count, made.total, made.zeros) == (len(of), sum(of), of.count(0))
    assert (made.least, made.most) == (min(of, default=0), max(of, default=0))
    assert made.mean() == (sum(of) / len(of) if of else 0.0)
    assert sum(made.buckets.values()) + made.zeros == made.count


@given(values, st.lists(st.integers(0, 2**41), min_size=1, max_size=8))
def test_what_is_below_a_bound_is_right_but_for_what_is_near_it(of: list[int], some: list[int]) -> None:
    bounds = sorted(some)
    counts = sketch(of).below([float(bound) for bound in bounds])
    assert counts == sorted(counts)
    for bound, count in zip(bounds, counts, strict=True):
        surely = sum(value <= bound * (1 - 2 * ACCURACY) for value in of)
        perhaps = sum(value <= bound * (1 + 2 * ACCURACY) for value in of)
        assert surely <= count <= perhaps


@given(st.lists(values, max_size=6))
def test_merged_is_as_if_made_in_one(parts: list[list[int]]) -> None:
    merged = Sketch()
    for part in parts:
        merged.merge(sketch(part))
    assert merged == sketch([value for part in parts for value in part])


@given(values)
def test_what_is_stored_comes_back(of: list[int]) -> None:
    made = Figures(counts={"ok": len(of)}, sketches={"x": sketch(of)})
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Figures) == made


def test_what_is_below_zero_counts_as_zero() -> None:
    made = sketch([-5, 3])
    assert (made.count, made.total, made.zeros, made.least) == (2, 3, 1, 0)


rows = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(["ok", "trash", "repeat", "outage", "accepted"]),
        st.integers(0, 100),
        st.integers(100, 200),
        st.integers(200, 200_000),
        st.integers(0, 9),
        st.integers(0, 9),
        st.integers(0, 9),
        st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.sampled_from([0, 200])), max_size=2),
    ),
    max_size=30,
)


@given(rows, rows)
def test_figures_add_up_however_they_are_cut(one: list[tuple[int, ...]], other: list[tuple[int, ...]]) -> None:
    whole, apart, groups = Gathered(), Gathered(), Gathered()
    whole.handled(together([*one, *other]))
    apart.handled(together(one))
    apart.handled(together(other))
    groups.handled([*together(one), *together(other)])
    assert whole.by_key == apart.by_key == groups.by_key
    counted = sum(sum(figures.counts.values()) for figures in whole.by_key.values())
    assert counted == len(one) + len(other)
