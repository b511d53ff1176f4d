"""What the systems do with a call that comes twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from demo.systems.book import Book, Entry

KEYS = st.sampled_from(["a", "b", "c"])
NUMBERS = st.integers(1, 3)


def test_the_same_call_again_is_known_and_counted() -> None:
    book = Book()
    assert book.enter("a", 1, {"cds": 2}) is Entry.NEW
    assert book.enter("a", 1, {"cds": 2}) is Entry.REPEATED
    assert book.totals() == {"records": 1, "repeated": 1, "refused": 0}


def test_a_second_order_of_one_number_is_refused() -> None:
    book = Book()
    book.enter("a", 1, {"cds": 2})
    assert book.enter("b", 1, {"cds": 2}) is Entry.REFUSED
    assert book.enter("a", 2, {"cds": 2}) is Entry.REFUSED
    assert book.enter("a", 1, {"cds": 3}) is Entry.REFUSED
    assert book.records == {1: {"cds": 2}}
    assert book.refused == 3


@given(st.lists(st.tuples(KEYS, NUMBERS, st.integers(0, 1))))
def test_every_call_is_new_repeated_or_refused_and_no_record_changes(calls: list[tuple[str, int, int]]) -> None:
    book = Book()
    first: dict[int, int] = {}
    for key, number, cds in calls:
        if book.enter(key, number, {"cds": cds}) is Entry.NEW:
            assert number not in first
            first[number] = cds
    assert {number: record["cds"] for number, record in book.records.items()} == first
    assert len(book.records) + book.repeated + book.refused == len(calls)
