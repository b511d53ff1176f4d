"""What is kept of limits, so that they hold across restarts and processes (P7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from segue.core.limits import Slot
from segue.model.graph import LimitRule


class LimitCatalog(Protocol):
    """The slots that calls hold.

    L1 What `put_slots` was given is durable when it answers; a slot with the same key and holder is replaced.
    L2 `forget_slots` removes only slots of the key that ended before the instant.
    """

    async def slots(self) -> list[Slot]:
        """All slots, in the order of their grants."""
        ...

    async def put_slots(self, slots: Sequence[Slot]) -> None:
        """Store slots, all or none. Raises StoreUnavailable."""
        ...

    async def forget_slots(self, key: str, before: int) -> None:
        """Remove the key's slots that ended before this instant."""
        ...


class Ask(Struct, frozen=True, kw_only=True):
    """A call `holder` that wants a slot under each of the keys; `rules` hold for it beside those declared."""

    holder: str
    keys: tuple[str, ...]
    rules: tuple[LimitRule, ...] = ()


class Ended(Struct, frozen=True, kw_only=True):
    """A call that is over."""

    holder: str
    keys: tuple[str, ...]


class SharedLimits(Protocol):
    """Limits decided in the store, for any number of processes that share it. Its clock is the only one that counts.

    L3 No window of a rule's length holds more calls than the rule allows, whoever asked for them and when.
    L4 All rules declared for a key hold, by whichever version: the strictest counts. Rules of retired versions do not.
       Those of an ask hold for it beside them.
    L5 A granted slot is durable when `settle_slots` answers; of the asks of a list each is granted whole or not at all.
    L6 A slot is held until its rule's window after its call ended; one told late counts from when it is told.
    L7 Slots of calls whose process is gone end when that is seen, once.
    """

    async def declare_rules(self, version: int, rules: Sequence[LimitRule]) -> None:
        """Have these rules of a version hold from now on (0: of no version, for good)."""
        ...

    async def watch_windows(self, windows: Sequence[tuple[str, int]]) -> None:
        """Keep the slots of these keys for so many ms after their calls: asks bring rules with them that look back so
        far."""
        ...

    async def settle_slots(self, ended: Sequence[Ended], asks: Sequence[Ask]) -> list[int | None]:
        """Note ends, then decide the asks in their order: None for a granted one, else in how many ms to ask again.

        Keys of asks have been declared, or the windows of their own rules are watched. Raises StoreUnavailable; nothing
        is changed then.
        """
        ...

    async def tidy_slots(self) -> int:
        """End the slots of processes that are gone (how many), and forget those that no window reaches any more."""
        ...
