"""What may be set of the embedded store."""

from __future__ import annotations

from msgspec import Struct


class SqliteSettings(Struct, frozen=True, kw_only=True):
    """Bounds of the store; sizes in bytes, counts in messages or operations.

    `max_live`: live messages of a version at which starts are refused. `max_waiting`: operations waiting for the
    writer at which starts are refused. `batch`: changes in one transaction at most; `short_batch`: in one whose
    statements the event loop executes. `front_*`: how much of one queue, and of all queues together, is kept in memory.
    `min_free`: free disk space below which starts are refused. `history_bytes`: largest body that stays with the step
    of a message that has left; below 0 none does. `check_below`: after an unclean end a file smaller than this is
    checked whole before use.
    """

    max_live: int = 5_000_000
    max_waiting: int = 20_000
    batch: int = 500
    short_batch: int = 250
    front_messages: int = 1_000
    front_bytes: int = 4 << 20
    fronts_bytes: int = 64 << 20
    history_bytes: int = 16 << 10
    min_free: int = 64 << 20
    check_below: int = 64 << 20
    readers: int = 2
    checkpoint_pages: int = 4_000
    cache_bytes: int = 32 << 20
    retry_first_ms: int = 100
    retry_longest_ms: int = 5_000
