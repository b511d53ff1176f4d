"""Children: the messages that follow from one that leaves its node."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from segue.core import scopes
from segue.core.headers import PARENT_ID, PREVIOUS_NODE_ID, PROCESS_ID, SOURCE, by_hand, carried_headers
from segue.core.iso8601 import TimeError
from segue.core.listening import ListeningError, subscription
from segue.core.routing import LEFT, Opening, Routes, Stuck, Target, Terminate, Way
from segue.core.timers import due_after
from segue.model.graph import Node, NodeKind
from segue.model.ids import child_id
from segue.model.message import Child, Message, Place, Result
from segue.model.start import Headers

# Bound once: before Python 3.12, every look at an enumeration's member costs a call.
_ACTION, _CALL = NodeKind.ACTION, NodeKind.CALL


class Offspring(Struct, frozen=True, gc=False):
    """What a message leaves behind: children, or the end of the whole instance, or `stuck` at its own node.

    `clears` is the scope that ends with it, `result` what it says at last if it has no children.
    """

    children: tuple[Child, ...] = ()
    terminate: bool = False
    stuck: Stuck | None = None
    clears: str = ""
    result: Result | None = None


class Content(Struct, frozen=True, gc=False):
    """What is sent on: a body and headers without any of the engine's, and the ways it goes."""

    body: bytes
    headers: Headers
    ways: Sequence[Way]


class Origin(Struct, frozen=True):
    """Where children come from: the node they leave, and the scopes that go on and end (see `scopes.leaving`)."""

    node: str
    base: str
    clears: str = ""


def offspring(
    routes: Routes,
    message: Message,
    contents: Sequence[Content],
    now: int,
    first: int = 0,
    *,
    items: bool,
    origin: Origin | None = None,
) -> Offspring:
    """Return the children of the message: each content to each of its ways, in that order.

    A copy of a message that splits, and every item of a batch (`items`), starts a `process-id` of its own and names
    the one it comes from; a message that goes one way keeps them. An id depends only on the parent, the node and the
    index; `first` is the index of the first one.
    """
    if origin is None:
        simple = None if items else _simple_way(message, contents)
        if simple is not None:
            return Offspring((_passed_on(routes, message, contents[0], simple, now, first),))
        leaving = scopes.leaving(message.scope)
        origin = Origin(message.node, leaving.base, leaving.clears)
    return _spread(routes, message, contents, now, first, items=items, origin=origin)


def _spread(
    routes: Routes,
    message: Message,
    contents: Sequence[Content],
    now: int,
    first: int,
    *,
    items: bool,
    origin: Origin,
) -> Offspring:
    result = Result(contents[-1].body, contents[-1].headers) if contents else None
    for content in contents:
        for way in content.ways:
            if isinstance(way, Stuck) and way.node == message.node:
                return Offspring(stuck=way)
            if isinstance(way, Terminate):
                return Offspring(terminate=True, result=result)
    children: list[Child] = []
    clears = origin.clears
    over: list[str] = []
    for content in contents:
        begin = first + len(children)
        splits = items or sum(not (isinstance(way, Target) and way.beside) for way in content.ways) > 1
        for way in content.ways:
            id_ = child_id(message.id, way.node, first + len(children))
            headers = _headers(routes, message, content.headers, way.node, origin.node, id_ if splits else None)
            scope = origin.base
            if not isinstance(way, Terminate) and way.openings:
                scope, left = _opened(scope, way.openings, message.id, begin)
                if isinstance(way, Target) and way.ends and left:
                    over.append(left)
                if origin.base.startswith(left):
                    clears = _outermost(clears, left)
            children.append(_child(routes, way, id_, content.body, headers, scope, now))
    if over:
        ended = tuple(over)
        children = [child for child in children if not child.scope.startswith(ended)]
    return Offspring(tuple(children), clears=clears, result=result)


def _simple_way(message: Message, contents: Sequence[Content]) -> Target | None:
    """The way of a message that goes on as one and opens and leaves nothing, as most do; else None."""
    if message.scope or len(contents) != 1 or len(contents[0].ways) != 1:
        return None
    way = contents[0].ways[0]
    return way if isinstance(way, Target) and not way.openings and not way.ends else None


def _passed_on(routes: Routes, message: Message, content: Content, way: Target, now: int, index: int) -> Child:  # noqa: PLR0917
    id_ = child_id(message.id, way.node, index)
    headers = _headers(routes, message, content.headers, way.node, message.node, None)
    return _child(routes, way, id_, content.body, headers, "", now)


def _opened(base: str, openings: Sequence[Opening], message_id: str, number: int) -> tuple[str, str]:
    """The scope after these openings, and the outermost one that was left among them, "" for none."""
    scope, left = base, ""
    for opening in openings:
        if opening.kind == LEFT:
            ended = scopes.opened_by(scope, scopes.PART, opening.index)
            if ended is None:  # a person put the message into the sub-process, so it never entered it
                continue
            scope, left = scopes.around(ended), _outermost(left, ended)
        elif opening.kind in {scopes.WATCH, scopes.REMIND}:
            scope += scopes.numbered(opening.kind, opening.index, 0)
        else:
            scope += scopes.segment(opening.kind, opening.index, message_id, number, opening.key)
    return scope, left


def _outermost(one: str, other: str) -> str:
    """The scope that is around the other; they are on one path."""
    return min((scope for scope in (one, other) if scope), key=len, default="")


