"""The activity log, as the edge writes it: every change that a known caller was granted, before it is answered."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Message, Scope, Send

from segue.api.gate import Caller
from segue.control.activities import Activities
from segue.model.errors import SegueError

log = logging.getLogger(__name__)

_READING = {"GET", "HEAD"}


@dataclass
class DeedNote:
    """What a request does, for the log. Without words of its route: the route's name and the names in its path.

    A route says here what the path does not: `about` what it was done to, `detail` what else is worth keeping, never
    a secret. `by` is for routes that anybody may ask; `quiet` for a POST that changes nothing.
    """

    about: str | None = None
    detail: dict[str, object] = field(default_factory=dict)
    by: str | None = None
    quiet: bool = False


def _deed(request: Request) -> DeedNote:
    found: DeedNote = request.state.deed
    return found


Deed = Annotated[DeedNote, Depends(_deed)]


class Recorder:
    """Wraps the sending of an answer: one that says it is done is sent once the log has it."""

    def __init__(self, activities: Activities) -> None:
        self._activities = activities

    def watch(self, scope: Scope, send: Send) -> Send:
        """How to send the answer to this request."""
        deed = DeedNote()
        scope.setdefault("state", {})["deed"] = deed
        if scope["method"] in _READING:
            return send

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400 and not deed.quiet:
                await self._note(scope, deed)
            await send(message)

        return watched

    async def _note(self, scope: Scope, deed: DeedNote) -> None:
        caller: Caller | None = scope["state"].get("caller")
        by = deed.by if deed.by is not None else caller.name if caller is not None else ""
        client = scope.get("client")
        try:
            await self._activities.note(
                by,
                scope["endpoint"].__name__.replace("_", "-"),
                kind=caller.kind if caller is not None else "user",
                about=_about(scope.get("path_params", {})) if deed.about is None else deed.about,
                detail=deed.detail,
                address=client[0] if client else "",
            )
        except SegueError as error:
            # It is done and cannot be taken back; saying that it failed would be wrong.
            log.warning("The activity log could not be written: %s", error.detail)


def _about(names: dict[str, object]) -> str:
    """The names in a path as people say them: `orders v3`."""
    return " ".join(f"v{value}" if name == "number" else str(value) for name, value in names.items())
