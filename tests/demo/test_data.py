"""The records of the demo: all there, read whole, and a broken file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.command import FIRST, LAST
from demo.data import DataError, between, read_orders
from demo.verify import GRAMS_A_CD, LETTER_G


def test_the_package_ships_the_known_number_of_real_orders() -> None:
    orders = read_orders()
    assert len(orders) == 6919
    assert len({order.customer_id for order in orders}) == 2357
    assert len({order.number for order in orders}) == 6919
    assert (orders[0].day, orders[-1].day) == ("1997-01-01", "1998-06-30")
    assert [order.date for order in orders] == sorted(order.date for order in orders)


def test_between_takes_both_ends() -> None:
    orders = read_orders()
    days = {order.day for order in between(orders, "1997-02-22", "1997-02-23")}
    assert days == {"1997-02-22", "1997-02-23"}


def test_the_demo_finds_among_its_orders_what_it_wants_to_show() -> None:
    """One order too heavy for one parcel, some free of charge, some heavier than a letter."""
    orders = between(read_orders(), FIRST, LAST)
    weights = [int(order.number_of_cds) * GRAMS_A_CD for order in orders]
    assert len(orders) > 2000
    assert sum(weight > 4000 for weight in weights) == 1
    assert sum(weight > LETTER_G for weight in weights) > 10
    assert sum(float(order.dollar_value) == 0 for order in orders) > 1
    assert sum(int(order.customer_id) % 50 == 0 for order in orders) > 10


def test_a_missing_file_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="make setup"):
        read_orders(tmp_path / "nothing.txt")


@pytest.mark.parametrize(
    "line", ["00004 0001 19970101 2", "00004 0001 yesterday 2 29.33", "00004 0001 19970101 two 1.0"]
)
def test_a_line_of_another_form_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "orders.txt"
    file.write_text(f" 00004 0001 19970101  2   29.33\n{line}\n", encoding="ascii")
    with pytest.raises(DataError, match="Line 2"):
        read_orders(file)
