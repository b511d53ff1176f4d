"""Bodies that meet: how those of several messages become one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from segue.model.graph import Bodies, Meeting

_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_any = msgspec.json.Decoder(Raw).decode
_encode = msgspec.json.Encoder().encode


class BodyError(Exception):
    """The bodies cannot be put together; the text says why."""


class Branch(Struct, frozen=True):
    """What came from one side: the flow's name, and the body."""

    name: str
    body: bytes


def together(bodies: Bodies, branches: Sequence[Branch]) -> bytes:
    """Return the one body that follows from those of the branches, which are in order.

    `MERGE` lays JSON objects over one another, later fields over earlier ones. Bodies that are all alike stay as they
    are, and if any is no JSON object all are gathered as `LIST` does. `LIST` is a JSON array, `FLOWS` a JSON object
    with a member for each flow: the body, or an array when several came over it. A body that is no JSON is a JSON
    text in these, one that is not even UTF-8 that text in base64.
    """
    if bodies is Bodies.FIRST:
        return branches[0].body
    if bodies is Bodies.LAST:
        return branches[-1].body
    if bodies is Bodies.FLOWS:
        return _by_flow(branches)
    if bodies is Bodies.MERGE:
        if all(branch.body == branches[0].body for branch in branches):
            return branches[0].body
        laid = _laid_over([branch.body for branch in branches])
        if laid is not None:
            return laid
    return _encode([_as_json(branch.body) for branch in branches])


def received(meeting: Meeting, own: bytes, coming: bytes) -> bytes:
    """Return the body that goes on when `coming` reaches a message that waited with `own`. Raises BodyError.

    With `into`, `own` has to be a JSON object. An empty body that comes changes nothing.
    """
    if not coming:
        return own
    if meeting.into is None:
        return together(meeting.bodies, [Branch("own", own), Branch("coming", coming)])
    fields = _fields(own)
    if fields is None:
        raise BodyError(f"What came cannot be put into the field {meeting.into!r}: the message is no JSON object")
    return _encode({**fields, meeting.into: _as_json(coming)})


def _by_flow(branches: Sequence[Branch]) -> bytes:
    gathered: dict[str, list[Any]] = {}
    for branch in branches:
        gathered.setdefault(branch.name, []).append(_as_json(branch.body))
    return _encode({name: values[0] if len(values) == 1 else values for name, values in gathered.items()})


def _laid_over(bodies: Sequence[bytes]) -> bytes | None:
    laid: dict[str, Raw] = {}
    for body in bodies:
        fields = _fields(body)
        if fields is None:
            return None
        laid |= fields
    return _encode(laid)


def _fields(body: bytes) -> dict[str, Raw] | None:
    try:
        return _decode_object(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _as_json(body: bytes) -> Raw | str:
    """The body as it stands in JSON: itself if it is JSON, else a text."""
    try:
        return _decode_any(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return b64encode(body).decode()
