"""The proof at the end: what arrived at each system, compared with the records one by one.

What should have arrived is worked out here from the file, not with the workers' code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from demo.data import Order

GRAMS_A_CD = 105
LETTER_G = 1_000
Records = dict[int, dict[str, Any]]
SHOWN = 5


def expected(orders: Iterable[Order], parcels: Mapping[int, int]) -> dict[str, Records]:
    """Return, for each book of the systems, what has to be in it; `parcels` says which need more than one."""
    books: dict[str, Records] = {name: {} for name in ("contacts", "purchases", "notes", "shipments", "shipped")}
    for order in orders:
        number, customer = order.number, f"C-{order.customer_id}"
        cds = int(order.number_of_cds)
        cents = round(Decimal(order.dollar_value) * 100)
        weight = cds * GRAMS_A_CD
        sent = parcels.get(number, 1)
        known = {"order": number, "customer": customer}
        books["contacts"][number] = {**known, "day": order.day}
        books["purchases"][number] = {**known, "day": order.day, "cds": cds, "cents": cents}
        kind = "parcel" if weight > LETTER_G and cents else "letter"
        books["shipments"][number] = {**known, "cds": cds, "weight_g": weight, "kind": kind, "parcels": sent}
        books["shipped"][number] = {"order": number, "parcels": sent}
        if cents == 0:
            books["notes"][number] = {**known, "text": f"{cds} CD free of charge on {order.day}"}
    return books


def differences(book: str, wanted: Records, arrived: Iterable[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """Return number and sentence for each order that is missing, doubled, unasked for, or not what it should be."""
    found: Records = {}
    problems = []
    for record in arrived:
        number = record["order"]
        if number in found:
            problems.append((number, f"{book}: order {number} is there twice"))
        found[number] = dict(record)
    for number, record in wanted.items():
        if number not in found:
            problems.append((number, f"{book}: order {number} is missing"))
        elif found[number] != record:
            problems.append((number, f"{book}: order {number} is {found[number]}, not {record}"))
    problems += [(number, f"{book}: order {number} should not be there") for number in found if number not in wanted]
    return problems


def short(problems: list[str]) -> list[str]:
    """Return the first few problems and how many more there are."""
    more = len(problems) - SHOWN
    return problems if more <= 0 else [*problems[:SHOWN], f"… and {more} more"]
