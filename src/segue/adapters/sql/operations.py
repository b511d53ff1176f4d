"""What the event loop asks of the writer, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from segue.adapters.sql.live import Held
from segue.model.events import Event
from segue.model.message import Transition
from segue.model.start import Accepted, Start
from segue.ports.metrics import Measures

if TYPE_CHECKING:
    from segue.adapters.sql.changes import Changes


class Operation:
    """One thing to do, whole or not at all; its future gets the answer in the event loop."""

    __slots__ = ("error", "future", "value")

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self.future = future
        self.value: Any = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        """Hand the answer to who waits for it, if somebody still does. Event loop only."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class AcceptOperation(Operation):
    """Make an instance and its message."""

    __slots__ = ("start",)

    def __init__(self, start: Start, future: asyncio.Future[Accepted]) -> None:
        super().__init__(future)
        self.start = start


class SettleOperation(Operation):
    """Make transitions true. `taken` holds, for each, whether its message is the very one that was taken here."""

    __slots__ = ("taken", "transitions")

    def __init__(
        self, transitions: Sequence[Transition], taken: Sequence[bool], future: asyncio.Future[list[bool]]
    ) -> None:
        super().__init__(future)
        self.transitions = transitions
        self.taken = taken


class CallOperation(Operation):
    """Run a function on the connection that writes, whole or not at all.

    `versions`: it may change versions. `alone`: it must see no other change beside it, of any process. `weight` is how
    many changes it is.
    """

    __slots__ = ("alone", "function", "versions", "weight")

    def __init__(
        self,
        function: Callable[[Any, Changes], Any],
        future: asyncio.Future[Any],
        *,
        versions: bool,
        alone: bool = False,
        weight: int = 1,
    ) -> None:
        super().__init__(future)
        self.weight = weight
        self.alone = alone or versions
        self.function = function
        self.versions = versions


class Report:
    """What one transaction made true, for the event loop: answers, messages that came, changed and went, events.

    `discarded` are versions whose messages all left their queues. `departed` (version, node, seq) is to be looked at
    before `arrived`: a message may leave its place and come to another. `measures` are to be added to the figures.
    """

    __slots__ = ("arrived", "departed", "discarded", "edited", "events", "measures", "operations")

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations
        self.arrived: list[Held] = []
        self.edited: list[Held] = []
        self.departed: list[tuple[int, str, int]] = []
        self.discarded: list[int] = []
        self.events: list[Event] = []
        self.measures: list[Measures] = []
