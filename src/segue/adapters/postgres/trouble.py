"""What PostgreSQL's errors mean for people, and which of them may be met with trying again."""

from __future__ import annotations

import ssl

import asyncpg

from segue.adapters.postgres.address import Address
from segue.model.errors import StoreUnavailable

_ADVICE = {
    "53100": "the disk of the database is full; free some space, the store goes on by itself",
    "53300": "the database has no connection left; raise its max_connections, or run fewer processes",
    "25006": "the database is read-only; point the store to the one that can be written",
    "57P01": "the database is being stopped; the store goes on by itself once it is back",
    "57P02": "the database has lost a process and begins anew; the store goes on by itself",
    "57P03": "the database is starting; the store goes on by itself",
    "28P01": "the password is wrong; correct the URL or the file with the password",
    "28000": "the database does not let this user in; see its pg_hba.conf",
    "3D000": "there is no such database; make it, or correct the URL",
    "42501": "the user lacks a right in the database; it has to own the schema",
}
# Classes of SQLSTATE that any operation would meet: connection, access, resources, operators, system, read-only.
_OUTAGES = ("08", "28", "3D", "53", "57", "58", "XX", "25006", "42501", "0A000")
# What passes without anybody correcting a setting: the database ends, begins, or has no connection left.
_PASSING = {"53300", "57P01", "57P02", "57P03"}
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


class Away(StoreUnavailable):
    """The database cannot be reached or is not ready, which may pass by itself."""


def unavailable(error: BaseException, address: Address) -> StoreUnavailable:
    """Return the error for callers: which database, what it says, what to do."""
    if isinstance(error, StoreUnavailable):
        return error
    state = str(getattr(error, "sqlstate", None) or "")
    said = str(error) or type(error).__name__
    kind = Away if is_passing(error) else StoreUnavailable
    return kind(
        f"{address.shown} cannot be used now ({said}{f', {state}' if state else ''}): {_advice(error, state, address)}"
    )


def _advice(error: BaseException, state: str, address: Address) -> str:
    if state in _ADVICE:
        return _ADVICE[state]
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted under this name; correct the host in the URL, or sslrootcert"
    if isinstance(error, ssl.SSLError):
        return "no TLS connection could be made; see sslcert and sslkey in the URL, and the server's log"
    if is_passing(error):
        key = " and takes the client's certificate" if "sslcert=" in address.url else ""
        return f"see that it runs{key} and can be reached; the store goes on by itself"
    return "see the server's log"


def is_outage(error: BaseException) -> bool:
    """Tell trouble with the database, which any operation would meet, from trouble with one operation."""
    state = str(getattr(error, "sqlstate", None) or "")
    return isinstance(error, StoreUnavailable) or is_lost(error) or state.startswith(_OUTAGES)


def is_passing(error: BaseException) -> bool:
    """Whether it may pass by itself."""
    if isinstance(error, ssl.SSLError):
        return False
    return is_lost(error) or str(getattr(error, "sqlstate", None) or "") in _PASSING


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, or must not be used any more."""
    return isinstance(error, _LOST)


def is_worth_again(error: BaseException) -> bool:
    """Whether the very same transaction may succeed when it is made again: it stood in another one's way."""
    return isinstance(error, asyncpg.DeadlockDetectedError | asyncpg.SerializationError | asyncpg.LockNotAvailableError)
