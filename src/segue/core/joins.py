"""Joins: when the messages that wait at one are all that can come, and what they become.

Messages of one scope meet at a gateway, or at the end of their sub-process. It has them all when no other live message
of the scope is at a node from which one could still come: a branch that ended, was stopped, discarded or went another
way is not waited for; one in trash is, and so is one that waits for a person.

What has met becomes one message, in the queue of the join itself. From there it is handled like any other, so where it
goes is decided by `decide`, not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from msgspec import Struct

from segue.core import scopes
from segue.core.bodies import Branch, together
from segue.core.headers import BY_HAND, PARENT_ID, PROCESS_ID, SOURCE, by_hand, clean_headers
from segue.core.routing import Routes
from segue.model.graph import Bodies, Meeting
from segue.model.ids import child_id
from segue.model.message import Child, Message
from segue.model.start import Headers

DEFAULT = Meeting(bodies=Bodies.MERGE)


class Crowd(Struct, frozen=True):
    """Live messages of a scope, or in it, that are at one node. `joins`: they wait there for the others of it."""

    node: str
    joins: bool


def complete(routes: Routes, scope: str, crowds: Sequence[Crowd]) -> list[str]:
    """Return the nodes at which messages of this scope wait that need wait no longer, given all that is in it.

    When every message of the scope waits at some join, and each of these could still get one from another (a drawing
    that no one can make sense of), the first one goes on, so that nothing waits for ever.
    """
    waiting = sorted({crowd.node for crowd in crowds if crowd.joins}, key=routes.shape.index.__getitem__)
    blocked = []
    done = []
    for node in waiting:
        upstream = routes.shape.upstream(node)
        others = [crowd for crowd in crowds if crowd.node in upstream and not (crowd.joins and crowd.node == node)]
        if not others:
            done.append(node)
        elif all(crowd.joins for crowd in others):
            blocked.append(node)
    if not done and blocked and all(crowd.joins for crowd in crowds):
        return blocked[:1]
    return done


def abandoned(routes: Routes, scope: str, crowds: Sequence[Crowd]) -> bool:
    """Return whether nothing is left of a sub-process but the boundary events that watch it.

    So it is when its last message was stopped or discarded: it does not go on, and there is nothing to watch any more.
    """
    if scopes.last_kind(scope) != scopes.PART:
        return False
    part = routes.graph.nodes[scopes.index_of(scopes.segments(scope)[-1])].id
    return bool(crowds) and all(routes.nodes[crowd.node].attached_to == part for crowd in crowds)


def met(routes: Routes, scope: str, node_id: str, waiting: Sequence[Message], crowds: Sequence[Crowd]) -> Child:
    """Return the message that those become which have met at the node; they are in the order of their arrival.

    It belongs to what is around the scope; but as long as other messages of a split are elsewhere, it stays one of its
    branches, so that a later join may wait for it. The same messages always make the same one.
    """
    node = routes.nodes[node_id]
    meeting = node.meeting or DEFAULT
    order = {flow.id: number for number, flow in enumerate(routes.graph.flows)}
    names = {flow.id: flow.name or flow.id for flow in routes.graph.flows}
    sorted_waiting = sorted(waiting, key=lambda message: (order.get(message.reason_code or "", 0), message.seq))
    branches = [Branch(names.get(message.reason_code or "", ""), message.body) for message in sorted_waiting]
    elsewhere = any(not (crowd.joins and crowd.node == node_id) for crowd in crowds)
    stays = elsewhere and node_id not in routes.shape.parts
    return Child(
        id=child_id(min(waiting, key=attrgetter("seq")).id, node_id, len(waiting)),
        node=node_id,
        body=together(meeting.bodies, branches),
        headers=_headers(sorted_waiting),
        scope=scope if stays else scopes.around(scope),
    )


def clears(routes: Routes, scope: str, node_id: str) -> str:
    """Return the scope that ends with a meeting: that of a sub-process, with what watches it; "" for none."""
    return scope if node_id in routes.shape.parts else ""


def _headers(waiting: Sequence[Message]) -> Headers:
    """The headers of all, later ones over earlier ones; of the engine's, those of before the split."""
    headers: Headers = {}
    for message in waiting:
        headers |= clean_headers(message.headers)
    above = waiting[0].headers.get(PARENT_ID, "")
    if PROCESS_ID in waiting[0].headers and above not in {"", waiting[0].instance}:
        headers |= {PROCESS_ID: above, PARENT_ID: ""}
    if by_hand(waiting[0].headers):
        headers[SOURCE] = BY_HAND
    return headers
