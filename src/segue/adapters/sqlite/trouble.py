"""What SQLite's errors mean for people."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from segue.model.errors import StoreUnavailable

_ADVICE = {
    "SQLITE_FULL": "the disk is full; free some space, the store goes on by itself",
    "SQLITE_READONLY": "the data folder is read-only; make it writable for this user",
    "SQLITE_CANTOPEN": "the file cannot be opened; see that it is there, and check the folder's permissions and the"
    " limit of open files",
    "SQLITE_IOERR": "the disk reports an error; check it, the store tries again by itself",
    "SQLITE_BUSY": "another process holds the file; end it if it is none of Segue's",
    "SQLITE_LOCKED": "another process holds the file; end it if it is none of Segue's",
    "SQLITE_CORRUPT": "the file is damaged; stop the server and put the folder back from a backup",
    "SQLITE_NOTADB": "the file is no SQLite database; put the folder back from a backup",
    "SQLITE_PERM": "this user may not use the file; check the folder's permissions",
    "SQLITE_NOMEM": "there is no memory left",
}


def unavailable(error: sqlite3.Error, file: Path) -> StoreUnavailable:
    """Return the error for callers: which file, what SQLite says, what to do."""
    name = getattr(error, "sqlite_errorname", "") or ""
    advice = next((text for code, text in _ADVICE.items() if name.startswith(code)), "see the server's log")
    return StoreUnavailable(f"{file} cannot be used now ({error}{f', {name}' if name else ''}): {advice}")


def is_outage(error: BaseException) -> bool:
    """Tell trouble with the file, which any operation would meet, from trouble with one operation."""
    if isinstance(error, sqlite3.OperationalError | sqlite3.InternalError | StoreUnavailable):
        return True
    return type(error) is sqlite3.DatabaseError
