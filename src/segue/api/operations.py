"""What goes over the wire about operations on many messages, and about causes and acts."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, JsonValue, model_validator

from segue.api.schemas import Asked, In, Instant, Name, Number, Out, Paged, Text
from segue.control.operations import OperationWish
from segue.core.corrections import Correction
from segue.model.errors import Invalid
from segue.model.message import Place
from segue.model.operations import ActKind, Operation, OperationKind, OperationState
from segue.ports.views import PlacedFilter

Node = Annotated[Text, Field(max_length=1000)]
Short = Annotated[Text, Field(min_length=1, max_length=200)]
_CONDITIONS = ("process", "version", "node", "reason_code", "instance", "cause", "text", "ids")


class WantedIn(In):
    """Which messages: those that all the given conditions find; at least one has to be given."""

    process: Name | None = None
    version: Number | None = None
    node: Node | None = None
    reason_code: Short | None = None
    instance: Annotated[Text, Field(max_length=100)] | None = None
    cause: Short | None = None
    text: Short | None = None
    ids: Annotated[list[Annotated[Text, Field(max_length=100)]], Field(min_length=1, max_length=1000)] | None = None

    @model_validator(mode="after")
    def _some_condition(self) -> WantedIn:
        if all(getattr(self, name) is None for name in _CONDITIONS):
            raise ValueError(f"give at least one of {', '.join(_CONDITIONS)}")
        return self


class ChangeIn(In):
    """What is changed of each message: `merge` is laid over a JSON body (RFC 7396), or `body` takes its place.

    `headers` are laid over the message's; one that is null is taken away.
    """

    merge: dict[str, JsonValue] | None = None
    body: str | None = None
    encoding: Literal["utf-8", "base64"] = "utf-8"
    headers: dict[Annotated[Text, Field(max_length=200)], Annotated[Text, Field(max_length=16_384)] | None] | None = (
        None
    )

    @model_validator(mode="after")
    def _one_body(self) -> ChangeIn:
        if self.merge is not None and self.body is not None:
            raise ValueError("give merge or body, not both")
        return self

    def correction(self) -> Correction:
        """The change. Raises Invalid when the body is not what `encoding` says."""
        return Correction(merge=self.merge, body=self._raw_body(), headers=self.headers)

    def _raw_body(self) -> bytes | None:
        if self.body is None:
            return None
        try:
            return base64.b64decode(self.body, validate=True) if self.encoding == "base64" else self.body.encode()
        except (binascii.Error, ValueError) as error:
            raise Invalid(f"change.body is not {self.encoding}: {error}") from None


class OperationIn(In):
    """Something to be done to many messages, in the background.

    `resend` and `discard` are for messages in trash, `accept` and `reject` for user tasks. `version`: resend to the
    same node of that version.
    """

    kind: Literal["resend", "discard", "accept", "reject"]
    filter: WantedIn
    change: ChangeIn | None = None
    version: Number | None = None

    def wish(self) -> OperationWish:
        """What is asked for. Raises Invalid."""
        asked = self.filter.model_dump()
        ids = asked.pop("ids")
        return OperationWish(
            kind=OperationKind(self.kind),
            wanted=PlacedFilter(place=Place.TRASH, ids=None if ids is None else tuple(ids), **asked),
            change=None if self.change is None else self.change.correction(),
            version=self.version,
        )


class OperationOut(Out):
    """An operation and how far it is.

    `total` messages were there when it began; of those looked at, `done` were handled, `gone` had left meanwhile, and
    `failed` could not be handled and stay, for the latest of which `error` says why.
    """

    id: str
    kind: OperationKind
    state: OperationState
    by: str
    created: Instant
    finished: Instant | None
    filter: dict[str, Any]
    change: dict[str, Any] | None
    version: int | None
    total: int
    done: int
    gone: int
    failed: int
    error: str | None


class OperationQuery(Paged):
    """Which operations to list."""

    state: OperationState | None = None


class CauseQuery(Asked):
    """Which messages in trash to group."""

    process: Name | None = None
    version: Number | None = None
    node: Node | None = None
    reason_code: Short | None = None
    text: Short | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class CauseOut(Out):
    """Messages in trash that failed of the same thing. Give `cause` as a condition to find them."""

    cause: str
    process: str
    node: str
    node_name: str
    reason_code: str | None
    reason: str | None
    count: int
    oldest: Instant
    newest: Instant
    versions: list[int]


class NodesQuery(Asked):
    """Of which nodes to count the messages."""

    process: Name | None = None
    version: Number | None = None
    limit: Annotated[int, Field(ge=1, le=2_000)] = 100


class NodeCountOut(Out):
    """How many messages there are at a node of a version, and since when the oldest."""

    process: str
    version: int
    node: str
    node_name: str
    count: int
    oldest: Instant


class NodeCountsOut(Out):
    """The nodes that have any, the one with the most first."""

    items: list[NodeCountOut]


class CausesOut(Out):
    """The groups, the largest one first."""

    items: list[CauseOut]


class ActOut(Out):
    """What somebody did to a message; `operation` is the id of the operation on many that did it."""

    at: Instant
    by: str
    kind: ActKind
    operation: str | None


def operation_out(operation: Operation) -> OperationOut:
    """An operation as it is shown."""
    wanted = msgspec.json.decode(operation.wanted)
    shown = {name: wanted[name] for name in _CONDITIONS if wanted.get(name) is not None}
    return OperationOut(
        filter=shown,
        change=None if operation.change is None else msgspec.json.decode(operation.change),
        **{name: getattr(operation, name) for name in OperationOut.model_fields if name not in {"filter", "change"}},
    )
