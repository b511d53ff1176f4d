"""The delay after an outage."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from segue.core.outage import outage_delay_ms

CHANCE = st.floats(0, 1, exclude_max=True)


def test_it_doubles_from_half_a_second_to_a_minute() -> None:
    assert [outage_delay_ms(n, 0.5) for n in range(1, 10)] == [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]


@given(st.integers(-5, 10**6), CHANCE)
def test_it_stays_within_a_fifth(outages: int, chance: float) -> None:
    middle = outage_delay_ms(outages, 0.5)
    assert round(middle * 0.8) <= outage_delay_ms(outages, chance) <= round(middle * 1.2)
    assert 400 <= outage_delay_ms(outages, chance) <= 72_000


@given(st.integers(1, 20), CHANCE)
def test_it_never_shrinks_with_more_outages(outages: int, chance: float) -> None:
    assert outage_delay_ms(outages, chance) <= outage_delay_ms(outages + 1, chance)
