"""The demo's records: real purchases at the online record shop CDNOW, January 1997 to June 1998.

The data set is the public 1/10 sample of the CDNOW cohort (P. S. Fader, B. G. S. Hardie, "Forecasting Repeat Sales at
CDNOW: A Case Study", Interfaces 31, 2001), as the package `lifetimes` ships it under the MIT licence. `make setup`
puts the package's files, which are never imported, beside the environment.

Each line of the file is one order: customer in the full cohort, customer in the sample, date, number of CDs, dollars.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from msgspec import Struct

FILE = Path(sys.prefix) / "share" / "segue-demo" / "lifetimes" / "datasets" / "CDNOW_sample.txt"


class DataError(Exception):
    """The records cannot be read; the text says what is wrong and what to do."""


class Order(Struct, frozen=True, kw_only=True):
    """One order as it stands in the file, all fields as text but its number, which is that of its line (from 1)."""

    number: int
    customer_id: str
    date: str
    number_of_cds: str
    dollar_value: str

    @property
    def day(self) -> str:
        """The date in the form of ISO 8601, such as 1997-02-23."""
        return date.fromisoformat(self.date).isoformat()


def read_orders(path: Path = FILE) -> list[Order]:
    """Return all orders, by day and then by line. Raises DataError for a missing file or a line of another form."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise DataError(f"The records are not where `make setup` puts them ({error}); run it again") from error
    orders = [_order(number, line) for number, line in enumerate(lines, start=1)]
    return sorted(orders, key=lambda order: (order.date, order.number))


def between(orders: list[Order], first: str, last: str) -> list[Order]:
    """Return the orders of the days from `first` to `last`, both included, given as ISO 8601 dates."""
    return [order for order in orders if first <= order.day <= last]


def _order(number: int, line: str) -> Order:
    fields = line.split()
    if len(fields) != 5 or not fields[2].isdecimal() or not fields[3].isdecimal():
        raise DataError(f"Line {number} of the records is not five fields: {line!r}")
    customer, _, day, cds, dollars = fields
    return Order(number=number, customer_id=customer, date=day, number_of_cds=cds, dollar_value=dollars)
