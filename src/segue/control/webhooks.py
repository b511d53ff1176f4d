"""Webhooks: addresses at which other systems report what happened there, and what came in.

A webhook is made by a worker, when it subscribes an event of an application, or by a person. Whoever has its secret
may start its process; the secret is compared in constant time, and shown once, when it is made.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Raw, Struct

from segue.control.documents import document_id
from segue.control.paging import Page, page, page_of_all
from segue.control.targets import check_target
from segue.control.tokens import base62
from segue.core.signatures import check_signature, format_secret, read_secret
from segue.model.documents import Delivery, Document, DocumentKind
from segue.model.errors import Conflict, Invalid, NotFound
from segue.model.ids import make_id
from segue.ports.catalog import ProcessCatalog
from segue.ports.documents import DeliveryCatalog, DocumentCatalog, DocumentFilter
from segue.ports.outside import Chance, Clock

_KIND = DocumentKind.WEBHOOK
_SECRET_BYTES = 32
_SIGNING_BYTES = 32
_LONGEST_DETAIL = 500
_LONGEST_ID = 200


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook as people see it. `origin` is `worker` or `person`; `signed`: deliveries have to be signed.

    `given_up`: the other system could not be told that it is over, and may go on sending; nothing is taken then.
    """

    id: str
    name: str
    process: str
    node: str
    user: str
    application: str
    worker: str
    origin: str
    enabled: bool
    signed: bool
    given_up: bool
    created: int


class NewWebhook(Struct, frozen=True, kw_only=True):
    """A webhook just made by a person; `secret` and `signing_secret` cannot be had again."""

    webhook: Webhook
    secret: str
    signing_secret: str | None


class Admission(Struct, frozen=True, kw_only=True):
    """A delivery that is let in: what it starts, for whom, and the key under which it starts once."""

    webhook: Webhook
    message_id: str
    key: str | None


class _Own(Struct):
    """What only we know of a webhook: the digest of a person's secret, the key of signatures."""

    name: str = ""
    digest: str = ""
    signing: str | None = None
    disabled: bool = False


class _Fields(Struct):
    """What a worker wrote, as far as it matters here."""

    name: str | None = None
    token: str | None = None


