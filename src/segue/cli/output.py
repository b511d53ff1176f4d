"""Printing: JSON for programs, tables for people, errors in one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def fail(sentence: str, code: int) -> NoReturn:
    """Say what went wrong on stderr and end."""
    print(f"segue: {sentence}", file=sys.stderr)
    sys.exit(code)


def say(text: str) -> None:
    """Print a line on stdout at once, also into a pipe."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Print a line on stderr."""
    print(text, file=sys.stderr, flush=True)


def show_json(value: object) -> None:
    """Print one JSON document."""
    print(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; into a pipe as wide as its content, so that nothing is cut off there."""
    from rich import box  # noqa: PLC0415 - takes longer to import than most commands take to run
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    count = 0
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
        count += 1
    if count == 0:
        print("none", file=sys.stderr)
        return
    console = Console(width=None if sys.stdout.isatty() else 10_000, highlight=False, markup=False)
    console.print(table)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def instant(value: Any) -> str:
    """An instant in ms as ISO 8601 in UTC; "" for None."""
    if value is None:
        return ""
    return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
