"""Children: the messages that follow from one that leaves its node."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from segue.core.headers import PARENT_ID, PREVIOUS_NODE_ID, PROCESS_ID, carried_headers
from segue.core.iso8601 import TimeError
from segue.core.routing import Routes, Stuck, Terminate, Way
from segue.core.timers import due_after
from segue.model.graph import Node, NodeKind
from segue.model.ids import child_id
from segue.model.message import Child, Message, Place
from segue.model.start import Headers


class Offspring(Struct, frozen=True):
    """What a message leaves behind: children, or the end of the whole instance, or `stuck` at its own node."""

    children: tuple[Child, ...] = ()
    terminate: bool = False
    stuck: Stuck | None = None


class Content(Struct, frozen=True):
    """What is sent on: a body and headers without any of the engine's, and the ways it goes."""

    body: bytes
    headers: Headers
    ways: Sequence[Way]


def offspring(routes: Routes, message: Message, contents: Sequence[Content], now: int, *, items: bool) -> Offspring:
    """Return the children of the message: each content to each of its ways, in that order.

    A copy of a message that splits, and every item of a batch (`items`), starts a `process-id` of its own and names
    the one it comes from; a message that goes one way keeps them. An id depends only on the parent, the node and the
    index.
    """
    for content in contents:
        for way in content.ways:
            if isinstance(way, Stuck) and way.node == message.node:
                return Offspring(stuck=way)
            if isinstance(way, Terminate):
                return Offspring(terminate=True)
    children: list[Child] = []
    for content in contents:
        splits = items or len(content.ways) > 1
        for way in content.ways:
            id_ = child_id(message.id, way.node, len(children))
            headers = _headers(routes, message, content.headers, way.node, id_ if splits else None)
            children.append(_child(routes, way, id_, content.body, headers, now))
    return Offspring(tuple(children))


def _child(routes: Routes, way: Way, id_: str, body: bytes, headers: Headers, now: int) -> Child:  # noqa: PLR0917
    if isinstance(way, Stuck):
        return Child(
            id=id_,
            node=way.node,
            body=body,
            headers=headers,
            place=Place.TRASH,
            reason=way.reason,
            reason_code=way.code,
        )
    node = routes.nodes[way.node]
    if node.kind is NodeKind.ACTION:
        return Child(id=id_, node=node.id, body=body, headers=headers)
    if node.kind is NodeKind.USER_TASK:
        return Child(id=id_, node=node.id, body=body, headers=headers, place=Place.WAITING)
    return _delayed(node, id_, body, headers, now)


def _delayed(node: Node, id_: str, body: bytes, headers: Headers, now: int) -> Child:
    """A child that waits at a timer; in trash when the timer cannot say how long."""
    try:
        due = due_at(node, now)
    except TimeError as error:
        reason = str(error)
        return Child(
            id=id_, node=node.id, body=body, headers=headers, place=Place.TRASH, reason=reason, reason_code="bad-timer"
        )
    place = Place.DELAYED if due > now else Place.QUEUED
    return Child(id=id_, node=node.id, body=body, headers=headers, place=place, due=due if due > now else 0)


def due_at(node: Node, entered: int) -> int:
    """Return when a message that reached the timer node at `entered` may go on. Raises TimeError."""
    if node.timer is None:
        raise TimeError(f"The timer {node.label!r} does not say when")
    try:
        return due_after(node.timer, entered)
    except TimeError as error:
        raise TimeError(f"The timer {node.label!r} cannot be used: {error}") from None


def _headers(routes: Routes, message: Message, headers: Headers, node: str, process: str | None) -> Headers:
    """The headers to store with a child at `node`: the user's, and of the engine's what cannot be computed."""
    stored = carried_headers(message)
    extra: Headers = {}
    if process is not None:
        extra[PROCESS_ID] = process
        extra[PARENT_ID] = stored.get(PROCESS_ID, message.instance)
    elif PROCESS_ID in stored:
        extra[PROCESS_ID] = stored[PROCESS_ID]
        extra[PARENT_ID] = stored.get(PARENT_ID, "")
    if PREVIOUS_NODE_ID not in routes.call_headers(node):
        extra[PREVIOUS_NODE_ID] = message.node
    return headers | extra if extra else headers


def cursor_child(message: Message, headers: Headers, index: int) -> Child:
    """Return the message that has a batch action called again: the same body, at the same node, with the new cursor."""
    return Child(id=child_id(message.id, message.node, index), node=message.node, body=message.body, headers=headers)