def _child(  # noqa: PLR0917 - all that makes a child
    routes: Routes, way: Way, id_: str, body: bytes, headers: Headers, scope: str, now: int
) -> Child:
    if isinstance(way, Stuck):
        return Child(
            id=id_,
            node=way.node,
            body=body,
            headers=headers,
            place=Place.TRASH,
            reason=way.reason,
            reason_code=way.code,
            scope=scope,
        )
    node = routes.nodes[way.node]
    kind = node.kind
    if kind is _ACTION or kind is _CALL:
        return Child(id=id_, node=node.id, body=body, headers=headers, scope=scope)
    if kind is NodeKind.USER_TASK:
        place = Place.QUEUED if node.passes and not by_hand(headers) else Place.WAITING
        return Child(id=id_, node=node.id, body=body, headers=headers, place=place, scope=scope)
    if kind is NodeKind.TIMER:
        return _delayed(node, id_, body, headers, scope, now)
    if kind is NodeKind.MESSAGE:
        return _listening(node, id_, body, headers, scope)
    return _meeting(routes, node, way, id_, body, headers, scope)


def _meeting(  # noqa: PLR0917 - all that makes a child
    routes: Routes, node: Node, way: Way, id_: str, body: bytes, headers: Headers, scope: str
) -> Child:
    """A child at a place where messages meet: it waits for the others of its scope, if it is in any that ends here."""
    level = None
    if not (isinstance(way, Target) and way.ends):
        level = meeting_scope(routes, node.id, scope)
    if level is None:
        return Child(id=id_, node=node.id, body=body, headers=headers, scope=scope)
    reason = f"Waits at {node.label!r} for what else may come"
    return Child(
        id=id_,
        node=node.id,
        body=body,
        headers=headers,
        place=Place.JOINING,
        reason=reason,
        reason_code=way.path[-1] if way.path else "",
        scope=level,
    )


def meeting_scope(routes: Routes, node_id: str, scope: str) -> str | None:
    """Return the scope whose messages meet at the node: that of a sub-process, or of the outermost split around that
    it joins. None when there is none: then nothing else can come."""
    shape = routes.shape
    if node_id in shape.parts:
        return scopes.opened_by(scope, scopes.PART, shape.index[node_id])
    if not scope:
        return None
    part = routes.nodes[node_id].parent
    path = ""
    if part is not None:
        path = scopes.opened_by(scope, scopes.PART, shape.index[part]) or scope
    for piece in scopes.segments(scope[len(path) :]):
        path += piece
        if scopes.kind_of(piece) == scopes.FORK:
            split = routes.graph.nodes[scopes.index_of(piece)].id
            if node_id in shape.closed_by(split):
                return path
    return None


def _listening(node: Node, id_: str, body: bytes, headers: Headers, scope: str) -> Child:
    """A child that waits for a message from outside; in trash when it cannot be said under which key."""
    try:
        reason = subscription(node, body, headers)
    except ListeningError as error:
        return Child(
            id=id_,
            node=node.id,
            body=body,
            headers=headers,
            place=Place.TRASH,
            reason=str(error),
            reason_code=error.code,
            scope=scope,
        )
    return Child(
        id=id_,
        node=node.id,
        body=body,
        headers=headers,
        place=Place.LISTENING,
        reason=reason,
        reason_code="message",
        scope=scope,
    )


def _delayed(  # noqa: PLR0917 - all that makes a child
    node: Node, id_: str, body: bytes, headers: Headers, scope: str, now: int
) -> Child:
    """A child that waits at a timer; in trash when the timer cannot say how long."""
    try:
        due = due_at(node, now)
    except TimeError as error:
        return Child(
            id=id_,
            node=node.id,
            body=body,
            headers=headers,
            place=Place.TRASH,
            reason=str(error),
            reason_code="bad-timer",
            scope=scope,
        )
    place = Place.DELAYED if due > now else Place.QUEUED
    return Child(
        id=id_, node=node.id, body=body, headers=headers, place=place, due=due if due > now else 0, scope=scope
    )


def due_at(node: Node, entered: int) -> int:
    """Return when a message that reached the timer node at `entered` may go on. Raises TimeError."""
    if node.timer is None:
        raise TimeError(f"The timer {node.label!r} does not say when")
    try:
        return due_after(node.timer, entered)
    except TimeError as error:
        raise TimeError(f"The timer {node.label!r} cannot be used: {error}") from None


def _headers(  # noqa: PLR0917 - what headers follow from
    routes: Routes, message: Message, headers: Headers, node: str, previous: str, process: str | None
) -> Headers:
    """The headers to store with a child at `node`: the user's, and of the engine's what cannot be computed."""
    stored = carried_headers(message)
    extra: Headers = {}
    if process is not None:
        extra[PROCESS_ID] = process
        extra[PARENT_ID] = stored.get(PROCESS_ID, message.instance)
    elif PROCESS_ID in stored:
        extra[PROCESS_ID] = stored[PROCESS_ID]
        extra[PARENT_ID] = stored.get(PARENT_ID, "")
    if SOURCE in stored:
        extra[SOURCE] = stored[SOURCE]
    if PREVIOUS_NODE_ID not in routes.call_headers(node):
        extra[PREVIOUS_NODE_ID] = previous
    return headers | extra if extra else headers


def cursor_child(message: Message, headers: Headers, index: int) -> Child:
    """Return the message that has a batch action called again: the same body, at the same node, with the new cursor."""
    return Child(
        id=child_id(message.id, message.node, index),
        node=message.node,
        body=message.body,
        headers=headers,
        scope=message.scope,
    )


def reminder(node: Node, message: Message, times: int, now: int, index: int) -> Child:
    """Return the message that has a boundary timer happen again, for which it has happened so many times."""
    due = due_at(node, now)
    scope = scopes.around(message.scope) + scopes.numbered(
        scopes.REMIND, scopes.index_of(scopes.segments(message.scope)[-1]), times
    )
    return Child(
        id=child_id(message.id, node.id, index),
        node=node.id,
        body=message.body,
        headers=message.headers,
        place=Place.DELAYED,
        due=due,
        scope=scope,
    )
