"""Figures: what a node, or all instances of a version, did in a span of time; they can be added up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from itertools import chain
from typing import Any

from msgspec import Struct, field

from segue.core.sketch import Sketch
from segue.model.message import Message, Outcome, Transition


class Span(IntEnum):
    """How much time one row of figures is about, in seconds."""

    MINUTE = 60
    HOUR = 3_600
    DAY = 86_400


WAIT, WORK, WORKER, REMOTE, CPU = "wait_ms", "work_ms", "worker_us", "remote_us", "cpu_us"
DEPTH, OLDEST, LIMITED, DURATION = "depth", "oldest_ms", "limited_ms", "duration_ms"
ENGINE = "engine_us"
IN_TRASH = "trash"
STARTED = "started"

# What a control service did, unlike what a person decided.
_EXECUTED = frozenset(
    {*(each.value for each in (Outcome.OK, Outcome.STOPPED, Outcome.FAILED, Outcome.REPEAT)), IN_TRASH}
)
_TRIED = _EXECUTED | {Outcome.OUTAGE.value}
_MOST_HOSTS = 50
_OTHER_HOSTS = "others"
_FAILED = (Outcome.FAILED.value, IN_TRASH)


class Remote(Struct, kw_only=True):
    """Calls of one host: how long they took, and how many were answered with which status (0: not at all)."""

    took_us: Sketch = field(default_factory=Sketch)
    statuses: dict[int, int] = {}

    def merge(self, other: Remote) -> None:
        """Add the other one's calls."""
        self.took_us.merge(other.took_us)
        _add(self.statuses, other.statuses)


class Figures(Struct, kw_only=True):
    """Counts by outcome, sketches by what was measured, sums, and the calls of other hosts.

    `first` and `last` are the instants of the first and the last handling; 0 without any.
    """

    first: int = 0
    last: int = 0
    counts: dict[str, int] = {}
    sketches: dict[str, Sketch] = {}
    sums: dict[str, int] = {}
    remote: dict[str, Remote] = {}

    def sketch(self, name: str) -> Sketch:
        """The sketch of this name, to be added to."""
        found = self.sketches.get(name)
        if found is None:
            found = self.sketches[name] = Sketch()
        return found

    def merge(self, other: Figures) -> None:
        """Add the other one's figures."""
        if other.last:
            self.span(other.first, other.last)
        _add(self.counts, other.counts)
        _add(self.sums, other.sums)
        for name, sketch in other.sketches.items():
            self.sketch(name).merge(sketch)
        for host, remote in other.remote.items():
            mine = self.remote.get(host)
            if mine is None:
                mine = self.remote[host] = Remote()
            mine.merge(remote)

    def span(self, first: int, last: int) -> None:
        """There were handlings from this instant to that."""
        self.first = min(self.first, first) if self.last else first
        self.last = max(self.last, last)

    def called(self, calls: Iterable[Sequence[Any]]) -> None:
        """Add calls of other hosts: host, µs and status each. Of too many hosts one sum is kept."""
        for host, took_us, status in calls:
            name = host if host in self.remote or len(self.remote) < _MOST_HOSTS else _OTHER_HOSTS
            found = self.remote.get(name)
            if found is None:
                found = self.remote[name] = Remote()
            found.took_us.add([took_us])
            _add(found.statuses, {status: 1})

    def executed(self) -> int:
        """How often messages were handled to an end or to a repeat."""
        return sum(count for outcome, count in self.counts.items() if outcome in _EXECUTED)

    def failures(self) -> int:
        """How many messages failed."""
        return sum(self.counts.get(outcome, 0) for outcome in _FAILED)


_MINUTE_MS = 60_000

Handled = Sequence[Any]
"""One handling: queue, outcome, ready, taken and ended (ms), worker, remote and CPU time (µs), and the calls of other
hosts as (host, µs, status)."""


class Handlings(Struct, array_like=True):
    """Handlings of one queue that ended in one minute (its number since the epoch), as columns: how many with which
    outcome; and of those that a control service has tried the instants of the first and the last end, and what was
    measured, in the units of `Handled`. Of times that may be missing those that are there."""

    queue: int
    minute: int
    counts: dict[str, int]
    first: int = 0
    last: int = 0
    wait: Sequence[int] = ()
    work: Sequence[int] = ()
    worker: Sequence[int] = ()
    remote: Sequence[int] = ()
    cpu: Sequence[int] = ()
    calls: Sequence[Sequence[Any]] = ()


