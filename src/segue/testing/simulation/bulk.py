"""What people have done to many messages at once, checked: all that was there when it began, each once, none after it.

An operation is known from the moment it is stored. Each settle of its own is counted as it happens; at the end, when
all is calm, what the operation says of itself has to be that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from segue.model.message import Place, Transition
from segue.model.operations import ENDED, Operation, OperationKind, OperationState
from segue.model.versions import VersionState
from segue.ports.views import PlacedFilter
from segue.testing.simulation.account import Account, Known
from segue.testing.simulation.breach import Breaches

_OF_TRASH = frozenset({OperationKind.RESEND, OperationKind.DISCARD})


@dataclass(slots=True)
class KnownOperation:
    """One operation: when it began, which messages lay there then (and since when), and those that it handled."""

    place: Place
    begun: int
    found: dict[str, tuple[int, int]]
    handled: set[str] = field(default_factory=set)


class Bulk:
    """Checks operations. `known` is by id."""

    def __init__(self, account: Account, breaches: Breaches) -> None:
        self.known: dict[str, KnownOperation] = {}
        self._counted: dict[bytes, dict[str, tuple[int, int]]] = {}
        self._account = account
        self._breaches = breaches

    def counted(self, wanted: PlacedFilter, count: int) -> None:
        """Somebody was told how many messages there are, and is perhaps about to begin an operation on them."""
        found = {known.id: _stay(known) for known in self._there(wanted.place, wanted.process)}
        text = f"{count} messages are said to be in {wanted.place.name.lower()}, but {len(found)} are"
        self._breaches.unless(count == len(found), "operation", text)
        self._counted[msgspec.json.encode(wanted)] = found

    def begun(self, operation: Operation) -> None:
        """An operation was stored."""
        place = Place.TRASH if operation.kind in _OF_TRASH else Place.WAITING
        self.known[operation.id] = KnownOperation(place, operation.created, self._counted[operation.wanted])

    def _there(self, place: Place, process: str | None) -> list[Known]:
        names = {version.id: version.process for version in self._account.versions.values()}
        return [
            known
            for known in self._account.live.values()
            if known.place is place and process in {None, names[known.version]}
        ]

    def settling(self, transition: Transition) -> None:
        """An operation is about to handle a message: none that came later, and none for the second time."""
        operation = self.known.get(transition.operation or "")
        known = self._account.live.get(transition.message.id)
        if operation is None or known is None or not self._account.is_fresh(transition.message):
            return
        text = f"the operation of {transition.by} handles {known.id}, which came to its place after it had begun"
        came = known.failed_at if operation.place is Place.TRASH else known.entered
        self._breaches.unless(came <= operation.begun, "operation", text, known.instance)

    def settled(self, transition: Transition) -> None:
        """A settle of an operation was true."""
        operation = self.known.get(transition.operation or "")
        if operation is not None:
            id_ = transition.message.id
            text = f"the operation of {transition.by} handled {id_} twice"
            self._breaches.unless(id_ not in operation.handled, "operation", text, transition.message.instance)
            operation.handled.add(id_)

    def ended(self, operation: Operation) -> None:
        """An operation says that it has ended, and all is calm."""
        known = self.known.get(operation.id)
        if known is None:
            return
        unless, what = self._breaches.unless, f"the operation of {operation.by}"
        unless(operation.state in ENDED, "liveness", f"{what} does not end: it is {operation.state}")
        # One that met an error that no port announces (`life.Broken`) gives up, so that the others go on.
        met_fault = (operation.error or "").startswith("Broken:")
        gave_up = operation.state is OperationState.FAILED and not met_fault
        unless(not gave_up, "operation", f"{what} gave up: {operation.error}")
        said = f"{what} says that it handled {operation.done} messages, but it handled {len(known.handled)}"
        unless(operation.done == len(known.handled), "operation", said)
        if operation.state is not OperationState.DONE:
            return
        for id_, stay in known.found.items():
            left = self._account.live.get(id_)
            if left is not None and left.place is known.place and _stay(left) == stay and not self._retired(left):
                text = f"{what} is done, but left {id_} at {left.node} as it was"
                self._breaches.note("operation", text, left.instance)

    def _retired(self, known: Known) -> bool:
        return self._account.versions[known.version].state is VersionState.RETIRED


def _stay(known: Known) -> tuple[int, int]:
    """What tells this stay in a place from a later one of the same message."""
    return known.arrival, known.entered
