"""Reading answers, without a socket: however they are cut, and whatever they are."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segue.adapters.worker_http import HttpSettings
from segue.adapters.worker_http.answer import AnswerReader
from segue.model.workers import Fault
from segue.testing.nasty_answers import ANSWERS, GARBAGE, GOOD, HALF, SURPLUS, TOO_LARGE

SETTINGS = HttpSettings(answer_limit=1000, head_limit=500)


def read(reader: AnswerReader, *parts: bytes) -> None:
    """Feed as a connection does: no more after trouble or the end."""
    for part in parts:
        if reader.trouble is not None or reader.complete:
            return
        reader.feed(part)


@pytest.mark.parametrize("name", list(GOOD | GARBAGE | HALF))
def test_an_answer_that_comes_byte_by_byte_means_the_same(name: str) -> None:
    raw = ANSWERS[name][0]
    whole, cut = AnswerReader(HttpSettings()), AnswerReader(HttpSettings())
    read(whole, raw)
    read(cut, *(raw[at : at + 1] for at in range(len(raw))))
    assert (whole.trouble is None) == (cut.trouble is None)
    if whole.trouble is None:
        assert (whole.complete, whole.until_close) == (cut.complete, cut.until_close)
        assert (whole.status, whole.headers, whole.body, whole.keep) == (cut.status, cut.headers, cut.body, cut.keep)


@given(st.sampled_from(sorted(GOOD)), st.data())
def test_where_an_answer_is_cut_makes_no_difference(name: str, data: st.DataObject) -> None:
    raw = GOOD[name][0]
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(raw) - 1)), max_size=6)))
    parts = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    whole, cut = AnswerReader(HttpSettings()), AnswerReader(HttpSettings())
    read(whole, raw)
    read(cut, *parts)
    assert cut.trouble is None
    assert (whole.complete, whole.status, whole.headers, whole.body) == (
        cut.complete,
        cut.status,
        cut.headers,
        cut.body,
    )


@pytest.mark.parametrize("second", [name for name, (_, kept) in GOOD.items() if kept])
@pytest.mark.parametrize("first", [name for name, (_, kept) in GOOD.items() if kept])
def test_nothing_of_one_answer_is_in_the_next(first: str, second: str) -> None:
    alone, after = AnswerReader(HttpSettings()), AnswerReader(HttpSettings())
    read(alone, GOOD[second][0])
    read(after, GOOD[first][0])
    assert (after.complete, after.keep) == (True, True)
    after.begin()
    assert not after.started
    read(after, GOOD[second][0])
    assert (alone.status, alone.headers, alone.body, alone.keep) == (
        after.status,
        after.headers,
        after.body,
        after.keep,
    )


@pytest.mark.parametrize("name", list(SURPLUS))
def test_surplus_ends_the_connection(name: str) -> None:
    reader = AnswerReader(HttpSettings())
    read(reader, SURPLUS[name][0])
    assert (reader.complete, reader.trouble, reader.keep) == (True, None, False)


@pytest.mark.parametrize("name", list(TOO_LARGE))
@pytest.mark.parametrize("size", [1000, 65_536, 10_000_000])
def test_too_large_however_it_is_cut(name: str, size: int) -> None:
    raw = TOO_LARGE[name][0]
    reader = AnswerReader(HttpSettings())
    read(reader, *(raw[at : at + size] for at in range(0, len(raw), size)))
    assert reader.trouble is not None
    assert reader.trouble[0] is Fault.TOO_LARGE


@given(st.lists(st.binary(max_size=200), max_size=10))
@example([b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001])
def test_whatever_comes_is_an_answer_or_trouble_and_stays_within_the_limits(parts: list[bytes]) -> None:
    reader = AnswerReader(SETTINGS)
    read(reader, *parts)
    assert len(reader.body) <= SETTINGS.answer_limit
    assert reader.trouble is None or reader.trouble[0] in {Fault.GARBAGE, Fault.TOO_LARGE}


@given(st.sampled_from(sorted(ANSWERS.keys() - TOO_LARGE.keys())), st.data())
def test_a_damaged_answer_is_an_answer_or_trouble(name: str, data: st.DataObject) -> None:
    raw = bytearray(ANSWERS[name][0])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    reader = AnswerReader(SETTINGS)
    read(reader, bytes(raw))
    if reader.trouble is None and reader.complete:
        assert reader.status >= 200
        assert len(reader.body) <= SETTINGS.answer_limit


def test_the_body_of_many_parts_is_whole() -> None:
    reader = AnswerReader(HttpSettings())
    read(reader, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *([b"2\r\nxy\r\n"] * 10_000), b"0\r\n\r\n")
    assert reader.complete
    assert reader.body == b"xy" * 10_000
