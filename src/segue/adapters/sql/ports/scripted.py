"""What the ports made of scripts stand on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from segue.adapters.sql.cluster import Now
from segue.adapters.sql.scripts import Script
from segue.ports.outside import Clock, Secrets

T = TypeVar("T")


class Scripted(ABC):
    """Runs scripts: `_change` in one transaction, in line with everything else that changes, `_read` beside it in one
    snapshot. `versions` says that a script may change processes or versions, of which the store remembers some; `alone`
    that nothing may change beside it, in any process: what it decides depends on more than it changes."""

    _clock: Clock
    _secrets: Secrets

    @abstractmethod
    async def _change(self, script: Callable[[], Script[T]], *, versions: bool = False, alone: bool = False) -> T:
        """Run a script whole or not at all; its value. Raises what it raises, and StoreUnavailable."""

    @abstractmethod
    async def _read(self, script: Callable[[], Script[T]]) -> T:
        """Run a script that only reads; its value. Raises what it raises, and StoreUnavailable."""

    def _life(self) -> int:
        """A number that only this opening of the store has; 0 for one that makes no calls."""
        return 0

    def _instant(self) -> Now:
        """What time it is for all who share the database: what it says itself, where there are several."""
        return self._clock.now()
