"""Documents, deliveries, authorizations, lines and marks in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Raw
from msgspec.structs import replace

from segue.adapters.memory.state import State
from segue.core.documents import described, merged
from segue.model.documents import Delivery, Document, DocumentKind, PendingAuthorization
from segue.model.errors import NameTaken
from segue.ports.documents import KEPT_DELIVERIES, DocumentFilter, WorkerLine
from segue.ports.views import StoredLog


class MemoryDocuments:
    """Implements the ports of `ports.documents`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def documents(self, wanted: DocumentFilter) -> list[Document]:
        """See `DocumentCatalog`."""
        found = [document for document in self._state.documents.values() if _matches(document, wanted)]
        return sorted(found, key=lambda document: (document.created, document.id))

    async def put_document(self, document: Document) -> None:
        """See `DocumentCatalog`."""
        self._state.check()
        if document.id in self._state.documents:
            raise NameTaken(f"there is a document {document.id} already")
        self._state.documents[document.id] = described(document)

    async def merge_document(
        self, kind: DocumentKind, id: str, fields: Mapping[str, Raw], own: Mapping[str, Raw], at: int
    ) -> bool:
        """See `DocumentCatalog`."""
        self._state.check()
        old = self._state.documents.get(id)
        if old is None or old.kind is not kind or old.deleted is not None:
            return False
        self._state.documents[id] = merged(old, fields, own, at)
        return True

    async def delete_documents(self, kind: DocumentKind, ids: Sequence[str], at: int) -> int:
        """See `DocumentCatalog`."""
        self._state.check()
        count = 0
        for key in dict.fromkeys(ids):
            old = self._state.documents.get(key)
            if old is not None and old.kind is kind and old.deleted is None:
                self._state.documents[key] = replace(old, deleted=at)
                self._state.deliveries.pop(key, None)
                count += 1
        return count

    async def put_delivery(self, delivery: Delivery) -> None:
        """See `DeliveryCatalog`."""
        self._state.check()
        kept = self._state.deliveries.setdefault(delivery.webhook, {})
        kept[delivery.id] = delivery
        for key in sorted(kept, reverse=True)[KEPT_DELIVERIES:]:
            del kept[key]

    async def deliveries(self, webhook: str, before: str | None, limit: int) -> list[Delivery]:
        """See `DeliveryCatalog`."""
        kept = self._state.deliveries.get(webhook, {})
        keys = [key for key in sorted(kept, reverse=True) if before is None or key < before]
        return [kept[key] for key in keys[:limit]]

    async def put_authorization(self, pending: PendingAuthorization, now: int) -> None:
        """See `AuthorizationCatalog`."""
        self._state.check()
        known = self._state.authorizations
        for ended in [old.digest for old in known.values() if old.expires <= now]:
            del known[ended]
        known[pending.digest] = pending

    async def take_authorization(self, digest: bytes, now: int) -> PendingAuthorization | None:
        """See `AuthorizationCatalog`."""
        self._state.check()
        pending = self._state.authorizations.pop(digest, None)
        return pending if pending is not None and pending.expires > now else None

    async def put_lines(self, lines: Sequence[WorkerLine]) -> int:
        """See `LineCatalog`."""
        self._state.check()
        return sum(self._put_line(line) for line in lines)

    def _put_line(self, line: WorkerLine) -> bool:
        run = self._state.runs.get(line.instance)
        if run is None:
            return False
        held = self._state.versions[run.version]
        if all(node.id != line.node for node in held.content.graph.nodes):
            return False
        self._state.logs.append(
            StoredLog(
                seq=self._state.number("log"),
                at=line.at,
                level=line.level,
                text=line.text,
                process=held.version.process,
                version=held.version.number,
                node=line.node,
                instance=line.instance,
                message="",
            )
        )
        return True

    async def mark(self, name: str) -> int | None:
        """See `MarkCatalog`."""
        return self._state.marks.get(name)

    async def put_mark(self, name: str, seq: int) -> None:
        """See `MarkCatalog`."""
        self._state.check()
        self._state.marks[name] = seq


def _matches(document: Document, wanted: DocumentFilter) -> bool:
    expires = document.expires
    return (
        document.kind is wanted.kind
        and (wanted.deleted or document.deleted is None)
        and _among(document.id, wanted.ids)
        and _among(document.user, wanted.users)
        and _among(document.application, wanted.applications)
        and _among(document.worker, wanted.workers)
        and (wanted.enabled is None or document.enabled == wanted.enabled)
        and (wanted.process is None or document.process == wanted.process)
        and (wanted.node is None or document.node == wanted.node)
        and (wanted.expires_by is None or (expires is not None and expires <= wanted.expires_by))
    )


def _among(value: str, wanted: Sequence[str] | None) -> bool:
    return wanted is None or value in wanted
