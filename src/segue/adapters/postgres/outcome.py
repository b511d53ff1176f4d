"""The truth about a commit whose answer was lost: the database knows of each transaction whether it was committed."""

from __future__ import annotations

import asyncio

import asyncpg

from segue.adapters.postgres.connect import Link
from segue.adapters.postgres.trouble import ERRORS
from segue.model.errors import StoreUnavailable

_STATUS = "SELECT pg_xact_status($1::text::xid8)"
_AGAIN_S = 0.1


class UnknownOutcome(Exception):
    """The connection was lost while a commit was under way. `transaction` is its number."""

    def __init__(self, transaction: str) -> None:
        super().__init__(f"nobody knows whether transaction {transaction} was committed")
        self.transaction = transaction


async def was_committed(link: Link, transaction: str, within_s: float) -> bool | None:
    """Find out whether a transaction was committed; None when the database could not be asked within the time."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + within_s
    while True:
        try:
            connection = await link.get()
            status = await connection.fetchval(_STATUS, transaction)
        except asyncpg.InvalidParameterValueError:  # a number of the future: the database was put back in time
            return False
        except (*ERRORS, StoreUnavailable):
            link.drop()
            status = "unknown"
        if status in {"committed", "aborted"}:
            return bool(status == "committed")
        if status is None or loop.time() > give_up:
            return None
        await asyncio.sleep(_AGAIN_S)
