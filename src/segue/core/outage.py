"""Outages: how long a message waits after a call that brought no usable answer."""

from __future__ import annotations

FIRST_MS = 500
LONGEST_MS = 60_000
JITTER = 0.2
LONGEST_ASKED_MS = 3_600_000
"""A worker that says when to come again is believed, up to an hour."""


def outage_delay_ms(outages: int, chance: float) -> int:
    """Return how long to wait after the `outages`-th call in a row without an answer (from 1), in ms.

    Half a second, doubled each time up to one minute, and 20 % more or less by `chance` in [0, 1), so that messages
    that failed together do not come back together.
    """
    doubled = FIRST_MS << min(max(outages, 1) - 1, 16)
    return round(min(doubled, LONGEST_MS) * (1 - JITTER + 2 * JITTER * chance))
