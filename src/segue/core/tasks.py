"""User tasks: a message that waits for a person by design, accepted or rejected."""

from __future__ import annotations

from collections.abc import Mapping

from segue.core.children import Content, Offspring, offspring
from segue.core.headers import clean_headers
from segue.core.routing import Routes
from segue.core.verdict import Case, consumed
from segue.model.errors import Conflict, MessageGone
from segue.model.graph import NodeKind
from segue.model.message import Message, Outcome, Place, Record, Transition


def decide_task(  # noqa: PLR0917 - what a decision rests on, in the order of the story
    routes: Routes,
    message: Message,
    accepted: bool,
    body: bytes | None,
    headers: Mapping[str, str] | None,
    now: int,
    by: str,
) -> Transition:
    """Return what a person's decision about a waiting message does.

    Accepted, the message goes on, with another body or other headers where given; rejected, it ends here. When it is
    accepted and nobody can say where it goes next, it goes to trash. Raises MessageGone when it does not wait any more,
    and Conflict when its node is no user task.
    """
    node = routes.node(message.node)
    if node.kind is not NodeKind.USER_TASK:
        raise Conflict(f"The node {node.label!r} is no user task")
    if message.place is not Place.WAITING:
        raise MessageGone(f"The message {message.id} does not wait for a person any more")
    case = Case(routes, node, message, now)
    if accepted:
        sent = message.body if body is None else body
        travelling = clean_headers(message.headers if headers is None else headers)
        content = Content(sent, travelling, routes.route(node.id, sent, travelling))
        verdict = consumed(case, offspring(routes, message, [content], now, items=False), Outcome.ACCEPTED)
    else:
        verdict = consumed(case, Offspring(), Outcome.REJECTED)
    return Transition(
        message=message, effect=verdict.effect, record=Record(taken=now), at=now, logs=verdict.logs, by=by
    )
