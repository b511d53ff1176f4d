"""Delivery: what a message from outside does to one that listens for it."""

from __future__ import annotations

from collections.abc import Mapping

from segue.core import calls
from segue.core.bodies import BodyError, received
from segue.core.children import Content, offspring
from segue.core.headers import clean_headers
from segue.core.routing import Routes
from segue.core.verdict import Case, consumed
from segue.model.errors import Invalid, MessageGone
from segue.model.message import Message, Place, Record, Transition


def decide_delivery(  # noqa: PLR0917 - what a decision rests on, in the order of the story
    routes: Routes, message: Message, body: bytes, headers: Mapping[str, str], now: int, by: str
) -> Transition:
    """Return what it does that a body and headers reach the message: it goes on with them, as its node says.

    Raises MessageGone when it does not listen any more, and Invalid for a body that it cannot take.
    """
    node = routes.node(message.node)
    if message.place is not Place.LISTENING:
        raise MessageGone(f"The message {message.id} does not listen any more")
    try:
        sent = received(node.meeting or calls.DEFAULT, message.body, body)
    except BodyError as error:
        raise Invalid(str(error)) from None
    travelling = {**clean_headers(message.headers), **clean_headers(headers)}
    case = Case(routes, node, message, now)
    content = Content(sent, travelling, routes.route(node.id, sent, travelling))
    verdict = consumed(case, offspring(routes, message, [content], now, items=False))
    return Transition(
        message=message, effect=verdict.effect, record=Record(taken=now), at=now, logs=verdict.logs, by=by
    )
