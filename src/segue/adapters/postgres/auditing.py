"""The audit of a database: over a connection of its own, for as long as it takes.

A store of some millions of rows is counted for minutes. The connections of the store are not for that: their statements
are given up after a time, and the one that is kept busy would be missing to others.
"""

from __future__ import annotations

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.connect import Connection, connect_unhurried
from segue.adapters.postgres.scripted import read
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.trouble import ERRORS, unavailable
from segue.adapters.sql import audit as auditing
from segue.model.ledger import Audit


async def prove(address: Address, settings: PostgresSettings, connection_class: type[Connection], now: int) -> Audit:
    """Prove the ledger of a database from its rows, in one snapshot. Raises StoreUnavailable."""
    connection = await connect_unhurried(address, settings, connection_class)
    try:
        return await audit_over(connection, now)
    except ERRORS as error:
        raise unavailable(error, address) from error
    finally:
        connection.terminate()


async def audit_over(connection: Connection, now: int) -> Audit:
    """The same over a connection that is there. Raises what asyncpg does."""
    return await read(connection, lambda: auditing.audit(now), whole=True)
