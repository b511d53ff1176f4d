"""What the demo shows on the terminal: what it does, how far it is, what came of it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from msgspec import Struct
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text


class Figures(Struct, frozen=True, kw_only=True):
    """How far things are: days accepted by Segue, records in each book, messages that wait, and in trash."""

    days: int = 0
    contacts: int = 0
    purchases: int = 0
    shipments: int = 0
    shipped: int = 0
    queued: int = 0
    delayed: int = 0
    trash: int = 0


BARS = (
    ("days", "trading days accepted"),
    ("contacts", "CRM: contacts"),
    ("purchases", "CRM: purchases"),
    ("shipments", "warehouse: shipments"),
    ("shipped", "shop: told of shipment"),
)


class Show:
    """The terminal. Where nobody watches (a pipe, a log) it prints lines instead of moving bars."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def headline(self, text: str) -> None:
        """Begin a part of the story."""
        self.console.print()
        self.console.print(Text(text, style="bold"))

    def line(self, text: str, style: str = "") -> None:
        """Tell something that happened."""
        self.console.print(Text(f"  {text}", style=style))

    def progress(self, days: int, orders: int) -> Flow:
        """Return a view of the flow, to be used as a context; `days` and `orders` are the totals."""
        return Flow(self.console, days, orders)

    def table(self, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        """Show a table; all columns but the first hold numbers."""
        table = Table(
            title=title, title_justify="left", title_style="bold", header_style="dim", box=None, padding=(0, 1, 0, 1)
        )
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left")
        for row in rows:
            table.add_row(*row)
        self.console.print()
        self.console.print(table)


class Flow:
    """The live view of the records on their way."""

    def __init__(self, console: Console, days: int, orders: int) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("  {task.description:<24}"), BarColumn(40), MofNCompleteColumn(), console=console
        )
        self._tasks: dict[str, TaskID] = {
            name: self._bars.add_task(text, total=days if name == "days" else orders) for name, text in BARS
        }
        self._waiting = Text()
        self._live: Live | None = None
        self._tenths = -1
        self._now: Figures | None = None
        self._orders = orders

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._console.is_terminal:
            self._live = Live(Group(self._bars, self._waiting), console=self._console, refresh_per_second=10)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last picture standing."""
        if self._live is not None:
            self._live.stop()
        elif self._now is not None:
            self._print(self._now)

    def update(self, now: Figures) -> None:
        """Draw how far things are now."""
        self._now = now
        for name, task in self._tasks.items():
            self._bars.update(task, completed=getattr(now, name))
        self._waiting.plain = f"  waiting in queues: {now.queued}, delayed: {now.delayed}, in trash: {now.trash}"
        tenths = now.shipped * 10 // max(1, self._orders)
        if self._live is None and tenths != self._tenths:
            self._tenths = tenths
            self._print(now)

    def _print(self, now: Figures) -> None:
        self._console.print(
            f"  {now.shipped} of {self._orders} orders shipped; waiting {now.queued}, delayed {now.delayed}, "
            f"in trash {now.trash}"
        )

    def note(self, text: str, style: str = "") -> None:
        """Tell something that happened meanwhile, above the bars."""
        self._console.print(Text(f"  {text}", style=style))
