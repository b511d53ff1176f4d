"""What PostgreSQL's errors mean for people, and which of them may be met with trying again."""

from __future__ import annotations

import asyncpg

from segue.adapters.postgres.address import Address
from segue.model.errors import StoreUnavailable

_ADVICE = {
    "53100": "the disk of the database is full; free some space, the store goes on by itself",
    "53300": "the database has no connection left; raise its max_connections, or run fewer processes",
    "25006": "the database is read-only; point the store to the one that can be written",
    "57P01": "the database is being stopped; the store goes on by itself once it is back",
    "57P03": "the database is starting; the store goes on by itself",
    "28P01": "the password is wrong; correct the URL or the file with the password",
    "28000": "the database does not let this user in; see its pg_hba.conf",
    "3D000": "there is no such database; make it, or correct the URL",
    "42501": "the user lacks a right in the database; it has to own the schema",
}
# Classes of SQLSTATE that any operation would meet: connection, access, resources, operators, system, read-only.
_OUTAGES = ("08", "28", "3D", "53", "57", "58", "XX", "25006", "42501", "0A000")
_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""What using a connection may raise."""


def unavailable(error: BaseException, address: Address) -> StoreUnavailable:
    """Return the error for callers: which database, what it says, what to do."""
    if isinstance(error, StoreUnavailable):
        return error
    state = str(getattr(error, "sqlstate", None) or "")
    said = str(error) or type(error).__name__
    advice = _ADVICE.get(state)
    if advice is None:
        gone = "see that it runs and can be reached; the store goes on by itself"
        advice = gone if is_lost(error) else "see the server's log"
    return StoreUnavailable(f"{address.shown} cannot be used now ({said}{f', {state}' if state else ''}): {advice}")


def is_outage(error: BaseException) -> bool:
    """Tell trouble with the database, which any operation would meet, from trouble with one operation."""
    state = str(getattr(error, "sqlstate", None) or "")
    return isinstance(error, StoreUnavailable) or is_lost(error) or state.startswith(_OUTAGES)


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, or must not be used any more."""
    return isinstance(error, _LOST)


def is_worth_again(error: BaseException) -> bool:
    """Whether the very same transaction may succeed when it is made again: it stood in another one's way."""
    return isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError | asyncpg.LockNotAvailableError)
