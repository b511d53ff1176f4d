"""What a process remembers of processes and versions; it is read again when another one has changed the catalog."""

from __future__ import annotations

from segue.adapters.sql.versions import Versions

_MAKE = (
    "INSERT INTO queue (id, version, node) VALUES (nextval('queue_number'), ?, ?)"
    " ON CONFLICT (version, node) DO NOTHING RETURNING id"
)
_FIND = "SELECT id FROM queue WHERE version = ? AND node = ?"


class SharedVersions(Versions):
    """`revision` is that of the catalog when it was read."""

    revision = -1

    def at(self, revision: int) -> None:
        """Forget everything if the catalog has another revision now."""
        if revision != self.revision:
            self.forget()
            self.revision = revision

    def _make_queue(self, version: int, node: str) -> int:
        row = self._cursor.execute(_MAKE, (version, node)).fetchone()
        if row is None:  # another process has just made it
            row = self._cursor.execute(_FIND, (version, node)).fetchone()
        return int(row[0])
