"""What all tables are made of."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData

# "INTEGER PRIMARY KEY" is SQLite's own row number, the cheapest key there; elsewhere 32 bits would not do.
Number = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()


def number(name: str, default: int | None = 0) -> Column[int]:
    """A column of numbers that is never null; its default, None for one that has none."""
    return Column(name, Number, nullable=False, server_default=None if default is None else str(default))
