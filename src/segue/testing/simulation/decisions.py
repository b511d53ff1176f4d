"""What the engine and people decide, checked before it is settled."""

from __future__ import annotations

from dataclasses import dataclass

from segue.model.graph import NodeKind
from segue.model.message import Consumed, Edited, Outcome, Place, Returned, SetAside, Transition
from segue.model.start import Headers
from segue.model.workers import Fault, WorkerReply
from segue.testing.simulation import wire
from segue.testing.simulation.account import Account, Known
from segue.testing.simulation.belonging import Scopes
from segue.testing.simulation.breach import Breaches
from segue.testing.simulation.calls import Calls
from segue.testing.simulation.drawing import Drawing
from segue.testing.simulation.expected import TRASH, Aside, Leaves, caught, expected, forwarded, problem


@dataclass(frozen=True, slots=True)
class Wish:
    """What one person wants done with a message, or many; None means that it stays as it is. `added` headers are laid
    over those of each message."""

    what: str
    body: bytes | None = None
    headers: Headers | None = None
    added: Headers | None = None


class Decisions:
    """Compares each decision with what it must be. `wishes` is by the name of the person who has it."""

    def __init__(self, account: Account, calls: Calls, breaches: Breaches) -> None:
        self.wishes: dict[str, Wish] = {}
        self._account = account
        self._calls = calls
        self._breaches = breaches
        self._children: dict[str, tuple[str, ...]] = {}
        self._scopes = Scopes()

    def made(self, life: int, transition: Transition) -> None:
        """Somebody is about to settle this. A decision about a message that has left changes nothing anyway."""
        known = self._account.live.get(transition.message.id)
        if known is None or not self._account.is_fresh(transition.message):
            return
        self._check_children(transition, known)
        wrong = self._engine(life, transition, known) if transition.by is None else self._person(transition, known)
        if wrong is not None:
            text = f"message {known.id} at {known.node} {wrong}"
            self._breaches.note("decision", text, known.instance)

    def _engine(self, life: int, transition: Transition, known: Known) -> str | None:
        drawing = self._account.versions[known.version].drawing
        reply = None
        action = drawing.nodes[known.node].action
        if action is not None:
            seen = self._calls.last.get(known.id)
            if getattr(transition.effect, "reason_code", None) == Fault.UNKNOWN_WORKER.value:
                if action.worker not in self._calls.missing:
                    return f"does not know the worker {action.worker}, which was always there"
                reply = WorkerReply(fault=Fault.UNKNOWN_WORKER)
            elif seen is None or seen.reply is None or (seen.node, seen.life) != (known.node, life):
                return "was decided without an answer of a worker"
            else:
                reply = seen.reply
        if drawing.nodes[known.node].kind is NodeKind.CALL:
            return self._at_call(drawing, known, transition)
        return problem(expected(drawing, known, reply, transition.at), transition.effect, known, self._scopes)

    def _at_call(self, drawing: Drawing, known: Known, transition: Transition) -> str | None:
        """A call activity calls; when nobody can be called the message fails."""
        effect, at = transition.effect, transition.at
        right = expected(drawing, known, None, at)
        called = drawing.nodes[known.node].calls or ""
        if right != Aside(Place.CALLING):
            return problem(right, effect, known, self._scopes)
        if isinstance(effect, SetAside) and effect.place is Place.CALLING:
            made = [
                (s.process, s.body, wire.own(s.headers), wire.by_hand(s.headers), s.origin, s.scope.split(".")[-1])
                for s in effect.starts
            ]
            by_hand = wire.by_hand(known.headers)
            wanted = [(called, known.body, wire.own(known.headers), by_hand, known.instance, f"{known.id}/")]
            return None if made == wanted else f"must call {wanted}, but calls {made}"
        if not self._account.lacked(called, transition.record.taken):
            return f"must call {called}, but is {effect}"
        return problem(caught(drawing, known, TRASH, at), effect, known, self._scopes)

    def _person(self, transition: Transition, known: Known) -> str | None:
        effect = transition.effect
        wish = self.wishes.get(transition.by or "")
        if wish is None:
            return f"was changed by {transition.by}, who asked for nothing"
        if isinstance(effect, Returned | Edited):
            return self._person_keeps(effect, known, wish)
        if not isinstance(effect, Consumed):
            return f"was to be handled as {wish}, but is {effect}"
        wrong = None
        for seen in [(known.body, known.headers), *known.former]:
            wrong = self._person_consumes(transition, effect, known, _asked(wish, seen), wish.what)
            if wrong is None:
                return None
        return wrong

    def _person_keeps(self, effect: Returned | Edited, known: Known, wish: Wish) -> str | None:
        """A message sent back, or changed in its place."""
        wanted = [_asked(wish, seen) for seen in [(known.body, known.headers), *known.former]]
        right = wish.what == ("resend" if isinstance(effect, Returned) else "edit")
        if right and (effect.body, wire.own(effect.headers)) in [(body, wire.own(own)) for body, own in wanted]:
            return None
        return f"was to be handled as {wish}, but is {effect}"

    def _person_consumes(
        self, transition: Transition, effect: Consumed, known: Known, asked: tuple[bytes, Headers], what: str
    ) -> str | None:
        body, headers = asked
        if what == "accept":
            drawing = self._account.versions[known.version].drawing
            right = forwarded(drawing, known, body, headers, transition.at, outcome=Outcome.ACCEPTED)
            return problem(caught(drawing, known, right, transition.at), effect, known, self._scopes)
        if what == "deliver":
            drawing = self._account.versions[known.version].drawing
            travelling = known.headers | wire.own(headers)
            right = forwarded(drawing, known, body, travelling, transition.at)
            return problem(caught(drawing, known, right, transition.at), effect, known, self._scopes)
        if what == "move":
            moved = [(start.body, wire.own(start.headers), start.origin) for start in effect.starts]
            same = moved == [(body, wire.own(headers), known.instance)]
            return None if same and effect.outcome is Outcome.MOVED else f"was to be moved, but is {effect}"
        outcomes = {"reject": Outcome.REJECTED, "discard": Outcome.DISCARDED, "cancel": Outcome.CANCELLED}
        outcome = outcomes.get(what)
        if outcome is None:
            return f"was to be handled by {what}, but is {effect}"
        return problem(Leaves(outcome, terminate=what == "cancel"), effect, known, self._scopes)

    def _check_children(self, transition: Transition, known: Known) -> None:
        """Whoever handles a message once more names its children alike (P2)."""
        effect = transition.effect
        if not isinstance(effect, Consumed):
            return
        for index, child in enumerate(effect.children):
            key = f"{known.id}/{child.node}/{index}"
            first = self._children.setdefault(key, (child.id,))
            text = f"the child {index} of {known.id} at {child.node} is {child.id}, and was {first[0]} before"
            self._breaches.unless(first[0] == child.id, "P2", text, known.instance)
        place_wrong = known.place is Place.TRASH and transition.by is None
        self._breaches.unless(
            not place_wrong, "M7", f"the engine handled {known.id}, which is in trash", known.instance
        )


def _asked(wish: Wish, seen: tuple[bytes, Headers]) -> tuple[bytes, Headers]:
    """Body and headers that a wish means for a message that looked like this."""
    body, headers = seen
    if wish.added is not None:
        headers = {**headers, **wish.added}
    return body if wish.body is None else wish.body, headers if wish.headers is None else wish.headers
