"""Pages of lists, the same everywhere: a cursor says where the next page begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from segue.model.errors import Invalid

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """Some items in order, and the cursor of the rest; None when these are the last."""

    items: Sequence[T]
    next: str | None


def page(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """A page of `limit` items out of `limit + 1` that were asked for, so that the end is known without another look."""
    items = found[:limit]
    more = len(found) > limit
    return Page(items=items, next=cursor(items[-1]) if more else None)


def page_of_all(everything: Sequence[T], after: str | None, limit: int, key: Callable[[T], str]) -> Page[T]:
    """A page of a list that is short enough to be read whole; the cursor is the key of the last item seen."""
    ordered = sorted(everything, key=key)
    if after is not None:
        ordered = [item for item in ordered if key(item) > after]
    return page(ordered[: limit + 1], limit, key)


def number_cursor(cursor: str | None) -> int:
    """A cursor that is a number; 0 without one. Raises Invalid."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > 18:
        raise Invalid("cursor is not one that this list gave")
    return int(cursor)
