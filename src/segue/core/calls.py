"""Call activities: a message starts an instance of another process, waits for its end, and goes on with its result.

The message is three times at its node: it comes and calls (it is set aside until the called instance ends); the store
puts it back into the queue in the settle that ends that instance, with what `called_back` says; then it goes on, or
fails. A call that is made again, because a person sent the message back, starts another instance.
"""

from __future__ import annotations

from msgspec import Struct

from segue.core import scopes
from segue.core.bodies import BodyError, received
from segue.core.headers import begun_by_hand, by_hand, carried_headers, clean_headers
from segue.model.graph import Bodies, Meeting, Node
from segue.model.ids import child_id
from segue.model.message import Message, Place, Result, SetAside
from segue.model.start import Headers, Start
from segue.model.versions import InstanceState

CALLING = "calling"
FINISHED = "called-finished"
FAILED = "called-failed"
CANCELLED = "called-cancelled"
BAD_RESULT = "bad-result"
NOT_CALLABLE = "not-callable"

DEFAULT = Meeting(bodies=Bodies.LAST)
"""Without a word about it the result takes the place of the body."""


class Back(Struct, frozen=True):
    """What a message is that its called instance has ended for: back in its queue, with a reason that says how."""

    body: bytes
    headers: Headers
    reason: str
    code: str


def calling(node: Node, message: Message, now: int) -> SetAside:
    """Return the effect of a call: an instance begins, and the message waits for its end.

    Its ids follow from the message and its arrival in the queue: the same call is never made twice, a later one is
    another.
    """
    process = node.calls or ""
    start = Start(
        process=process,
        instance=child_id(message.id, f"called:{message.node}", message.seq),
        message=child_id(message.id, f"calls:{message.node}", message.seq),
        at=now,
        body=message.body,
        headers=(begun_by_hand if by_hand(message.headers) else clean_headers)(message.headers),
        origin=message.instance,
        scope=scopes.call_scope(message.id, message.scope),
    )
    reason = f"Waits for the end of instance {start.instance} of {process!r}"
    return SetAside(reason=reason, reason_code=CALLING, place=Place.CALLING, starts=(start,))


def called_back(node: Node, message: Message, state: InstanceState, result: Result) -> Back:
    """Return what the message is once the instance it called has ended in this state, with this result."""
    if state is not InstanceState.FINISHED:
        code = CANCELLED if state is InstanceState.CANCELLED else FAILED
        how = "was cancelled" if state is InstanceState.CANCELLED else "has failed"
        return Back(message.body, message.headers, f"The called instance of {node.calls!r} {how}", code)
    try:
        body = received(node.meeting or DEFAULT, message.body, result.body)
    except BodyError as error:
        return Back(message.body, message.headers, str(error), BAD_RESULT)
    headers = {**clean_headers(message.headers), **clean_headers(result.headers), **carried_headers(message)}
    return Back(body, headers, f"The called instance of {node.calls!r} has finished", FINISHED)
