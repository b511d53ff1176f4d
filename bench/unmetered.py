"""Segue that keeps no figures: what their cost is measured against. `python -m bench.unmetered serve …` serves so.

Left out is all that figures add to the way of a message: what a settle notes of each message, the row that a commit
leaves of it, and the roll of these rows into minutes, hours and days.
"""

from __future__ import annotations

from typing import Any

from segue.adapters.sql import changes, settle
from segue.cli import main
from segue.runtime.meter import Meter


class _NoRows:
    def write(self, *_: Any) -> int:
        return 0


def _nothing(*_: Any) -> None:
    return


def _none(*_: Any) -> list[Any]:
    return []


def leave_out() -> None:
    """From here on this process keeps no figures. Raises AttributeError when a name has changed."""
    for place, name, instead in (
        (settle, "handling", _nothing),
        (changes, "together", _none),
        (changes, "encode_measures", _nothing),
        (changes, "MEASURES", _NoRows()),
        (Meter, "poke", _nothing),
    ):
        getattr(place, name)
        setattr(place, name, instead)


if __name__ == "__main__":
    leave_out()
    main()
