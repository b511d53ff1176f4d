"""The next numbers to give, known to the writer alone."""

from __future__ import annotations

import sqlite3
from itertools import count


class CountedNumbers:
    """Implements `Numbers` by counting on from what is in the file; only the writer gives any."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        def following(table: str, column: str) -> int:
            return int(connection.execute(f"SELECT coalesce(max({column}), 0) + 1 FROM {table}").fetchone()[0])  # noqa: S608

        self.message = count(max(following("message", "seq"), following("step", "seq"))).__next__
        self.instance = count(following("instance", "num")).__next__
        self.event = count(following("event", "seq")).__next__
        self.log = count(max(following("log", "seq"), following("log_sink", "seq"))).__next__
        self.measure = count(following("measure", "seq")).__next__
        self.act = count(following("act", "seq")).__next__
