"""What goes over the wire about instances and their messages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from segue.api.operations import ActOut
from segue.api.schemas import HeaderFields, In, Instant, Name, Number, Out, Paged, Text
from segue.control.node_names import Names, name_of
from segue.model.errors import Invalid
from segue.model.message import Message, Place
from segue.model.operations import Act
from segue.model.versions import InstanceState
from segue.ports.views import Content, PlacedMessage


class InstanceQuery(Paged):
    """Which instances to list."""

    process: Name | None = None
    version: Number | None = None
    state: InstanceState | None = None
    since: Instant | None = None
    until: Instant | None = None


class InstanceSearch(InstanceQuery):
    """Which instances to search, and for what: `body.FIELD.FIELD=VALUE`, `header.NAME=VALUE`, or any text."""

    match: Annotated[Text, Field(min_length=1, max_length=500)]


class InstanceOut(Out):
    """One run of a process. `live` counts its messages that have not left the account, trash included."""

    id: str
    process: str
    version: int
    state: InstanceState
    started: Instant
    finished: Instant | None
    live: int
    trash: int
    ok: int
    failed: int
    start_node: str
    origin: str | None


class FoundOut(Out):
    """What was found so far. `next` is the cursor to search on from, null at the end.

    `reached` is when the last instance that was looked at began.
    """

    items: list[InstanceOut]
    next: str | None
    reached: Instant | None


class ContentOut(Out):
    """What a message held when it came to its node; null where it was too large to be kept."""

    message: str
    node: str
    headers: dict[str, str] | None
    body: str | None
    encoding: Literal["utf-8", "base64"]


class StepOut(Out):
    """The record of one message that left its queue. Durations are in microseconds where the name ends in `_us`."""

    message: str
    parent: str | None
    node: str
    outcome: str
    produced: int
    entered: Instant
    taken: Instant
    ended: Instant
    worker_us: int
    remote_us: int
    cpu_us: int
    repeats: int
    status: int | None


class MessageOut(Out):
    """A live message without its body. `size` is that of the body in bytes."""

    id: str
    parent: str | None
    instance: str
    node: str
    place: Literal["queued", "delayed", "waiting", "trash", "joining", "calling", "listening"]
    entered: Instant
    due: int
    repeats: int
    outages: int
    reason: str | None
    reason_code: str | None
    headers: dict[str, str]
    size: int


class InstanceDetailOut(InstanceOut):
    """An instance with its messages and steps, at most the first thousand of each."""

    messages: list[MessageOut]
    steps: list[StepOut]


class PlacedOut(MessageOut):
    """A message in trash, or a user task, where it has been since `since`.

    `node_name` is what its node is called in the drawing.
    In trash, `cause` is the fingerprint of its failure, and `attempts` how many calls of the action it has cost.
    """

    process: str
    version: int
    node_name: str
    since: Instant
    attempts: int
    cause: str | None


class PlacedDetailOut(PlacedOut):
    """The same with its body: as text, or in base64 when it is not UTF-8."""

    body: str
    encoding: Literal["utf-8", "base64"]
    acts: list[ActOut]


class PlacedQuery(Paged):
    """Which messages to list."""

    process: Name | None = None
    version: Number | None = None
    node: Annotated[Text, Field(max_length=1000)] | None = None
    reason_code: Annotated[Text, Field(max_length=200)] | None = None
    instance: Annotated[Text, Field(max_length=100)] | None = None
    cause: Annotated[Text, Field(max_length=200)] | None = None
    text: Annotated[Text, Field(max_length=200)] | None = None


class CorrectionIn(In):
    """Another body or other headers for a message; what is not given stays."""

    body: str | None = None
    encoding: Literal["utf-8", "base64"] = "utf-8"
    headers: HeaderFields | None = None

    def raw_body(self) -> bytes | None:
        """The body as bytes. Raises Invalid when it is not what `encoding` says."""
        if self.body is None:
            return None
        try:
            if self.encoding == "base64":
                return base64.b64decode(self.body, validate=True)
            return self.body.encode()
        except (binascii.Error, ValueError) as error:
            raise Invalid(f"body is not {self.encoding}: {error}") from None


class ResendIn(CorrectionIn):
    """How to send a message back; with `version` to the same node of that version."""

    version: Number | None = None


class AgainIn(ResendIn):
    """From which of the instance's messages to run again; what is not given is as it was."""

    message: Annotated[Text, Field(min_length=1, max_length=100)]


class BulkIn(In):
    """Which messages in trash to handle; at least one condition, and at most `at_most` messages."""

    process: Name | None = None
    version: Number | None = None
    node: Annotated[Text, Field(max_length=1000)] | None = None
    reason_code: Annotated[Text, Field(max_length=200)] | None = None
    instance: Annotated[Text, Field(max_length=100)] | None = None
    cause: Annotated[Text, Field(max_length=200)] | None = None
    text: Annotated[Text, Field(max_length=200)] | None = None
    at_most: Annotated[int, Field(ge=1, le=10_000)] = 10_000

    @model_validator(mode="after")
    def _some_condition(self) -> BulkIn:
        if not self.model_fields_set - {"at_most"}:
            raise ValueError("give at least one of process, version, node, reason_code, instance, cause, text")
        return self


class DoneOut(Out):
    """Messages `done`, those that somebody else was faster with (`gone`), and whether there are `more`."""

    done: int
    gone: int
    more: bool


def message_fields(message: Message) -> dict[str, Any]:
    """What `MessageOut` shows of a message."""
    return {
        "id": message.id,
        "parent": message.parent,
        "instance": message.instance,
        "node": message.node,
        "place": Place(message.place).name.lower(),
        "entered": message.entered,
        "due": message.due,
        "repeats": message.repeats,
        "outages": message.outages,
        "reason": message.reason,
        "reason_code": message.reason_code,
        "headers": message.headers,
        "size": len(message.body),
    }


def placed_out(placed: PlacedMessage, names: Names) -> PlacedOut:
    """A message in trash or a user task, for a list."""
    return PlacedOut(**_placed_fields(placed, names))


def placed_detail_out(placed: PlacedMessage, names: Names, acts: Sequence[Act]) -> PlacedDetailOut:
    """A message in trash or a user task, whole."""
    body, encoding = _body_text(placed.message.body)
    told = [ActOut.model_validate(act) for act in acts]
    return PlacedDetailOut(body=body, encoding=encoding, acts=told, **_placed_fields(placed, names))


def _placed_fields(placed: PlacedMessage, names: Names) -> dict[str, Any]:
    message = placed.message
    return {
        **message_fields(message),
        "process": placed.process,
        "version": placed.version,
        "node_name": name_of(names, message.version, message.node),
        "since": placed.since,
        "attempts": message.repeats + message.outages + 1 if message.place is Place.TRASH else 0,
        "cause": placed.cause,
    }


def content_out(content: Content) -> ContentOut:
    """What a message held, as text or in base64."""
    body: str | None = None
    encoding: Literal["utf-8", "base64"] = "utf-8"
    if content.body is not None:
        body, encoding = _body_text(content.body)
    return ContentOut(message=content.message, node=content.node, headers=content.headers, body=body, encoding=encoding)


def _body_text(body: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return body.decode(), "utf-8"
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"
