"""What Orchesty tells its process `system-events` of ends and of failed messages."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from segue.core.headers import SYSTEM_PROCESSES
from segue.model.events import Event, EventKind
from segue.model.message import Message

PROCESS = "system-events"
NODE = "start"

_ENDS = {EventKind.INSTANCE_FINISHED: "processSuccess", EventKind.INSTANCE_FAILED: "processFailed"}


class Told(Struct, frozen=True, kw_only=True):
    """One start of the process: its body, and the key under which it starts once, which no caller can give."""

    key: str
    body: bytes


class Facts(Struct, frozen=True, kw_only=True):
    """What an event does not say: the version's number in the store, the applications used, for whom it ran."""

    version_id: int
    applications: str
    user: str


def concerns(event: Event) -> bool:
    """Whether the event is one to tell of: an end or a failed message, of a process that is none of the system's."""
    if event.instance is None or event.process in SYSTEM_PROCESSES:
        return False
    return event.kind in _ENDS or event.kind is EventKind.MESSAGE_IN_TRASH


def told_of_end(event: Event, facts: Facts, failures: int, *, failed: bool | None = None) -> Told:
    """Return the notice of an instance's end: one for each instance, whatever becomes of it later.

    `failed` says so of an instance that has not ended, since all that is left of it is in trash; `failures` counts its
    messages there.
    """
    kind = _ENDS.get(event.kind, "processSuccess")
    if failed:
        kind = "processFailed"
    contents = [{"trashId": None, "body": ""}] * failures or None
    body = _body(kind, event, facts, version=event.version or 0, result="", contents=contents)
    return Told(key=f"§system-event:end:{event.instance}", body=body)


def told_of_trash(event: Event, facts: Facts, message: Message | None) -> Told:
    """Return the notice of a message that came to trash."""
    text = "" if message is None else message.body.decode("utf-8", "replace")
    result = event.detail or (message.reason if message is not None else None) or ""
    contents = [{"trashId": event.message, "body": text}]
    body = _body("messageInTrash", event, facts, version=0, result=result, contents=contents)
    return Told(key=f"§system-event:{event.seq}", body=body)


def _body(  # noqa: PLR0917 - the members of the notice
    kind: str, event: Event, facts: Facts, version: int, result: str, contents: list[dict[str, Any]] | None
) -> bytes:
    data = {
        "topologyId": str(facts.version_id),
        "topologyName": event.process,
        "topologyVersion": version,
        "applications": facts.applications,
        "resultMessage": result,
        "correlationId": event.instance,
        "processId": event.instance,
        "user": facts.user,
        "timestampMs": event.at,
    }
    return msgspec.json.encode({"type": kind, "data": data, "contents": contents})
