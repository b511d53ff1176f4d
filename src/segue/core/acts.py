"""Acts: what a transition that a person caused is called in the record of who did what."""

from __future__ import annotations

from segue.model.message import Consumed, Edited, Outcome, Returned, Transition
from segue.model.operations import ActKind

_KINDS = {
    Outcome.DISCARDED: ActKind.DISCARDED,
    Outcome.MOVED: ActKind.MOVED,
    Outcome.ACCEPTED: ActKind.ACCEPTED,
    Outcome.REJECTED: ActKind.REJECTED,
    Outcome.CANCELLED: ActKind.CANCELLED,
}


def act_kind(transition: Transition) -> ActKind | None:
    """Return what a person did with this transition; None when nobody caused it, or it is nothing to be recorded."""
    if transition.by is None:
        return None
    effect = transition.effect
    if isinstance(effect, Returned):
        return ActKind.RESENT
    if isinstance(effect, Edited):
        return ActKind.EDITED
    return _KINDS.get(effect.outcome) if isinstance(effect, Consumed) else None
