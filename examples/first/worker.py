"""A worker with two actions: one maps a price, the other files the offer where it can be seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from segue_sdk import Fail, Message, Worker

EUROS_A_DOLLAR = 0.92
FOLDER = Path(os.environ.get("OFFERS", "data/offers"))

worker = Worker("offers")


@worker.custom("to-euro")
def to_euro(message: Message) -> dict[str, Any]:
    """Add the price in euros. What is returned is the body that goes on."""
    offer: dict[str, Any] = message.json()
    if "usd" not in offer:
        raise Fail("The offer has no price in usd")
    return offer | {"eur": round(offer["usd"] * EUROS_A_DOLLAR, 2)}


@worker.connector("file-offer")
def file_offer(message: Message) -> None:
    """Write the offer to a file named after the message: called twice, it still is one file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{message.id}.json").write_bytes(message.body)
    message.log.info("filed as %s.json", message.id)
