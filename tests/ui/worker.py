"""The worker of the browser tests, made with the SDK: an order passes when its amount is a number."""

from __future__ import annotations

from typing import Any

from segue_sdk import Fail, Message, Worker

worker = Worker("office")


@worker.custom("check")
def check(message: Message) -> dict[str, Any]:
    """Let an order pass that says its amount in digits."""
    order: dict[str, Any] = message.json()
    if not isinstance(order.get("amount"), int):
        raise Fail(f"The amount {order.get('amount')!r} is no number")
    return order


@worker.connector("book")
def book(message: Message) -> None:
    """Say that it is booked."""
    message.log.info("booked %s", message.id)
