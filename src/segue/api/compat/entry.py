"""Every route of the original platform behind one door."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from segue.api import problems
from segue.api.calls import Answer, Call, Gone, json_answer, path_parts, send_answer
from segue.api.compat import oauth
from segue.api.compat.nodes import NodeDocuments
from segue.api.compat.runs import Runs
from segue.api.compat.worker_api import WorkerApi
from segue.api.hooks import HookDesk
from segue.api.parts import Parts
from segue.model.errors import BacklogFull, Invalid, SegueError, StoreUnavailable

_STARTING = ("topologies", "webhook")
_KEEPING = ("logger", "document", "metrics")
_AUTHORIZED = tuple(oauth.PATH.strip("/").split("/"))
_STATUS = {"database": True, "metrics": True, "mongo": {"connected": True}}


class Compat:
    """The ASGI application for them. A session's cookie is nothing here, so every site may ask."""

    def __init__(self, parts: Parts, desk: HookDesk) -> None:
        control = parts.control
        self._runs = Runs(control.published, parts.engine.acceptor, parts.gate, parts.intake, desk)
        self._worker_api = WorkerApi(
            control.documents,
            NodeDocuments(control.published),
            control.logs,
            parts.remote_calls,
            parts.engine,
            parts.gate,
            parts.clock,
        )
        self._authorizations = oauth.Authorizations(control.applications)
        self._limit = parts.limits.body

    def owns(self, path: str) -> bool:
        """Whether this path is one of the original's. Slashes may be doubled, as SDKs join addresses carelessly."""
        trimmed = path.lstrip("/")
        first = trimmed.partition("/")[0]
        if first == "metrics":
            return trimmed.rstrip("/") != "metrics"
        return first in _STARTING or first in _KEEPING or path in {"/status", oauth.PATH}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        first = scope["path"].lstrip("/").partition("/")[0]
        try:
            call = Call(scope, path_parts(scope), receive, self._limit)
            answer = await self._answer(call, first)
        except Gone:
            return
        except SegueError as error:
            answer = _refusal(error, nested=first in _KEEPING)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets an answer
            answer = _refusal(problems.unexpected(error, f"{scope['method']} /{first}"), nested=first in _KEEPING)
        await send_answer(answer, send, open_to_all=first in _STARTING)

    async def _answer(self, call: Call, first: str) -> Answer:
        if call.parts == _AUTHORIZED:
            return await self._authorizations.answer(call)
        if call.parts == ("status",):
            return json_answer(_STATUS)
        if first in _STARTING:
            return Answer(204) if call.method == "OPTIONS" else await self._runs.answer(call)
        return await self._worker_api.answer(call)


def _refusal(error: SegueError, *, nested: bool) -> Answer:
    """An error as the original says it: the worker's side has one more level for all but missing credentials."""
    status = 400 if isinstance(error, Invalid) else error.status
    text = error.detail
    if status == 500:
        text = "Error while processing message, please try again later!"
    fields = [(name.encode(), value.encode()) for name, value in problems.headers(error).items()]
    if isinstance(error, BacklogFull | StoreUnavailable):
        fields = [(name, value) for name, value in fields if name == b"retry-after"]
    if nested and status in {400, 404}:
        status = 404 if status == 404 and text == "Nothing is here" else 400
        return Answer(status, json_answer({"message": {"error": text}}).body, headers=tuple(fields))
    return Answer(status, json_answer({"message": text}).body, headers=tuple(fields))
