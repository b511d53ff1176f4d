"""What is taken from queues and given back: order, due times, and that nothing is in two hands (M6 to M9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segue.model.message import Message, Place
from segue.testing.simulation.account import Account, Known
from segue.testing.simulation.breach import Breaches
from segue.testing.simulation.inspection import Inspector


class Queues:
    """Checks each take, and notes in the account what is in hand."""

    def __init__(self, account: Account, breaches: Breaches, inspector: Inspector) -> None:
        self._account = account
        self._breaches = breaches
        self._inspector = inspector

    def taken(  # noqa: PLR0917 - as the port has it
        self, messages: Sequence[Message], version: int, node: str, limit: int, now: int, ordered: bool
    ) -> None:
        """These messages were handed out."""
        unless = self._breaches.unless
        unless(len(messages) <= limit, "M6", f"{len(messages)} messages were taken at {node}, {limit} were asked for")
        queue = self._account.queues.get((version, node), {})
        for message in messages:
            known = self._account.live.get(message.id)
            if known is None or known.place is not Place.QUEUED:
                text = f"message {message.id} was taken at {node}, but it is not in the queue"
                self._breaches.note("M7", text, message.instance)
                continue
            unless(not known.taken, "M7", f"message {known.id} at {node} was taken twice", known.instance)
            text = f"message {known.id} at {node} was taken {known.due - now} ms before it is due"
            unless(known.due <= now, "M9", text, known.instance)
            self._inspector.same(known, message, "M4")
            self._check_order(queue.values(), known, ordered)
            known.taken = True

    def _check_order(self, queue: Iterable[Known], known: Known, ordered: bool) -> None:
        for other in queue:
            if other is known or other.taken or other.arrival >= known.arrival:
                continue
            if ordered or (other.due == 0 and known.due == 0):
                text = f"message {known.id} at {known.node} was taken before {other.id}, which had come earlier"
                self._breaches.note("M6", text, known.instance)

    def released(self, message: Message) -> None:
        """A message was given back."""
        known = self._account.live.get(message.id)
        if known is not None and self._account.is_fresh(message):
            known.taken = False
