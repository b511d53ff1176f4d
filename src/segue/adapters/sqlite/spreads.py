"""What a large transition has left behind, put in order before the embedded store is used."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from segue.adapters.sql import spreads
from segue.adapters.sql.changes import Changes


def finish_spreads(begin: Callable[[], Changes], commit: Callable[[Changes], None]) -> None:
    """Before a store is used: bring the children of settled transitions into their places, and forget those of others.

    `begin` begins a transaction, `commit` ends it.
    """
    changes = begin()
    moving, dropped = spreads.left_over(changes)
    commit(changes)
    for spread in moving:
        _until_done(partial(_moved, spread), begin, commit)
    for spread in dropped:
        _until_done(partial(_forgotten, spread), begin, commit)


def _moved(spread: int, changes: Changes) -> bool:
    return spreads.move(changes, spread)


def _forgotten(spread: int, changes: Changes) -> bool:
    return spreads.drop(changes, spread, spreads.PIECE)


def _until_done(
    work: Callable[[Changes], bool], begin: Callable[[], Changes], commit: Callable[[Changes], None]
) -> None:
    done = False
    while not done:
        changes = begin()
        done = work(changes)
        commit(changes)
