"""When somebody should be told that an authorization of an application ends, or has ended."""

from __future__ import annotations

from segue.model.documents import Document

LONG_LIVED_MS = 2 * 86_400_000
"""An authorization that lasts longer is renewed by a person; a shorter one by a process, shortly before its end."""

BEFORE_MS = 86_400_000
AFTER_MS = 600_000


def warn_at(install: Document) -> int | None:
    """Return the instant from which to warn of the end of an install's authorization; None if it has none.

    A day before the end of a long-lived one. A short-lived one should have been renewed: ten minutes after its end.
    """
    if install.expires is None:
        return None
    if install.expires - install.updated > LONG_LIVED_MS:
        return install.expires - BEFORE_MS
    return install.expires + AFTER_MS
