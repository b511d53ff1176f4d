"""The proof must find every kind of fault, or it proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from demo.data import between, read_orders
from demo.verify import differences, expected, short

ORDERS = between(read_orders(), "1997-02-23", "1997-02-23")
BOOKS = expected(ORDERS, {4274: 2})


def test_the_day_of_the_heavy_order_is_expected_with_two_parcels() -> None:
    assert BOOKS["shipments"][4274] == {
        "order": 4274, "customer": "C-15003", "cds": 40, "weight_g": 4200, "kind": "parcel", "parcels": 2,
    }  # fmt: skip
    assert BOOKS["purchases"][4274]["cents"] == 50697


def test_nothing_differs_when_everything_arrived_in_any_order() -> None:
    for book, records in BOOKS.items():
        assert differences(book, records, reversed(list(records.values()))) == []


@pytest.mark.parametrize("book", ["contacts", "purchases", "shipments", "shipped"])
def test_each_kind_of_fault_is_found(book: str) -> None:
    arrived: list[dict[str, Any]] = [dict(record) for record in BOOKS[book].values()]
    arrived[0][list(arrived[0])[-1]] = "changed"
    doubled = dict(arrived[1])
    missing = arrived.pop(2)
    faults = differences(book, BOOKS[book], [*arrived, doubled, {"order": 99999}])
    assert sorted(number for number, _ in faults) == sorted(
        [arrived[0]["order"], doubled["order"], missing["order"], 99999]
    )


def test_many_problems_are_cut_short_with_their_number() -> None:
    assert short([str(number) for number in range(8)]) == ["0", "1", "2", "3", "4", "… and 3 more"]
    assert short(["one"]) == ["one"]
