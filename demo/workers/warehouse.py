"""The warehouse's worker: ships letters and parcels, counts what has left."""

from __future__ import annotations

from typing import Any

from demo.workers.orders import HouseOrder
from demo.workers.remote import Remote
from segue_sdk import Message, Result, Worker, forward

worker = Worker("warehouse")
warehouse = Remote(worker, "WAREHOUSE_URL")


@worker.connector("ship-letter", application="warehouse")
async def ship_letter(message: Message) -> None:
    """Ship the order as a letter."""
    await _ship(message, "letter")


@worker.connector("ship-parcel", application="warehouse")
async def ship_parcel(message: Message) -> None:
    """Ship the order as parcels, as many as it says."""
    await _ship(message, "parcel")


@worker.connector("count-shipments", application="warehouse")
async def count_shipments(message: Message) -> Result:
    """Ask how much has left the warehouse so far."""
    totals: dict[str, Any] = await warehouse.get(message, "/totals")
    return forward({"orders": totals["shipments"]["records"], "cds": totals["cds"]})


async def _ship(message: Message, kind: str) -> None:
    order = message.json(HouseOrder)
    await warehouse.post(
        message,
        "/shipments",
        {
            "order": order.order,
            "customer": order.customer,
            "cds": order.cds,
            "weight_g": order.weight_g,
            "kind": kind,
            "parcels": order.parcels,
        },
    )
