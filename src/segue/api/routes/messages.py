"""Messages from outside, for message events that wait for them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Path
from pydantic import Field

from segue.api.access import Operator, UseCases
from segue.api.deeds import Deed
from segue.api.schemas import HeaderFields, In, Out, Text
from segue.control.delivery import Coming

router = APIRouter(prefix="/api/v1")

MessageName = Annotated[Text, Path(min_length=1, max_length=200)]


class ComingIn(In):
    """What is delivered. `body` is any JSON, nothing leaves the body of who listens as it is.

    The message that has waited longest gets it, with `all` everybody who listens, with `instance` only one of that.
    """

    key: Annotated[Text, Field(max_length=500)] = ""
    instance: Annotated[Text, Field(max_length=100)] | None = None
    all: bool = False
    body: Any = None
    headers: HeaderFields | None = None


class ReachedOut(Out):
    """A message that listened and goes on."""

    message: str
    instance: str
    process: str
    version: int
    node: str


class DeliveredOut(Out):
    """Who got the message."""

    delivered: list[ReachedOut]


@router.post("/messages/{name}", tags=["messages"])
async def deliver(
    use: UseCases,
    caller: Operator,
    name: MessageName,
    deed: Deed,
    coming: Annotated[ComingIn | None, Body()] = None,
) -> DeliveredOut:
    """Deliver a message to who listens for its name and key; 404 `nobody-listens` if nobody does."""
    given = coming or ComingIn()
    body = b"" if given.body is None else msgspec.json.encode(given.body)
    asked = Coming(
        name=name, key=given.key, instance=given.instance, all=given.all, body=body, headers=given.headers or {}
    )
    reached = await use.delivery.deliver(asked, caller.name)
    deed.detail = {"key": given.key, "delivered": len(reached)}
    return DeliveredOut(
        delivered=[
            ReachedOut(
                message=each.message.id,
                instance=each.message.instance,
                process=each.process,
                version=each.version,
                node=each.message.node,
            )
            for each in reached
        ]
    )
