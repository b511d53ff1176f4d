"""Documents about applications, deliveries of webhooks, and authorizations under way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Raw, Struct

from segue.model.documents import Delivery, Document, DocumentKind, PendingAuthorization

KEPT_DELIVERIES = 500
"""So many deliveries of a webhook are kept, the newest ones."""


class DocumentFilter(Struct, frozen=True, kw_only=True):
    """Documents of a kind. None is no condition; an empty list finds nothing.

    `expires_by`: only those that expire at this instant or before. `deleted`: also deleted ones.
    """

    kind: DocumentKind
    ids: Sequence[str] | None = None
    users: Sequence[str] | None = None
    applications: Sequence[str] | None = None
    workers: Sequence[str] | None = None
    enabled: bool | None = None
    process: str | None = None
    node: str | None = None
    expires_by: int | None = None
    deleted: bool = False


class DocumentCatalog(Protocol):
    """Installs and webhooks.

    D1 A document comes back as it was put.
    D2 `merge_document` changes the members of `fields` and `own` that are given and no other, whole or not at all, also
       when several come at once; what the document is found by follows (`core.documents`).
    D3 A deleted document is found only by who asks for deleted ones, keeps the instant, and cannot be changed.
    D4 `fields` and `own` cannot be read in what is stored.
    """

    async def documents(self, wanted: DocumentFilter) -> list[Document]:
        """Oldest first."""
        ...

    async def put_document(self, document: Document) -> None:
        """Store a new document. Raises NameTaken for an id that another one has."""
        ...

    async def merge_document(
        self, kind: DocumentKind, id: str, fields: Mapping[str, Raw], own: Mapping[str, Raw], at: int
    ) -> bool:
        """Set these members; whether there is such a document."""
        ...

    async def delete_documents(self, kind: DocumentKind, ids: Sequence[str], at: int) -> int:
        """Delete those that are not deleted yet; how many there were."""
        ...


class DeliveryCatalog(Protocol):
    """What came in at webhooks: the newest `KEPT_DELIVERIES` of each, none of one that was deleted."""

    async def put_delivery(self, delivery: Delivery) -> None: ...

    async def deliveries(self, webhook: str, before: str | None, limit: int) -> list[Delivery]:
        """Newest first; `before` is the id of the last one seen."""
        ...


class AuthorizationCatalog(Protocol):
    """Authorizations under way.

    P1 Of those who take one, also at once, one gets it.
    P2 After its end nobody gets it.
    """

    async def put_authorization(self, pending: PendingAuthorization, now: int) -> None:
        """Remember it, and forget those that have ended."""
        ...

    async def take_authorization(self, digest: bytes, now: int) -> PendingAuthorization | None:
        """Take it out, if it is there and has not ended."""
        ...


class WorkerLine(Struct, frozen=True, kw_only=True):
    """A log line that a worker sent by itself: about the message of an instance at a node of its version."""

    at: int
    level: str
    text: str
    instance: str
    node: str


class LineCatalog(Protocol):
    """Log lines that come from outside the data path."""

    async def put_lines(self, lines: Sequence[WorkerLine]) -> int:
        """Store those whose instance and node are known; how many that were."""
        ...


class MarkCatalog(Protocol):
    """How far a reader of stored events has come, by its name."""

    async def mark(self, name: str) -> int | None: ...

    async def put_mark(self, name: str, seq: int) -> None: ...