def handling(queue: int, outcome: str, message: Message, transition: Transition) -> Handled:
    """What a transition says about handling its message. Its queue has kept it waiting since it was there and due."""
    record, entered, due = transition.record, message.entered, message.due
    return (
        queue,
        outcome,
        due if due > entered else entered,  # noqa: FURB136 - a call of max costs as much as all the rest
        record.taken,
        transition.at,
        record.worker_us,
        record.remote_us,
        record.cpu_us,
        record.remote,
    )


def together(rows: Iterable[Handled]) -> list[Handlings]:
    """Handlings by queue and minute. Columns are stored, read and added up at a fraction of the cost of rows."""
    queues: dict[int, list[Handled]] = defaultdict(list)
    for row in rows:
        queues[row[0]].append(row)
    return [_columns(queue, minute, some) for queue, group in queues.items() for minute, some in _by_minute(group)]


def _by_minute(group: list[Handled]) -> Iterable[tuple[int, list[Handled]]]:
    """Each minute with those that ended in it; what comes at once is nearly always of one minute."""
    ended = [row[4] for row in group]
    first, last = min(ended) // _MINUTE_MS, max(ended) // _MINUTE_MS
    if first == last:
        return [(first, group)]
    minutes: dict[int, list[Handled]] = defaultdict(list)
    for row in group:
        minutes[row[4] // _MINUTE_MS].append(row)
    return minutes.items()


def _columns(queue: int, minute: int, group: list[Handled]) -> Handlings:
    counts = dict(Counter([row[1] for row in group]))
    if not counts.keys() <= _TRIED:
        group = [row for row in group if row[1] in _TRIED]
        if not group:
            return Handlings(queue, minute, counts)
    _, _, ready, taken, ended, worker, remote, cpu, calls = zip(*group, strict=True)
    return Handlings(
        queue,
        minute,
        counts,
        min(ended),
        max(ended),
        [b - a for a, b in zip(ready, taken, strict=True)],
        [b - a for a, b in zip(taken, ended, strict=True)],
        [value for value in worker if value],
        [value for value in remote if value],
        [value for value in cpu if value],
        [call for some in calls for call in some],
    )


Key = tuple[int, int]
"""A queue, or a version as a negative number, and the minute (its number since the epoch)."""


class Gathered:
    """Figures by queue and minute. What is alike is added at once: long columns are cheaper than short ones."""

    def __init__(self) -> None:
        self.by_key: dict[Key, Figures] = {}

    def __bool__(self) -> bool:
        return bool(self.by_key)

    def of(self, place: int, at: int) -> Figures:
        """The figures of a queue (or -version) in the minute of this instant."""
        key = (place, at // _MINUTE_MS)
        found = self.by_key.get(key)
        if found is None:
            found = self.by_key[key] = Figures()
        return found

    def handled(self, groups: Iterable[Handlings]) -> None:
        """Add handlings."""
        alike: dict[Key, list[Handlings]] = defaultdict(list)
        for group in groups:
            alike[group.queue, group.minute].append(group)
        for (queue, minute), some in alike.items():
            _add_all(self.of(queue, minute * _MINUTE_MS), some)

    def started(self, rows: Iterable[Sequence[int]]) -> None:
        """Add starts: version and instant."""
        counted = Counter([(version, at // _MINUTE_MS) for version, at in rows])
        for (version, minute), count in counted.items():
            _add(self.of(-version, minute * _MINUTE_MS).counts, {STARTED: count})

    def ended(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add ends of instances: version, state, started and ended."""
        groups: dict[Key, list[Sequence[Any]]] = defaultdict(list)
        for row in rows:
            groups[row[0], row[3] // _MINUTE_MS].append(row)
        for (version, minute), group in groups.items():
            figures = self.of(-version, minute * _MINUTE_MS)
            _add(figures.counts, Counter([state for _, state, _, _ in group]))
            figures.sketch(DURATION).add([ended - started for _, _, started, ended in group])


def _add_all(figures: Figures, groups: list[Handlings]) -> None:
    for group in groups:
        _add(figures.counts, group.counts)
        if group.last:
            figures.span(group.first, group.last)
    for name, columns in (
        (WAIT, [group.wait for group in groups]),
        (WORK, [group.work for group in groups]),
        (WORKER, [group.worker for group in groups]),
        (REMOTE, [group.remote for group in groups]),
        (CPU, [group.cpu for group in groups]),
    ):
        if values := list(chain.from_iterable(columns)):
            figures.sketch(name).add(values)
    figures.called(chain.from_iterable([group.calls for group in groups]))


def _add(counts: dict[Any, int], more: Mapping[Any, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count
