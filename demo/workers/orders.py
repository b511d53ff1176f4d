"""The house's own form of an order: what `map-order` makes and the other actions read."""

from __future__ import annotations

import msgspec


class HouseOrder(msgspec.Struct, frozen=True):
    """An order with types: the day in ISO 8601, the amount in US cents, the estimated weight in grams."""

    order: int
    customer: str
    day: str
    cds: int
    cents: int
    weight_g: int
    parcels: int
