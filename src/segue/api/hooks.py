"""The entry for webhooks: `/hooks/{id}/{secret}` for those that people make; workers have addresses of their own.

A delivery starts an instance and is written down. Whoever asks without the secret learns nothing, not even that there
is such a webhook.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from segue.api import problems
from segue.api.calls import Answer, Call, Gone, json_answer, path_parts, send_answer
from segue.api.start import Intake, check_json
from segue.control.webhooks import Webhooks
from segue.core.signatures import BadSignature
from segue.model.documents import Delivery, Document
from segue.model.errors import MethodNotAllowed, NotFound, SegueError, StoreUnavailable, Unauthenticated
from segue.model.start import Accepted
from segue.runtime.accept import Acceptor, StartRequest

PREFIX = "/hooks/"
_SIGNATURE = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
# A question that the other system asks before it believes an address; the answer is what it asked with.
_QUESTIONS = ("hub.challenge", "challenge", "validationToken")
_LONGEST_QUESTION = 1_000

Started = Callable[[Accepted], Answer]


class HookDesk:
    """Takes deliveries, for whichever route they came by."""

    def __init__(self, webhooks: Webhooks, acceptor: Acceptor, intake: Intake) -> None:
        self.webhooks = webhooks
        self._acceptor = acceptor
        self._intake = intake

    async def take(self, call: Call, document: Document, started: Started) -> Answer:
        """Answer the request of somebody who knows the secret. Raises SegueError for what is refused."""
        question = _question(call)
        if question is not None or call.method in {"GET", "HEAD"}:
            return await self._answered(call, document, question or "")
        if call.method not in {"POST", "PUT", "PATCH"}:
            raise MethodNotAllowed("A webhook is delivered with POST", allow="POST")
        self._intake.check()
        body = await call.body()
        message_id = call.header(b"webhook-id") or ""
        try:
            accepted = await self._start(call, document, body)
        except BadSignature as error:
            await self._note(call, document, body, "refused", 401, message_id, detail=str(error))
            raise Unauthenticated(f"The delivery is not signed as it has to be: {error}") from None
        except SegueError as error:
            await self._note(call, document, body, "refused", error.status, message_id, detail=error.detail)
            raise
        answer = started(accepted)
        outcome = "repeated" if accepted.repeated else "accepted"
        # The instance is there: a sender that was told of trouble would deliver it a second time.
        with contextlib.suppress(StoreUnavailable):
            await self._note(call, document, body, outcome, answer.status, message_id, instance=accepted.instance)
        return answer

    async def _start(self, call: Call, document: Document, body: bytes) -> Accepted:
        signed = {name.decode(): value for name in _SIGNATURE if (value := call.header(name)) is not None}
        admission = self.webhooks.admit(document, signed, body)
        webhook = admission.webhook
        media_type = call.header(b"content-type") or ""
        essence = media_type.partition(";")[0].strip().lower()
        if essence == "application/json" or essence.endswith("+json"):
            check_json(body)
        headers = {"content-type": media_type} if media_type else {}
        if webhook.user:
            headers["user"] = webhook.user
        request = StartRequest(
            process=webhook.process, node=webhook.node or None, body=body, headers=headers, key=admission.key
        )
        return await self._acceptor.start(request)

    async def _answered(self, call: Call, document: Document, question: str) -> Answer:
        await self._note(call, document, b"", "answered", 200, "")
        return Answer(200, question.encode(), b"text/plain; charset=utf-8")

    async def _note(  # noqa: PLR0917 - a row of the log
        self,
        call: Call,
        document: Document,
        body: bytes,
        outcome: str,
        status: int,
        message_id: str,
        *,
        detail: str = "",
        instance: str | None = None,
    ) -> None:
        delivery = Delivery(
            id="",
            webhook="",
            at=0,
            method=call.method,
            sender=call.sender,
            size=len(body),
            status=status,
            outcome=outcome,
            detail=detail,
            message_id=message_id,
            instance=instance,
        )
        await self.webhooks.note(document, delivery)


class HookRoute:
    """The ASGI application for the paths below /hooks/."""

    def __init__(self, desk: HookDesk, limit: int) -> None:
        self._desk = desk
        self._limit = limit

    def owns(self, path: str) -> bool:
        """Whether this path is below /hooks/."""
        return path.startswith(PREFIX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            call = Call(scope, path_parts(scope), receive, self._limit)
            answer = await self._answer(call)
        except Gone:
            return
        except SegueError as error:
            answer = _problem(error)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the caller gets an answer
            answer = _problem(problems.unexpected(error, f"{scope['method']} {PREFIX}"))
        await send_answer(answer, send, open_to_all=False)

    async def _answer(self, call: Call) -> Answer:
        document = await self._desk.webhooks.by_id(call.parts[1], call.parts[2]) if len(call.parts) == 3 else None
        if document is None:
            raise NotFound("No webhook has this address")
        return await self._desk.take(call, document, _started)


def _started(accepted: Accepted) -> Answer:
    fields = {"instance": accepted.instance, "process": accepted.process, "version": accepted.version}
    return json_answer(fields, 202)


def _problem(error: SegueError) -> Answer:
    fields = tuple((name.encode(), value.encode()) for name, value in problems.headers(error).items())
    return Answer(error.status, problems.encode(error), problems.MEDIA_TYPE.encode(), fields)


def _question(call: Call) -> str | None:
    asked = parse_qs(call.query.decode("latin-1"), max_num_fields=20) if call.query else {}
    for name in _QUESTIONS:
        if name in asked and len(asked[name][0]) <= _LONGEST_QUESTION:
            return asked[name][0]
    return None
