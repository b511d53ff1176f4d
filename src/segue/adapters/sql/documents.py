"""The work of the catalogs of documents, deliveries, authorizations, lines and marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw
from sqlalchemy import ColumnElement, delete, insert, select, update

from segue.adapters.sql.scripts import Line, Row, Script
from segue.adapters.sql.tables import delivery, document, instance, mark, pending_authorization, queue
from segue.core.documents import described, merged
from segue.model.documents import Delivery, Document, DocumentKind, PendingAuthorization
from segue.model.errors import NameTaken
from segue.ports.documents import KEPT_DELIVERIES, DocumentFilter, WorkerLine
from segue.ports.outside import Secrets

_DOCUMENT = tuple(document.c[name] for name in Document.__struct_fields__)
_DELIVERY = tuple(delivery.c[name] for name in Delivery.__struct_fields__)


def _document(row: Row, secrets: Secrets) -> Document:
    values = dict(zip(Document.__struct_fields__, row, strict=True))
    values["kind"] = DocumentKind(values["kind"])
    values["enabled"] = bool(values["enabled"])
    for name in ("fields", "own"):
        values[name] = secrets.open(bytes(values[name]))
    return Document(**values)


def _values(known: Document, secrets: Secrets) -> dict[str, object]:
    values: dict[str, object] = msgspec.structs.asdict(known)
    values |= {"kind": known.kind.value, "enabled": int(known.enabled)}
    values |= {"fields": secrets.seal(known.fields), "own": secrets.seal(known.own)}
    return values


def documents(wanted: DocumentFilter, secrets: Secrets) -> Script[list[Document]]:
    """List the documents that are wanted, oldest first. Raises Invalid for one that cannot be opened."""
    conditions: list[ColumnElement[bool]] = [document.c.kind == wanted.kind.value]
    among = {"id": wanted.ids, "user": wanted.users, "application": wanted.applications, "worker": wanted.workers}
    conditions += [document.c[name].in_(values) for name, values in among.items() if values is not None]
    if wanted.enabled is not None:
        conditions.append(document.c.enabled == int(wanted.enabled))
    if wanted.process is not None:
        conditions.append(document.c.process == wanted.process)
    if wanted.node is not None:
        conditions.append(document.c.node == wanted.node)
    if wanted.expires_by is not None:
        conditions.append(document.c.expires <= wanted.expires_by)
    if not wanted.deleted:
        conditions.append(document.c.deleted.is_(None))
    rows = yield select(*_DOCUMENT).where(*conditions).order_by(document.c.created, document.c.id)
    return [_document(row, secrets) for row in rows]


def put_document(new: Document, secrets: Secrets) -> Script[None]:
    """Store a new document. Raises NameTaken for an id that another one has."""
    if (yield select(document.c.id).where(document.c.id == new.id)):
        raise NameTaken(f"there is a document {new.id} already")
    yield insert(document).values(**_values(described(new), secrets))


def merge_document(  # noqa: PLR0917 - what the port's method takes, and the secrets
    kind: DocumentKind, key: str, fields: Mapping[str, Raw], own: Mapping[str, Raw], at: int, secrets: Secrets
) -> Script[bool]:
    """Set members of a document that is not deleted; whether there is such a one."""
    live = (document.c.id == key) & (document.c.kind == kind.value) & document.c.deleted.is_(None)
    rows = yield select(*_DOCUMENT).where(live).with_for_update()
    if not rows:
        return False
    values = _values(merged(_document(rows[0], secrets), fields, own, at), secrets)
    yield update(document).where(document.c.id == key).values(**values)
    return True


def delete_documents(kind: DocumentKind, keys: Sequence[str], at: int) -> Script[int]:
    """Mark documents as deleted, and forget what came in at webhooks among them; how many were not deleted before."""
    live = document.c.id.in_(keys) & (document.c.kind == kind.value) & document.c.deleted.is_(None)
    rows = yield select(document.c.id).where(live)
    yield update(document).where(live).values(deleted=at)
    if kind is DocumentKind.WEBHOOK and rows:
        yield delete(delivery).where(delivery.c.webhook.in_([key for (key,) in rows]))
    return len(rows)


def put_delivery(new: Delivery) -> Script[None]:
    """Store a delivery, and forget the oldest ones of its webhook."""
    yield insert(delivery).values(**msgspec.structs.asdict(new))
    mine = delivery.c.webhook == new.webhook
    rows = yield select(delivery.c.id).where(mine).order_by(delivery.c.id.desc()).offset(KEPT_DELIVERIES).limit(1)
    if rows:
        yield delete(delivery).where(mine, delivery.c.id <= rows[0][0])


def deliveries(webhook: str, before: str | None, limit: int) -> Script[list[Delivery]]:
    """List deliveries of a webhook, newest first."""
    wanted = select(*_DELIVERY).where(delivery.c.webhook == webhook)
    if before is not None:
        wanted = wanted.where(delivery.c.id < before)
    rows = yield wanted.order_by(delivery.c.id.desc()).limit(limit)
    return [Delivery(**dict(zip(Delivery.__struct_fields__, row, strict=True))) for row in rows]


def put_authorization(pending: PendingAuthorization, now: int, secrets: Secrets) -> Script[None]:
    """Remember an authorization that was begun, and forget those that have ended."""
    yield delete(pending_authorization).where(pending_authorization.c.expires <= now)
    yield insert(pending_authorization).values(
        digest=pending.digest, expires=pending.expires, content=secrets.seal(pending.content)
    )


def take_authorization(digest: bytes, now: int, secrets: Secrets) -> Script[PendingAuthorization | None]:
    """Take an authorization out; None when it is not there, or has ended."""
    mine = pending_authorization.c.digest == digest
    rows = (
        yield delete(pending_authorization)
        .where(mine)
        .returning(pending_authorization.c.expires, pending_authorization.c.content)
    )
    if not rows or rows[0][0] <= now:
        return None
    expires, content = rows[0]
    return PendingAuthorization(digest=digest, expires=expires, content=secrets.open(bytes(content)))


def put_lines(lines: Sequence[WorkerLine]) -> Script[int]:
    """Store the lines whose instance and node are known; how many that were."""
    stored = 0
    for line in lines:
        rows = yield (
            select(instance.c.num, queue.c.id)
            .join_from(instance, queue, queue.c.version == instance.c.version)
            .where(instance.c.id == line.instance, queue.c.node == line.node)
        )
        if rows:
            num, number = rows[0]
            yield Line(line.at, line.level, line.text, number, num, "")
            stored += 1
    return stored


def read_mark(name: str) -> Script[int | None]:
    """How far a reader has come."""
    rows = yield select(mark.c.seq).where(mark.c.name == name)
    return rows[0][0] if rows else None


def put_mark(name: str, seq: int) -> Script[None]:
    """Note how far a reader has come."""
    if (yield select(mark.c.name).where(mark.c.name == name)):
        yield update(mark).where(mark.c.name == name).values(seq=seq)
    else:
        yield insert(mark).values(name=name, seq=seq)
