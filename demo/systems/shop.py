"""The shop: knows the orders of each day, and wants to hear which have been shipped.

`python -m demo.systems.shop`. Orders are given out in pages, as they stand in its (old) system: text fields only.
"""

from __future__ import annotations

import msgspec

from demo.data import Order, read_orders
from demo.systems.book import Book
from demo.systems.service import Refusal, Request, Service, enter

PAGE = 25
service = Service("shop")
shipped = Book()
figures = Book()
_by_day: dict[str, list[Order]] = {}


class Shipped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The notice that an order has left the warehouse."""

    order: int
    parcels: int


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many orders and CDs had left the warehouse at a closing."""

    orders: int
    cds: int


@service.route("GET", "/orders")
def orders(request: Request) -> tuple[int, object]:
    """One page of a day's orders, and where the next one begins (null at the end)."""
    day, begin = request.query.get("day", ""), request.query.get("from", "0")
    if not begin.isdecimal():
        raise Refusal(400, f"`from` is a number of orders to skip, not {begin!r}")
    found = _orders_of(day)
    end = int(begin) + PAGE
    page = found[int(begin) : end]
    return 200, {"orders": page, "next": end if end < len(found) else None}


@service.route("POST", "/shipped")
def mark_shipped(request: Request) -> tuple[int, object]:
    """Note that an order has been shipped."""
    notice = request.json(Shipped)
    return enter(shipped, request, notice.order, msgspec.structs.asdict(notice))


@service.route("GET", "/shipped")
def list_shipped(_: Request) -> tuple[int, object]:
    """All that has been shipped, with the count of repeated and refused calls."""
    return 200, {**shipped.totals(), "items": list(shipped.records.values())}


@service.route("POST", "/figures")
def publish_figure(request: Request) -> tuple[int, object]:
    """Take the figures of a closing; closings are numbered as they come."""
    figure = request.json(Figure)
    known = figures.number_of(request.key)
    number = len(figures.records) + 1 if known is None else known
    return enter(figures, request, number, msgspec.structs.asdict(figure))


@service.route("GET", "/figures")
def list_figures(_: Request) -> tuple[int, object]:
    """The figures of all closings."""
    return 200, {**figures.totals(), "items": list(figures.records.values())}


@service.route("GET", "/totals")
def totals(_: Request) -> tuple[int, object]:
    """How much has arrived."""
    return 200, {"shipped": shipped.totals(), "figures": figures.totals()}


def _orders_of(day: str) -> list[Order]:
    if not _by_day:
        for order in read_orders():
            _by_day.setdefault(order.day, []).append(order)
    return _by_day.get(day, [])


if __name__ == "__main__":
    service.run()
