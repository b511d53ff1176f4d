"""The views, as the event loop sees them."""

from __future__ import annotations

from segue.adapters.sqlite.catalog import Scripted


class SqliteViews(Scripted):
    """Implements `Views`."""
