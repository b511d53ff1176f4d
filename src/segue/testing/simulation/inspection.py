"""Compares what the store shows with what the account says must be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from segue.model.message import WAITING_PLACES, Message, Place
from segue.model.versions import Instance
from segue.ports.store import Store
from segue.testing.simulation.account import Account, Known, Run
from segue.testing.simulation.breach import Breaches
from segue.testing.simulation.loop import SimulatedLoop

T = TypeVar("T")
_PAGE = 1_000


class Inspector:
    """Looks into the store between two steps of everything else."""

    def __init__(self, store: Store, account: Account, breaches: Breaches, loop: SimulatedLoop) -> None:
        self._store = store
        self._account = account
        self._breaches = breaches
        self._loop = loop
        self._events_seen = 0

    def use(self, store: Store) -> None:
        """Look into this store from now on: the same rows, opened again."""
        self._store = store

    def committed(self, now: int, *, whole: bool) -> None:
        """Something was committed: look at what it touched; with `whole` also prove the ledger (P3)."""
        account = self._account
        touched, account.touched = account.touched, {}
        self.events()
        for instance in touched:
            if instance in account.runs:
                self.instance(account.runs[instance])
        if whole:
            self.ledger(now)

    def events(self) -> None:
        """Compare the events that were stored since the last look with those that had to be (P2, M10)."""
        told, self._account.told = self._account.told, []
        found = self._now(self._store.events(self._events_seen, _PAGE))
        numbers = [event.seq for event in found]
        rising = all(a < b for a, b in zip([self._events_seen, *numbers], numbers, strict=False))
        self._breaches.unless(rising, "M10", f"the numbers of events do not rise: {self._events_seen}, {numbers}")
        if found:
            self._events_seen = found[-1].seq
        stored = Counter((event.kind, event.instance, event.message) for event in found)
        for event, count in ((Counter(told)) - stored).items():
            self._breaches.note("P2", f"{count} events {event[0]} were not stored", event[1])
        for event, count in (stored - Counter(told)).items():
            self._breaches.note("P2", f"{count} events {event[0]} too many were stored", event[1])

    def instance(self, run: Run) -> None:
        """Compare one instance and its live messages."""
        found = self._now(self._store.instance(run.id))
        if found is None:
            self._breaches.note("P1", "the instance is not in the store", run.id)
            return
        self.shown(run, found)
        messages = self._now(self._store.instance_messages(run.id, _PAGE))
        self._messages(run, messages)

    def pruned(self, count: int, before: int, limit: int) -> None:
        """Instances were pruned: only such as had ended before, and no more than was asked for (R1, R2)."""
        gone = [run for run in self._account.runs.values() if self._now(self._store.instance(run.id)) is None]
        for run in gone:
            early = run.ended is not None and run.ended_at < before
            text = f"an instance was pruned that was {run.state} and not over before {before}"
            self._breaches.unless(early, "R2", text, run.id)
        self._breaches.unless(len(gone) == count <= limit, "R1", f"{len(gone)} instances are gone, {count} were said")
        for run in gone:
            self._account.forget(run)

    def shown(self, run: Run, found: Instance) -> None:
        """Compare an instance as the store shows it."""
        wanted = (run.process, run.number, run.state, len(run.live), run.in_trash, run.ended is not None)
        shown = (found.process, found.version, found.state, found.live, found.trash, found.finished is not None)
        names = ("process", "version", "state", "live", "trash", "ended")
        for name, right, wrong in zip(names, wanted, shown, strict=True):
            promise = "P4" if name == "version" else "P2"
            self._breaches.unless(right == wrong, promise, f"{name} is {wrong} instead of {right}", run.id)
        handled = (found.ok, found.failed)
        text = f"counts {handled} as ok and failed instead of {(run.ok, run.failed)}"
        self._breaches.unless(handled == (run.ok, run.failed), "P2", text, run.id)

    def _messages(self, run: Run, found: Iterable[Message]) -> None:
        live = dict(run.live)
        for message in found:
            known = live.pop(message.id, None)
            if known is None:
                self._breaches.note("P2", f"the store has message {message.id} at {message.node} too many", run.id)
                continue
            self.same(known, message, "P1")
        for known in live.values():
            text = f"message {known.id} at {known.node} ({known.place.name.lower()}) is not in the store"
            self._breaches.note("P1", text, run.id)

    def same(self, known: Known, message: Message, promise: str) -> None:
        """Compare one message."""
        place = Place.QUEUED if message.place is Place.DELAYED else message.place
        pairs = (
            ("node", known.node, message.node),
            ("version", known.version, message.version),
            ("place", known.place, place),
            ("body", known.body, message.body),
            ("headers", known.headers, message.headers),
            ("due", known.due, message.due),
            ("repeats", known.repeats, message.repeats),
            ("outages", known.outages, message.outages),
            ("entered", known.entered, message.entered),
            ("parent", known.parent, message.parent),
            ("scope", known.scope, message.scope),
        )
        for name, right, wrong in pairs:
            if right != wrong:
                text = f"message {known.id} at {known.node}: {name} is {wrong!r} instead of {right!r}"
                self._breaches.note(promise, text, known.instance)

    def ledger(self, now: int) -> None:
        """Let the store prove its account, and compare it with ours (P3)."""
        audit = self._now(self._store.audit(now))
        self._breaches.unless(not audit.faults, "P3", f"the audit found: {'; '.join(audit.faults)}")
        lines = {(line.process, line.version): line for line in audit.versions}
        places: dict[int, Counter[Place]] = {}
        for known in self._account.live.values():
            places.setdefault(known.version, Counter())[known.place] += 1
        for id_, sums in self._account.sums.items():
            version = self._account.versions[id_]
            line = lines.get((version.process, version.number))
            there = places.get(id_, Counter())
            wanted = (
                sums.accepted,
                sums.produced,
                sums.consumed,
                there[Place.QUEUED],
                sum(there[place] for place in WAITING_PLACES),
                there[Place.TRASH],
            )
            shown = line and (
                line.accepted,
                line.produced,
                line.consumed,
                line.queued + line.delayed,
                line.waiting,
                line.trash,
            )
            text = f"version {version.number} of {version.process}: {shown} instead of {wanted}"
            self._breaches.unless(shown == wanted, "P3", text)
            self._breaches.unless(line is None or line.balanced, "P3", f"does not balance: {line}")

    def whole(self, now: int) -> None:
        """Compare everything that the store has, steps included."""
        self.committed(now, whole=True)
        for run in self._account.runs.values():
            self.instance(run)
            self._steps(run)

    def _steps(self, run: Run) -> None:
        found = self._now(self._store.instance_steps(run.id, _PAGE))
        gone = {id_: gone for id_, gone in self._account.gone.items() if gone.known.instance == run.id}
        for step in found:
            wanted = gone.pop(step.message, None)
            if wanted is None:
                self._breaches.note("P2", f"message {step.message} at {step.node} has a step too many", run.id)
                continue
            known = wanted.known
            right = (known.parent, known.node, wanted.outcome.value, len(wanted.children))
            shown = (step.parent, step.node, step.outcome, step.produced)
            self._breaches.unless(right == shown, "P2", f"step {step.message}: {shown} instead of {right}", run.id)
        for id_, missing in gone.items():
            self._breaches.note("P2", f"message {id_} left {missing.known.node} without a step", run.id)

    def _now(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a read answers, without letting anybody else run. The stores of a simulation can do so."""
        with self._loop.at_once():
            try:
                work.send(None)
            except StopIteration as stop:
                result: T = stop.value
                return result
        work.close()
        raise AssertionError("a read of the store waited for something")
