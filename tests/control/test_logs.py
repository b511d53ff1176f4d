"""Searching a long log book: every line that fits is found once, however short the looks are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from segue.control import logs
from segue.control.logs import Logs, NoShipping
from segue.ports.log_book import LogFilter
from segue.ports.views import StoredLog


class Book:
    """Lines with gaps between their numbers, as several processes leave them, and none before the 1,000th."""

    def __init__(self) -> None:
        self.asked = 0
        self.lines = [
            StoredLog(
                seq=1_000 + 7 * n,
                at=n,
                level="info",
                text="rare" if n % 23 == 0 else "usual",
                process="p",
                version=1,
                node="a",
                instance="i",
                message="m",
            )
            for n in range(400)
        ]

    async def last_log(self) -> int:
        return self.lines[-1].seq

    async def find_logs(self, wanted: LogFilter) -> Sequence[StoredLog]:
        self.asked += 1
        fits = [
            line
            for line in self.lines
            if wanted.after < line.seq
            and (wanted.before is None or line.seq < wanted.before)
            and all(word in line.text for word in wanted.words)
        ]
        return (fits[::-1] if wanted.newest else fits)[: wanted.limit]


async def read(book: Book, wanted: LogFilter) -> tuple[list[int], int]:
    """The numbers of all lines that pages bring, and how many pages there were."""
    use = Logs(book, None, None, None, None, NoShipping())  # type: ignore[arg-type]
    found: list[int] = []
    cursor, pages = None, 0
    while True:
        page = await use.find(wanted, cursor)
        assert len(page.items) <= wanted.limit
        found += [line.seq for line in page.items]
        pages += 1
        cursor = page.next
        if cursor is None:
            return found, pages


@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize("bite", [1, 6, 100, 10_000])
@pytest.mark.parametrize("seconds", [0.0, 60.0])
@pytest.mark.parametrize(("after", "before"), [(0, None), (1_500, None), (0, 1_500), (1_200, 3_000), (9_000, None)])
async def test_all_that_fits_is_found_once_in_order(
    monkeypatch: pytest.MonkeyPatch, *, newest: bool, bite: int, seconds: float, after: int, before: int | None
) -> None:
    monkeypatch.setattr(logs, "_BITE", bite)
    monkeypatch.setattr(logs, "_SEARCH_S", seconds)
    book = Book()
    wanted = LogFilter(words=("rare",), newest=newest, limit=5, after=after, before=before)
    fits = [line.seq for line in book.lines if line.text == "rare" and after < line.seq < (before or 10_000)]
    found, pages = await read(book, wanted)
    assert found == (fits[::-1] if newest else fits)
    if seconds:
        assert pages == max(1, -(-len(fits) // 5))


async def test_a_look_ends_when_its_time_is_up_and_says_where_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_BITE", 100)
    monkeypatch.setattr(logs, "_SEARCH_S", 0.0)
    book = Book()
    use = Logs(book, None, None, None, None, NoShipping())  # type: ignore[arg-type]
    page = await use.find(LogFilter(words=("nowhere",), newest=True), None)
    assert (page.items, page.next is not None, book.asked) == ([], True, 2)
