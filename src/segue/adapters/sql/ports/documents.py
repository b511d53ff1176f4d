"""Documents, deliveries, authorizations, lines and marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Raw

from segue.adapters.sql import documents as work
from segue.adapters.sql.ports.scripted import Scripted
from segue.model.documents import Delivery, Document, DocumentKind, PendingAuthorization
from segue.ports.documents import DocumentFilter, WorkerLine


class Documents(Scripted):
    """Implements the ports of `ports.documents`."""

    async def documents(self, wanted: DocumentFilter) -> list[Document]:
        """See `DocumentCatalog`."""
        return await self._read(lambda: work.documents(wanted, self._secrets))

    async def put_document(self, document: Document) -> None:
        """See `DocumentCatalog`."""
        await self._change(lambda: work.put_document(document, self._secrets))

    async def merge_document(
        self, kind: DocumentKind, id: str, fields: Mapping[str, Raw], own: Mapping[str, Raw], at: int
    ) -> bool:
        """See `DocumentCatalog`."""
        return await self._change(lambda: work.merge_document(kind, id, fields, own, at, self._secrets))

    async def delete_documents(self, kind: DocumentKind, ids: Sequence[str], at: int) -> int:
        """See `DocumentCatalog`."""
        return await self._change(lambda: work.delete_documents(kind, ids, at))

    async def put_delivery(self, delivery: Delivery) -> None:
        """See `DeliveryCatalog`."""
        await self._change(lambda: work.put_delivery(delivery))

    async def deliveries(self, webhook: str, before: str | None, limit: int) -> list[Delivery]:
        """See `DeliveryCatalog`."""
        return await self._read(lambda: work.deliveries(webhook, before, limit))

    async def put_authorization(self, pending: PendingAuthorization, now: int) -> None:
        """See `AuthorizationCatalog`."""
        await self._change(lambda: work.put_authorization(pending, now, self._secrets))

    async def take_authorization(self, digest: bytes, now: int) -> PendingAuthorization | None:
        """See `AuthorizationCatalog`."""
        return await self._change(lambda: work.take_authorization(digest, now, self._secrets))

    async def put_lines(self, lines: Sequence[WorkerLine]) -> int:
        """See `LineCatalog`."""
        return await self._change(lambda: work.put_lines(lines))

    async def mark(self, name: str) -> int | None:
        """See `MarkCatalog`."""
        return await self._read(lambda: work.read_mark(name))

    async def put_mark(self, name: str, seq: int) -> None:
        """See `MarkCatalog`."""
        await self._change(lambda: work.put_mark(name, seq))
