"""What is kept of measures: each settle's own, and the figures that they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from segue.core.figures import Figures, Handlings, Span


class Measures(Struct, frozen=True, kw_only=True):
    """What one commit measured: handlings, starts (version, at), ends (version, state, started, ended)."""

    seq: int
    handled: Sequence[Handlings] = ()
    started: Sequence[Sequence[int]] = ()
    ended: Sequence[Sequence[object]] = ()

    def size(self) -> int:
        """How many values it has to be added up, about."""
        return sum([len(group.wait) for group in self.handled]) + len(self.started) + len(self.ended)


class Minute(Struct, frozen=True, kw_only=True):
    """Figures to be added: of a node, or with "" of all instances of a version, in the minute that begins at `at`."""

    version: int
    node: str
    at: int
    figures: Figures


class MetricFilter(Struct, frozen=True, kw_only=True):
    """Figures from `since` until before `until`, oldest first. `node`: "" for instances, None for all nodes."""

    span: Span
    since: int
    until: int
    process: str | None = None
    version: int | None = None
    node: str | None = None
    limit: int = 5_000


class MetricPoint(Struct, frozen=True, kw_only=True):
    """The figures of one node (or with "" of the version's instances) in the span that begins at `at`."""

    process: str
    version: int
    node: str
    at: int
    figures: Figures


class MetricStore(Protocol):
    """Measures and figures.

    K1 What a commit measured is stored by it: after a crash there is neither more nor less than its steps.
    K2 `roll` is whole: the figures are added to minute, hour and day and the measures are gone, or nothing; and
       nothing happens when one of the measures is gone already. So each is counted once, whatever crashes.
    K3 Figures of an hour or day are those of its minutes added up.
    K4 Pruned is what began before the instant, of that span alone.
    """

    async def measures(self, after: int, limit: int) -> list[Measures]:
        """Up to so many that are not in the figures yet, in the order of their numbers, those above `after`."""
        ...

    async def places(self, queues: Sequence[int]) -> Mapping[int, tuple[int, str]]:
        """The version (its number in the store) and node of each of these queues."""
        ...

    async def roll(self, measures: Sequence[int], minutes: Sequence[Minute]) -> bool:
        """Add figures, and remove the measures they were made from."""
        ...

    async def metrics(self, filter: MetricFilter) -> list[MetricPoint]: ...

    async def prune_metrics(self, span: Span, before: int, limit: int) -> int:
        """Remove up to so many rows; how many there were."""
        ...
