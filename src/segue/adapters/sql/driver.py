"""Runs scripts to their ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.sql.expression import ClauseElement

from segue.adapters.sql.scripts import Discarded, Line, Note, Row, Script

if TYPE_CHECKING:
    from segue.adapters.sql.changes import Changes

T = TypeVar("T")


def drive(script: Script[T], execute: Callable[[ClauseElement], list[Row]], changes: Changes | None = None) -> T:
    """Run a script, its statements by `execute`; what it says besides goes to `changes`, without which it only reads.

    Raises what the script raises.
    """
    try:
        wanted = next(script)
        while True:
            rows: list[Row] = []
            if isinstance(wanted, ClauseElement):
                rows = execute(wanted)
            else:
                _tell(wanted, changes)
            wanted = script.send(rows)
    except StopIteration as end:
        value: T = end.value
        return value


def _tell(said: Note | Discarded | Line, changes: Changes | None) -> None:
    if changes is None:
        raise TypeError(f"a script that only reads said {said}")
    if isinstance(said, Note):
        event = said.event
        changes.event(
            event.kind,
            event.at,
            said.version,
            event.instance,
            node=event.node,
            message=event.message,
            detail=event.detail,
        )
    elif isinstance(said, Discarded):
        changes.report.discarded.append(said.version)
    else:
        changes.line(said.at, said.level, said.text, said.queue, said.instance, said.message)
