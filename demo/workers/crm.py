"""The CRM's worker: contacts, purchases, notes for sales."""

from __future__ import annotations

from demo.workers.orders import HouseOrder
from demo.workers.remote import Remote
from segue_sdk import Message, Worker

worker = Worker("crm")
crm = Remote(worker, "CRM_URL")


@worker.connector("upsert-contact", application="crm")
async def upsert_contact(message: Message) -> None:
    """Create the customer's contact, or note that it was seen again."""
    order = message.json(HouseOrder)
    await crm.post(message, "/contacts", {"order": order.order, "customer": order.customer, "day": order.day})


@worker.connector("record-purchase", application="crm")
async def record_purchase(message: Message) -> None:
    """Record what the customer bought."""
    order = message.json(HouseOrder)
    await crm.post(
        message,
        "/purchases",
        {
            "order": order.order,
            "customer": order.customer,
            "day": order.day,
            "cds": order.cds,
            "cents": order.cents,
        },
    )


@worker.connector("note-free-order", application="crm")
async def note_free_order(message: Message) -> None:
    """Let sales know that something was given away."""
    order = message.json(HouseOrder)
    text = f"{order.cds} CD free of charge on {order.day}"
    await crm.post(message, "/notes", {"order": order.order, "customer": order.customer, "text": text})
