"""The shop's worker: fetches a day's orders, brings them into the house's form, tells the shop what was shipped."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from demo.workers.orders import HouseOrder
from demo.workers.remote import Remote
from segue_sdk import Fail, Message, Result, Worker, batch

CD_IN_ITS_CASE_G = 105
worker = Worker("shop")
shop = Remote(worker, "SHOP_URL")


class Day(msgspec.Struct, frozen=True):
    """What starts the process: the trading day whose orders are to be fetched."""

    day: str


class ShopOrder(msgspec.Struct, frozen=True):
    """An order as the shop's system gives it out: text, a date without dashes."""

    number: int
    customer_id: str
    date: str
    number_of_cds: str
    dollar_value: str


@worker.batch("fetch-orders", application="shop")
async def fetch_orders(message: Message) -> Result:
    """Fetch one page of the day's orders; each goes on as a message of its own; the cursor names the next page."""
    page: dict[str, Any] = await shop.get(
        message, "/orders", day=message.json(Day).day, **{"from": message.cursor or "0"}
    )
    return batch(page["orders"], cursor=page["next"])


@worker.custom("map-order")
def map_order(message: Message) -> HouseOrder:
    """Bring the shop's record into the house's form."""
    given = message.json(ShopOrder)
    try:
        cents = int(Decimal(given.dollar_value) * 100)
        cds = int(given.number_of_cds)
        day = date.fromisoformat(given.date).isoformat()
    except (InvalidOperation, ValueError) as error:
        raise Fail(f"Order {given.number} cannot be read: {error}") from error
    return HouseOrder(
        order=given.number,
        customer=f"C-{given.customer_id}",
        day=day,
        cds=cds,
        cents=cents,
        weight_g=cds * CD_IN_ITS_CASE_G,
        parcels=1,
    )


@worker.connector("mark-shipped", application="shop")
async def mark_shipped(message: Message) -> None:
    """Tell the shop that an order has left the warehouse."""
    order = message.json(HouseOrder)
    await shop.post(message, "/shipped", {"order": order.order, "parcels": order.parcels})


@worker.connector("publish-figures", application="shop")
async def publish_figures(message: Message) -> None:
    """Publish the figures of a closing on the shop's board."""
    await shop.post(message, "/figures", message.json())
