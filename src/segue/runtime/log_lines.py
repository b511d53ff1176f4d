"""Which log lines are stored: the levels of the processes as they are now, and what is hidden in a text."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from segue.core.log_lines import LineRules
from segue.model.message import LogLine, Transition
from segue.ports.log_book import LogBook


class LogLines:
    """Passes the lines of every transition; levels can be changed while it works."""

    def __init__(self, book: LogBook, rules: LineRules) -> None:
        self._book = book
        self._rules = rules
        self._reloading = asyncio.Lock()

    async def reload(self) -> None:
        """Use the levels as they are stored now."""
        async with self._reloading:  # one after the other, or what was read first could be kept last
            self._rules.set_levels(await self._book.log_levels())

    def kept(self, process: str, lines: Sequence[LogLine]) -> tuple[LogLine, ...]:
        """Return the lines to store, without their secrets."""
        return self._rules.kept(process, lines)

    def of(self, process: str, transition: Transition) -> Transition:
        """Return the transition with the lines that are to be stored."""
        if not transition.logs:
            return transition
        return replace(transition, logs=self.kept(process, transition.logs))
