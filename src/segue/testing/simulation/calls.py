"""What workers see, checked call by call: identity, content, version, order, and how many at once."""

from __future__ import annotations

from dataclasses import dataclass

from segue.model.graph import LimitRule, Node
from segue.model.message import Place
from segue.model.workers import WorkerCall, WorkerReply
from segue.testing.simulation import wire
from segue.testing.simulation.account import Account, Known
from segue.testing.simulation.breach import Breaches
from segue.testing.simulation.windows import LimitedCall, overfull


@dataclass(slots=True)
class Seen:
    """One call under way, or the last one of a message: by which life, to which node, and what came back."""

    life: int
    message: str
    version: int
    node: str
    begun: int
    ended: int | None = None
    reply: WorkerReply | None = None


class Calls:
    """Checks each call when it begins, and remembers what was answered.

    `urls` are the addresses that workers have had, `missing` those workers that were not registered for a while. `last`
    is the latest call of each message since it came to its place.
    """

    def __init__(self, account: Account, breaches: Breaches) -> None:
        self.urls: dict[str, set[str]] = {}
        self.missing: set[str] = set()
        self.count = 0
        self.repeated = 0
        self.last: dict[str, Seen] = {}
        self._called: set[str] = set()
        self._limited: list[Seen] = []
        self._account = account
        self._breaches = breaches
        self._running: dict[tuple[int, str], list[Seen]] = {}

    def begin(self, life: int, call: WorkerCall, now: int) -> Seen | None:
        """A control service calls a worker."""
        try:
            sent = wire.read_call(call)
            headers = sent.headers
            seen = Seen(life, headers[wire.MESSAGE], int(headers[wire.VERSION]), headers[wire.NODE], now)
        except (ValueError, KeyError) as error:
            self._breaches.note("P2", f"a call cannot be read: {error!r}")
            return None
        self.count += 1
        known = self._account.live.get(seen.message)
        gone = self._account.gone.get(seen.message)
        if gone is not None and gone.known.taken:
            known = gone.known  # it was in hand when others ended it; the call comes too late to be kept back
        if known is None:
            how = "has left" if gone is not None else "was never accepted or produced"
            text = f"message {seen.message} was sent to a worker for {seen.node}, but it {how}"
            self._breaches.note("P2", text, sent.headers.get(wire.INSTANCE))
            return None
        self.repeated += seen.message in self._called
        self._called.add(seen.message)
        self._check_identity(seen, known, sent)
        self._check_content(known, sent)
        self._check_time(seen, known, now)
        self._check_address(seen, call)
        self._check_order(seen, known)
        self._running.setdefault((seen.version, seen.node), []).append(seen)
        self.last[seen.message] = seen
        if self._rules(seen):
            self._limited.append(seen)
        return seen

    def end(self, seen: Seen, reply: WorkerReply | None, now: int) -> None:
        """The call is over: with what came back, or without anything when it was given up."""
        running = self._running.get((seen.version, seen.node), [])
        if seen in running:
            running.remove(seen)
            seen.ended = now
        seen.reply = reply

    def settled(self, message: str) -> None:
        """What was answered for this message has had its effect; it must not have another."""
        self.last.pop(message, None)

    def crash(self, now: int) -> None:
        """The server died, and its calls with it."""
        for running in self._running.values():
            for seen in running:
                seen.ended = now
        self._running.clear()

    def under_way(self) -> int:
        """Count the calls under way."""
        return sum(len(running) for running in self._running.values())

    def under(self, key: str) -> list[str]:
        """The processes that had calls under a key, in the order of the calls."""
        versions = self._account.versions
        return [versions[seen.version].process for seen in self._limited if key in {r.key for r in self._rules(seen)}]

    def check_limits(self, now: int) -> None:
        """Look at every window that there was (P7)."""
        calls: dict[LimitRule, list[LimitedCall]] = {}
        for seen in self._limited:
            for rule in self._rules(seen):
                ended = now if seen.ended is None else seen.ended
                calls.setdefault(rule, []).append(LimitedCall(rule=rule, begun=seen.begun, ended=ended))
        for rule, counted in calls.items():
            wrong = overfull(counted, rule)
            self._breaches.unless(wrong is None, "P7", wrong or "")

    def _rules(self, seen: Seen) -> tuple[LimitRule, ...]:
        node = self._node(seen)
        return () if node is None else node.limits

    def _node(self, seen: Seen) -> Node | None:
        version = self._account.versions.get(seen.version)
        return None if version is None else version.drawing.nodes.get(seen.node)

    # -- checks -------------------------------------------------------------------------------------------------------

    def _check_identity(self, seen: Seen, known: Known, sent: wire.Envelope) -> None:
        unless, instance = self._breaches.unless, known.instance
        what = f"message {known.id} of {known.node}"
        told = sent.headers.get(wire.INSTANCE)
        unless(told == instance, "P2", f"{what} went out for instance {told}", instance)
        run = self._account.runs.get(instance)
        version = known.version if run is None else run.version
        text = f"{what} went out as version {seen.version}, but its instance runs in {version}"
        unless(seen.version == version == known.version, "P4", text, instance)
        unless(seen.node == known.node, "P2", f"{what} went out for the node {seen.node}", instance)
        there = known.place is Place.QUEUED or known.taken
        unless(there, "P2", f"{what} was sent to a worker while it is in {known.place.name.lower()}", instance)
        unless(known.taken, "M7", f"{what} was sent to a worker without having been taken", instance)
        hops = sent.headers.get(wire.HOPS)
        wanted = str(known.repeats + 1) if known.repeats else None
        unless(hops == wanted, "P2", f"{what} says {hops} executions instead of {wanted}", instance)
        attempt = sent.headers.get(wire.ATTEMPT)
        text = f"{what} says attempt {attempt} after {known.repeats} repeats and {known.outages} outages"
        unless(attempt == str(known.repeats + known.outages + 1), "P2", text, instance)

    def _check_content(self, known: Known, sent: wire.Envelope) -> None:
        what = f"message {known.id} of {known.node} went out with"
        unless, instance = self._breaches.unless, known.instance
        body = f"{what} the body {sent.body!r} instead of {known.body!r}"
        unless(sent.body == known.body, "P1", body, instance)
        mine, stored = wire.own(sent.headers), wire.own(known.headers)
        unless(mine == stored, "P1", f"{what} the headers {mine} instead of {stored}", instance)
        told, source = sent.headers.get(wire.SOURCE), "ui" if wire.by_hand(known.headers) else "auto"
        unless(told == source, "P1", f"{what} the source {told} instead of {source}", instance)
        cursor = sent.headers.get(wire.CURSOR)
        unless(cursor == known.headers.get(wire.CURSOR), "P1", f"{what} the cursor {cursor}", instance)

    def _check_time(self, seen: Seen, known: Known, now: int) -> None:
        text = f"message {known.id} of {seen.node} was sent {known.due - now} ms before it is due"
        self._breaches.unless(known.due <= now, "M9", text, known.instance)

    def _check_address(self, seen: Seen, call: WorkerCall) -> None:
        node = self._node(seen)
        if node is None or node.action is None:
            self._breaches.note("P4", f"version {seen.version} has no action at {seen.node}, but it was called")
            return
        action = node.action
        path = wire.PATHS[action.kind.value].format(action.name.replace(" ", "%20"))
        right = {url + path for url in self.urls.get(action.worker, ())}
        text = f"{seen.node} of version {seen.version} calls {action.worker}{path}, but {call.url} was called"
        self._breaches.unless(call.url in right, "P4", text)
        text = f"{seen.node} may take {node.timeout_ms} ms, but the call was given {call.timeout_ms}"
        self._breaches.unless(call.timeout_ms == node.timeout_ms, "P5", text)

    def _check_order(self, seen: Seen, known: Known) -> None:
        node = self._node(seen)
        if node is None:
            return
        others = self._running.get((seen.version, seen.node), ())
        text = f"{len(others) + 1} calls at once at {seen.node} of version {seen.version}, which allows {node.prefetch}"
        promise = "P6" if node.prefetch == 1 else "prefetch"
        self._breaches.unless(len(others) < node.prefetch, promise, text, known.instance)
        if node.prefetch == 1 and known.id in self._account.live and known.place is Place.QUEUED:
            queue = self._account.queues.get((seen.version, seen.node), {})
            first = min(queue.values(), key=lambda other: other.arrival, default=known)
            text = f"{known.id} was sent to {seen.node} before {first.id}, which had come earlier"
            self._breaches.unless(first is known, "P6", text, known.instance)
