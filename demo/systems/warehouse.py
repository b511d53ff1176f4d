"""The warehouse: ships letters and parcels, and refuses what the carrier would not take.

`python -m demo.systems.warehouse`. A letter may weigh 1 kg, a parcel 4 kg.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from demo.systems.book import Book
from demo.systems.service import Refusal, Request, Service, enter

LETTER_G = 1_000
PARCEL_G = 4_000
service = Service("warehouse")
shipments = Book()
refused_weights: list[int] = []


class Shipment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order to be shipped to a customer, as one letter or as a number of parcels."""

    order: int
    customer: str
    cds: int
    weight_g: int
    kind: Literal["letter", "parcel"]
    parcels: int


@service.route("POST", "/shipments")
def ship(request: Request) -> tuple[int, object]:
    """Ship an order; 422 when it is too heavy for what it is to be shipped in."""
    shipment = request.json(Shipment)
    allowed = LETTER_G if shipment.kind == "letter" else PARCEL_G * shipment.parcels
    if shipment.parcels < 1 or shipment.weight_g > allowed:
        refused_weights.append(shipment.order)
        raise Refusal(
            422,
            f"Order {shipment.order} weighs {shipment.weight_g} g, more than the {allowed} g that go into "
            f"{shipment.parcels} {shipment.kind}: send it in more parcels",
        )
    return enter(shipments, request, shipment.order, msgspec.structs.asdict(shipment))


@service.route("GET", "/shipments")
def list_shipments(_: Request) -> tuple[int, object]:
    """Every shipment, with the count of repeated and refused calls."""
    return 200, {**shipments.totals(), "items": list(shipments.records.values())}


@service.route("GET", "/totals")
def totals(_: Request) -> tuple[int, object]:
    """How much has been shipped, and how often an order was too heavy."""
    cds = sum(shipment["cds"] for shipment in shipments.records.values())
    return 200, {"shipments": shipments.totals(), "cds": cds, "too_heavy": len(refused_weights)}


if __name__ == "__main__":
    service.run()
