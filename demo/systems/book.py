"""A book of what arrived: every record once, however often it is sent."""

from __future__ import annotations

from enum import Enum
from typing import Any

Record = dict[str, Any]


class Entry(Enum):
    """What entering a record came to: it is new, it is the same call again, or it contradicts the book."""

    NEW = "new"
    REPEATED = "repeated"
    REFUSED = "refused"


class Book:
    """Records by their number, each entered under the caller's idempotency key.

    `repeated` counts calls that came again under their key, `refused` those that would have entered a record twice or
    used one key for two records.
    """

    def __init__(self) -> None:
        self.records: dict[int, Record] = {}
        self.repeated = 0
        self.refused = 0
        self._keys: dict[str, int] = {}

    def enter(self, key: str, number: int, record: Record) -> Entry:
        """Enter a record once; the book changes only for a new one."""
        if key in self._keys:
            if self._keys[key] == number and self.records[number] == record:
                self.repeated += 1
                return Entry.REPEATED
            self.refused += 1
            return Entry.REFUSED
        if number in self.records:
            self.refused += 1
            return Entry.REFUSED
        self._keys[key] = number
        self.records[number] = record
        return Entry.NEW

    def number_of(self, key: str) -> int | None:
        """Return the number of the record that was entered under the key, None for a new key."""
        return self._keys.get(key)

    def totals(self) -> dict[str, int]:
        """Return how many records there are, how many calls were repeats, and how many were refused."""
        return {"records": len(self.records), "repeated": self.repeated, "refused": self.refused}
