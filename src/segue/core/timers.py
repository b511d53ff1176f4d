"""Timers: when a waiting message is due, and when a schedule ticks.

A timer is an ISO 8601 duration, date or repeating interval, or a crontab line; all in the timer's time zone. Instants
are milliseconds since the epoch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Protocol

from cronsim import CronSim, CronSimError
from msgspec import Struct

from segue.core.iso8601 import Duration, TimeError, add, parse_duration, parse_instant, to_local, to_ms, zone_of
from segue.model.graph import MissedTicks, Timer, TimerKind

ON_TIME_MS = 60_000
"""A tick that is older than this when it could fire has been missed."""

BITE = 100
"""So many missed ticks are fired in one decision; the next decision takes the next ones."""

MOST_COUNTED = 1_000
"""Skipped ticks are counted up to this number."""

_CYCLE = re.compile(r"R(-1|\d{0,9})/([^/]+)(?:/([^/]+))?", re.ASCII)
_GO_DURATION = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)
_CRON_ZONE = re.compile(r"(?:CRON_TZ|TZ)=(\S+)\s+(.*)", re.DOTALL)
_SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class TicksToFire(Struct, frozen=True):
    """What a schedule does now: the ticks to `fire`, how many are `skipped` for good, and the `last` tick decided."""

    fire: tuple[int, ...]
    skipped: int
    last: int


def check(timer: Timer, *, starts: bool = False) -> str | None:
    """Return what is wrong with the timer, None if nothing is.

    With `starts` it is that of a start event: then it needs ticks that do not depend on when somebody looks.
    """
    try:
        ticker = _ticker(timer)
    except TimeError as error:
        return str(error)
    if not starts:
        return None
    if timer.kind is TimerKind.DURATION:
        return (
            f"A start event cannot wait for {timer.value!r}: a duration has no beginning there; use a cycle or a date"
        )
    if isinstance(ticker, _Chain) and ticker.count is not None:
        return f"{timer.value!r} ends after some ticks but does not say when the first one is; add a start"
    return None


def due_after(timer: Timer, now: int) -> int:
    """Return when a message that reaches the timer `now` may go on.

    A date is that date, also when it has passed; a cycle or crontab line is its next tick, `now` if there is none left.
    Raises TimeError.
    """
    ticker = _ticker(timer)
    if timer.kind is TimerKind.DATE:
        return ticker.next(-1) or now
    due = ticker.next(now)
    return now if due is None else due


def repetitions(timer: Timer) -> int | None:
    """Return how often a cycle says it ticks (`R3/PT1H`: 3); None when it does not say. Raises TimeError."""
    ticker = _ticker(timer)
    return ticker.count if isinstance(ticker, _Chain | _Anchored) else None


def next_tick(timer: Timer, after: int) -> int | None:
    """Return the first tick of a schedule later than `after`; None if there is none. Raises TimeError.

    A duration has no ticks. A cycle without start ticks one interval after `after`, which has to be its last tick; one
    of months then stays on the 28th once February has put it there, as one with a start does not.
    """
    return None if timer.kind is TimerKind.DURATION else _ticker(timer).next(after)


def ticks_between(timer: Timer, after: int, until: int, cap: int) -> list[int]:
    """Return the ticks later than `after` and not later than `until`, the first `cap` of them. Raises TimeError."""
    found: list[int] = []
    while len(found) < cap:
        tick = next_tick(timer, after)
        if tick is None or tick > until:
            break
        found.append(tick)
        after = tick
    return found


def ticks_to_fire(timer: Timer, last: int, now: int) -> TicksToFire:
    """Return what to do with the ticks after `last` that are due `now`. Raises TimeError.

    The newest one fires if it is on time. Older ones were missed: SKIP drops them, ONCE fires the newest of them
    unless a newer one fires anyway, ALL fires each, oldest first, `BITE` at a time (ask again with the answer's
    `last`).
    """
    due = ticks_between(timer, last, now, BITE if timer.missed is MissedTicks.ALL else 2)
    if not due:
        return TicksToFire((), 0, last)
    if timer.missed is MissedTicks.ALL:
        return TicksToFire(tuple(due), 0, due[-1])
    newest = due[0] if len(due) == 1 else _newest(timer, due[-1], now)
    fires = timer.missed is MissedTicks.ONCE or now - newest <= ON_TIME_MS
    missed = 0 if len(due) == 1 else len(ticks_between(timer, last, newest - 1, MOST_COUNTED))
    return TicksToFire((newest,) if fires else (), missed if fires else missed + 1, newest)


def _newest(timer: Timer, known: int, now: int) -> int:
    """The newest tick that is not later than `now`; `known` is one of them."""
    ticker = _ticker(timer)
    if isinstance(ticker, _Chain):
        return ticker.newest(known, now)
    # From any instant before the newest tick the next one is due, from there on it is not: find that border by halves.
    before, behind = known - 1, now
    while behind - before > 1:
        middle = (before + behind) // 2
        tick = ticker.next(middle)
        if tick is not None and tick <= now:
            before = middle
        else:
            behind = middle
    return ticker.next(before) or known


class _Ticker(Protocol):
    """The ticks of one timer."""

    def next(self, after: int) -> int | None:
        """The first tick later than `after`."""
        ...


class _Once(Struct, frozen=True):
    """One tick."""

    at: int

    def next(self, after: int) -> int | None:
        return self.at if self.at > after else None


class _Chain(Struct, frozen=True):
    """Each tick follows the one before; nothing says when the first one was."""

    step: Duration
    zone: tzinfo
    count: int | None = None

    def next(self, after: int) -> int | None:
        return None if self.count == 0 else add(after, self.step, self.zone)

    def newest(self, known: int, now: int) -> int:
        if not self.step.months and not self.step.days:
            return now - (now - known) % self.step.exact_ms
        while (tick := add(known, self.step, self.zone)) <= now:
            known = tick
        return known


class _Anchored(Struct, frozen=True):
    """Ticks at `start`, `start` + `step`, …; `count` of them, and if `end` is given none after it."""

    start: int
    step: Duration
    zone: tzinfo
    count: int | None

    def at(self, index: int) -> int:
        return add(self.start, self.step.times(index), self.zone)

    def next(self, after: int) -> int | None:
        index = 0 if after < self.start else self._index(after) + 1
        return None if self.count is not None and index >= self.count else self.at(index)

    def _index(self, instant: int) -> int:
        """The index of the last tick not later than the instant, which is not before the first."""
        index = (instant - self.start) // self.step.about_ms
        while self.at(index) > instant:
            index -= 1
        while self.at(index + 1) <= instant:
            index += 1
        return index


class _Backward(Struct, frozen=True):
    """Ticks at `end`, `end` - `step`, …; the last `count` of them."""

    end: int
    step: Duration
    zone: tzinfo
    count: int | None

    def at(self, index: int) -> int:
        return add(self.end, self.step.times(-index), self.zone)

    def next(self, after: int) -> int | None:
        if self.end <= after or self.count == 0:
            return None
        index = max((self.end - after) // self.step.about_ms, 0)
        if self.count is not None and index >= self.count:
            index = self.count - 1
        while index > 0 and self.at(index) <= after:
            index -= 1
        while (self.count is None or index + 1 < self.count) and self.at(index + 1) > after:
            index += 1
        return self.at(index)


class _Cron(Struct, frozen=True):
    """The ticks of a crontab line with five fields, or six with seconds first."""

    line: str
    zone: tzinfo

    def next(self, after: int) -> int | None:
        for moment in self._from(after):
            tick = to_ms(moment)
            if tick > after:
                return tick
        return None

    def _from(self, after: int) -> Iterator[datetime]:
        return CronSim(self.line, to_local(after, self.zone))


@lru_cache(maxsize=4096)
def _ticker(timer: Timer) -> _Ticker:
    zone = zone_of(timer.zone)
    match timer.kind:
        case TimerKind.DURATION:
            return _Chain(parse_duration(timer.value), zone)
        case TimerKind.DATE:
            return _Once(parse_instant(timer.value, zone))
        case TimerKind.CYCLE:
            return _cycle(timer.value, zone)
        case TimerKind.CRON:
            return _cron(timer.value, zone)


def _cycle(text: str, zone: tzinfo) -> _Ticker:
    """A repeating interval (ISO 8601-1, 5.6): R/duration, R/start/duration, R/start/end or R/duration/end."""
    match = _CYCLE.fullmatch(text.strip())
    if match is None:
        raise TimeError(f"{text!r} is no ISO 8601 repeating interval such as R/PT5M or R/2030-01-01T08:00:00Z/P1D")
    times, first, second = match.groups()
    count = None if times in {"", "-1"} else int(times)
    if second is None:
        return _Chain(parse_duration(first), zone, count)
    if first.startswith("P"):
        return _Backward(parse_instant(second, zone), parse_duration(first), zone, count)
    start = parse_instant(first, zone)
    if second.startswith("P"):
        return _Anchored(start, parse_duration(second), zone, count)
    length = parse_instant(second, zone) - start
    if length <= 0:
        raise TimeError(f"{text!r} ends before it starts")
    return _Anchored(start, Duration(0, 0, length), zone, count)


def _cron(text: str, zone: tzinfo) -> _Ticker:
    """A crontab line; also `@hourly` and the like, `@every 1h30m`, a leading `CRON_TZ=zone`, and `?` for `*`."""
    line = text.strip()
    with_zone = _CRON_ZONE.fullmatch(line)
    if with_zone:
        zone, line = zone_of(with_zone.group(1)), with_zone.group(2).strip()
    if line.startswith("@every"):
        return _Chain(_every(line.removeprefix("@every").strip()), zone)
    line = _SHORTHANDS.get(line, line).replace("?", "*")
    try:
        ticker = _Cron(line, zone)
        first = ticker.next(0)
    except CronSimError as error:
        raise TimeError(f"{text!r} is no crontab line such as */5 * * * *: {error}") from None
    if first is None:
        raise TimeError(f"{text!r} never ticks")
    return ticker


def _every(text: str) -> Duration:
    match = _GO_DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise TimeError(f"@every {text!r} is no span such as 1h30m or 10s")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return parse_duration(f"PT{hours}H{minutes}M{seconds}S")
