"""Failed attempts to sign in: the more there were, the longer nobody is listened to."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from segue.model.errors import TooManyAttempts
from segue.ports.outside import Clock

_BOUND = 10_000
_FIRST_LOCK_MS = 30_000
_LONGEST_LOCK_MS = 15 * 60_000
# Failures are forgotten when none came for this long.
_CALM_MS = 60 * 60_000


class _Record(Struct):
    failures: int = 0
    last: int = 0
    locked_until: int = 0


class Attempts:
    """Counts failures by key. From `allowed` failures on, each locks the key, for twice as long as the one before.

    Kept in memory: a restart forgets it, and whoever can restart the server needs no password.
    """

    def __init__(self, clock: Clock, allowed: int) -> None:
        self._clock = clock
        self._allowed = allowed
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def check(self, key: str) -> None:
        """Raises TooManyAttempts while the key is locked."""
        record = self._records.get(key)
        now = self._clock.now()
        if record is not None and record.locked_until > now:
            seconds = -(-(record.locked_until - now) // 1000)
            raise TooManyAttempts(f"Too many attempts failed; try again in {seconds} seconds", seconds)

    def begin(self, key: str) -> None:
        """Count an attempt as failed before it is looked at, so that many at once are not all looked at."""
        now = self._clock.now()
        record = self._records.pop(key, None)
        if record is None or now - record.last > _CALM_MS:
            record = _Record()
        self._records[key] = record
        record.failures += 1
        record.last = now
        if record.failures >= self._allowed:
            doubled = _FIRST_LOCK_MS << min(record.failures - self._allowed, 10)
            record.locked_until = now + min(doubled, _LONGEST_LOCK_MS)
        if len(self._records) > _BOUND:
            self._records.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """The last attempt was good after all, and whoever made it may forget the others."""
        self._records.pop(key, None)
