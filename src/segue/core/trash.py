"""Trash: what a person does with a failed message. It is edited, sent back, sent to another version, or discarded."""

from __future__ import annotations

from collections.abc import Mapping

from segue.core import scopes
from segue.core.headers import begun_by_hand, by_hand, clean_headers, edited_headers
from segue.model.errors import MessageGone
from segue.model.message import Consumed, Edited, Effect, Message, Outcome, Place, Record, Returned, Transition
from segue.model.start import Start


def decide_resend(
    message: Message, body: bytes | None, headers: Mapping[str, str] | None, now: int, by: str
) -> Transition:
    """The message goes to the end of the queue of the node it failed on, corrected where given. Raises MessageGone."""
    effect = Returned(body=message.body if body is None else body, headers=edited_headers(message, headers))
    return _transition(message, effect, now, by)


def decide_edit(
    message: Message, body: bytes | None, headers: Mapping[str, str] | None, now: int, by: str
) -> Transition:
    """The message stays in trash with what is given in place of its own. Raises MessageGone."""
    effect = Edited(body=message.body if body is None else body, headers=edited_headers(message, headers))
    return _transition(message, effect, now, by)


def decide_discard(message: Message, now: int, by: str) -> Transition:
    """The message leaves the account for good; its instance has failed. Raises MessageGone."""
    return _transition(message, Consumed(outcome=Outcome.DISCARDED, clears=scopes.dropping(message.scope)), now, by)


def decide_move(message: Message, start: Start, now: int, by: str) -> Transition:
    """The message leaves this version and starts an instance of another one, in one transaction (P4).

    `start` says where and under which ids; its headers lose what belongs to this version, and its origin is this
    instance. Raises MessageGone.
    """
    moved = Start(
        process=start.process,
        instance=start.instance,
        message=start.message,
        at=now,
        body=start.body,
        headers=(begun_by_hand if by_hand(message.headers) else clean_headers)(start.headers),
        node=start.node,
        version=start.version,
        entry=start.entry,
        key=start.key,
        origin=message.instance,
    )
    effect = Consumed(outcome=Outcome.MOVED, starts=(moved,), clears=scopes.dropping(message.scope))
    return _transition(message, effect, now, by)


def _transition(message: Message, effect: Effect, now: int, by: str) -> Transition:
    if message.place is not Place.TRASH:
        raise MessageGone(f"The message {message.id} is not in trash any more")
    return Transition(message=message, effect=effect, record=Record(taken=now), at=now, by=by)
