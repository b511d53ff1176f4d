"""The rules of the account: how an instance's counts change, and what state they mean."""

from __future__ import annotations

from msgspec import Struct

from segue.model.events import EventKind
from segue.model.message import Outcome
from segue.model.versions import InstanceState

FAILED_OUTCOMES = frozenset({Outcome.FAILED, Outcome.DISCARDED})
"""How a message leaves that counts as failed; `CANCELLED` counts as neither, everything else as ok."""

END_EVENTS = {
    InstanceState.FINISHED: EventKind.INSTANCE_FINISHED,
    InstanceState.FAILED: EventKind.INSTANCE_FAILED,
    InstanceState.CANCELLED: EventKind.INSTANCE_CANCELLED,
}


class Tally(Struct, kw_only=True, gc=False):
    """Counts of one instance, or the changes of them: live messages, those of them in trash, and handled ones."""

    live: int = 0
    trash: int = 0
    failed: int = 0
    cancelled: int = 0
    discarded: int = 0

    def add(self, other: Tally) -> None:
        """Add another one's counts."""
        self.live += other.live
        self.trash += other.trash
        self.failed += other.failed
        self.cancelled += other.cancelled
        self.discarded += other.discarded

    def count(self, outcome: Outcome) -> None:
        """Count one message that left its queue with `outcome`."""
        if outcome in FAILED_OUTCOMES:
            self.failed += 1
            if outcome is Outcome.DISCARDED:
                self.discarded += 1
        elif outcome is Outcome.CANCELLED:
            self.cancelled += 1


def instance_state(tally: Tally, last: Outcome | None) -> InstanceState:
    """Return the state of an instance with these counts, whose latest message left with `last`.

    While messages live: failed when all of them are in trash, else running. When none lives: cancelled when the last
    one was, failed when any was discarded, else finished.
    """
    if tally.live:
        return InstanceState.FAILED if tally.trash == tally.live else InstanceState.RUNNING
    if last is Outcome.CANCELLED:
        return InstanceState.CANCELLED
    return InstanceState.FAILED if tally.discarded else InstanceState.FINISHED
