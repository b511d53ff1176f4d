"""The truth about a commit whose answer was lost.

The number that the database gives to a transaction does not tell it. After a crash of the database the numbers of
transactions that had not reached its log are given away again, and what they say then is of somebody else. So each
writer notes in every transaction, in a row of its own, which of its transactions this is: what the row says when the
transaction is over was committed.
"""

from __future__ import annotations

import asyncio

import asyncpg
from msgspec import Struct

from segue.adapters.postgres.connect import Connection, Link
from segue.adapters.postgres.trouble import ERRORS
from segue.model.errors import StoreUnavailable

NOTE = (
    "INSERT INTO committed AS c (writer, number, at) VALUES ({writer}, {number}, now())"
    " ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at"
)
_STATUS = "SELECT pg_xact_status($1::text::xid8)"
_NOTED = "SELECT number FROM committed WHERE writer = $1"
# Rows of writers that have gone are in nobody's way; who waits for the truth waits for seconds.
FORGET = "DELETE FROM committed WHERE at < now() - interval '1 day'"
_AGAIN_S = 0.1


class Mark(Struct, frozen=True):
    """Transaction `number` of a writer; `transaction` is what the database calls it, to see whether it is over."""

    writer: int
    number: int
    transaction: str


class UnknownOutcome(Exception):
    """The connection was lost while a commit was under way."""

    def __init__(self, mark: Mark) -> None:
        super().__init__(f"nobody knows whether transaction {mark.transaction} was committed")
        self.mark = mark


async def was_committed(link: Link, mark: Mark, within_s: float) -> bool | None:
    """Find out whether a transaction was committed; None when the database could not be asked within the time."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + within_s
    while True:
        try:
            connection = await link.get()
            if await _is_over(connection, mark.transaction):
                return bool(await connection.fetchval(_NOTED, mark.writer) == mark.number)
        except (*ERRORS, StoreUnavailable):
            link.drop()
        if loop.time() > give_up:
            return None
        await asyncio.sleep(_AGAIN_S)


async def _is_over(connection: Connection, transaction: str) -> bool:
    try:
        status = await connection.fetchval(_STATUS, transaction)
    except asyncpg.InvalidParameterValueError:  # a number of the future: it was lost in a crash
        return True
    return bool(status != "in progress")