class Webhooks:
    """Make, list, change and forget webhooks, and let deliveries in."""

    def __init__(
        self,
        documents: DocumentCatalog,
        deliveries: DeliveryCatalog,
        processes: ProcessCatalog,
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._documents = documents
        self._deliveries = deliveries
        self._processes = processes
        self._clock = clock
        self._chance = chance
        self._noted = (0, 0)

    # -- for people ---------------------------------------------------------------------------------------------------

    async def find(self, after: str | None, limit: int, process: str | None, application: str | None) -> Page[Webhook]:
        """Webhooks, oldest first."""
        applications = None if application is None else [application]
        wanted = DocumentFilter(kind=_KIND, process=process, applications=applications)
        found = [_seen(document) for document in await self._documents.documents(wanted)]
        return page_of_all(found, after, limit, lambda webhook: webhook.id)

    async def get(self, id: str) -> Webhook:
        """Raises NotFound."""
        return _seen(await self._document(id))

    async def create(self, name: str, process: str, node: str, user: str, signed: bool) -> NewWebhook:
        """Make a webhook for a start node; "" is the default one. Raises ProcessNotFound, NodeNotFound, Invalid."""
        if not name.strip():
            raise Invalid("name: a webhook needs a name")
        await check_target(self._processes, process, node)
        now = self._clock.now()
        secret = base62(self._chance.entropy(_SECRET_BYTES))
        signing = format_secret(self._chance.entropy(_SIGNING_BYTES)) if signed else None
        document = Document(
            id=document_id(now, self._chance.entropy(5)),
            kind=_KIND,
            user=user,
            process=process,
            node=node,
            created=now,
            updated=now,
            own=msgspec.json.encode(_Own(name=name, digest=_digest(secret), signing=signing)),
        )
        await self._documents.put_document(document)
        return NewWebhook(webhook=_seen(document), secret=secret, signing_secret=signing)

    async def renew(self, id: str) -> NewWebhook:
        """Give a person's webhook another secret: its address is another one then. Raises NotFound, Conflict."""
        if not _own(await self._document(id)).digest:
            raise Conflict("This webhook is a worker's, which told the other system its address: subscribe it again")
        secret = base62(self._chance.entropy(_SECRET_BYTES))
        own = {"digest": Raw(msgspec.json.encode(_digest(secret)))}
        await self._documents.merge_document(_KIND, id, {}, own, self._clock.now())
        return NewWebhook(webhook=await self.get(id), secret=secret, signing_secret=None)

    async def change(self, id: str, *, enabled: bool | None, signed: bool | None, secret: str | None) -> NewWebhook:
        """Let it take deliveries or not, and demand signatures or not; `secret` is the one that the sender has.

        Without one a new one is made when signatures are demanded anew, and shown in this answer alone. Raises
        NotFound, Invalid.
        """
        document = await self._document(id)
        changes: dict[str, Any] = {} if enabled is None else {"disabled": not enabled}
        shown: str | None = None
        if signed is False:
            if secret is not None:
                raise Invalid("secret: is of no use when deliveries are not to be signed")
            changes["signing"] = None
        elif secret is not None:
            changes["signing"] = _checked(secret)
        elif signed and _own(document).signing is None:
            changes["signing"] = shown = format_secret(self._chance.entropy(_SIGNING_BYTES))
        own = {name: Raw(msgspec.json.encode(value)) for name, value in changes.items()}
        await self._documents.merge_document(_KIND, id, {}, own, self._clock.now())
        return NewWebhook(webhook=await self.get(id), secret="", signing_secret=shown)

    async def delete(self, id: str) -> None:
        """Its address takes nothing any more. The other system is not told. Raises NotFound."""
        await self._document(id)
        await self._documents.delete_documents(_KIND, [id], self._clock.now())

    async def deliveries(self, id: str, before: str | None, limit: int) -> Page[Delivery]:
        """What came in lately, newest first. Raises NotFound."""
        await self._document(id)
        found = await self._deliveries.deliveries(id, before, limit + 1)
        return page(found, limit, lambda delivery: delivery.id)

    # -- for deliveries -----------------------------------------------------------------------------------------------

    async def by_id(self, id: str, secret: str) -> Document | None:
        """The webhook of a person with this id, if this is its secret."""
        found = await self._documents.documents(DocumentFilter(kind=_KIND, ids=[id]))
        return _with_secret(found, secret)

    async def by_place(self, process: str, node: str, secret: str) -> Document | None:
        """The webhook before this node that has this secret."""
        found = await self._documents.documents(DocumentFilter(kind=_KIND, process=process, node=node))
        return _with_secret(found, secret)

    def admit(self, document: Document, headers: dict[str, str], body: bytes) -> Admission:
        """Let a delivery in. Raises BadSignature, and NotFound for a webhook that takes nothing now."""
        webhook, own = _seen(document), _own(document)
        if not webhook.enabled or webhook.given_up:
            raise NotFound("This webhook takes no deliveries now")
        message_id = headers.get("webhook-id", "")
        if own.signing is not None:
            check_signature(
                read_secret(own.signing),
                message_id,
                headers.get("webhook-timestamp"),
                headers.get("webhook-signature"),
                body,
                self._clock.now(),
            )
        # No caller's Idempotency-Key can look so: they are ASCII.
        key = f"§webhook:{webhook.id}:{_digest(message_id)}" if message_id else None
        return Admission(webhook=webhook, message_id=message_id[:_LONGEST_ID], key=key)

    async def note(self, document: Document, delivery: Delivery) -> None:
        """Write down what came in; the id, the instant and the webhook are filled in here."""
        now = self._clock.now()
        await self._deliveries.put_delivery(
            msgspec.structs.replace(
                delivery,
                id=self._delivery_id(now),
                webhook=document.id,
                at=now,
                detail=delivery.detail[:_LONGEST_DETAIL],
                message_id=delivery.message_id[:_LONGEST_ID],
            )
        )

    def _delivery_id(self, now: int) -> str:
        """An id that sorts after those before it, also those of the same millisecond (RFC 9562, 6.2)."""
        last, serial = self._noted
        self._noted = (now, (serial + 1) % 4096 if now == last else 0)
        return make_id(now, self._noted[1].to_bytes(2, "big") + self._chance.entropy(8))

    async def _document(self, id: str) -> Document:
        found = await self._documents.documents(DocumentFilter(kind=_KIND, ids=[id]))
        if not found:
            raise NotFound(f"There is no webhook {id[:100]}")
        return found[0]


def _seen(document: Document) -> Webhook:
    own, fields = _own(document), _fields(document)
    return Webhook(
        id=document.id,
        name=own.name or fields.name or "",
        process=document.process,
        node=document.node,
        user=document.user,
        application=document.application,
        worker=document.worker,
        origin="person" if own.digest else "worker",
        enabled=not own.disabled,
        signed=own.signing is not None,
        given_up=not document.enabled,
        created=document.created,
    )


def _own(document: Document) -> _Own:
    return msgspec.json.decode(document.own, type=_Own)


def _fields(document: Document) -> _Fields:
    try:
        return msgspec.json.decode(document.fields, type=_Fields)
    except msgspec.ValidationError:  # a worker may write what it likes
        return _Fields()


def _with_secret(found: list[Document], secret: str) -> Document | None:
    """The one with this secret. All are looked at, each comparison takes as long whatever it finds."""
    asked = _digest(secret)
    chosen: Document | None = None
    for document in found:
        token = _fields(document).token
        known = _own(document).digest or (_digest(token) if token else "")
        if known and hmac.compare_digest(known, asked):
            chosen = document
    return chosen


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _checked(secret: str) -> str:
    try:
        return format_secret(read_secret(secret))
    except ValueError as error:
        raise Invalid(f"secret: {error}") from None
