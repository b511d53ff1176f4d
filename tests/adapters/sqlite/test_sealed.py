"""D4: what documents and authorizations say cannot be read in the file."""

from __future__ import annotations

from pathlib import Path

from msgspec import Raw

from segue.model.documents import Document, DocumentKind, PendingAuthorization
from tests.adapters.sqlite.world import SqliteWorld


async def test_documents_and_authorizations_are_sealed(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path)
    kind = DocumentKind.WEBHOOK
    fields, own = b'{"token":"token-one"}', b'{"secret":"signing-one"}'
    await world.store.put_document(Document(id="1", kind=kind, fields=fields, own=own, created=1, updated=1))
    await world.store.merge_document(kind, "1", {"token": Raw(b'"token-two"')}, {"secret": Raw(b'"signing-two"')}, 2)
    pending = PendingAuthorization(digest=b"\x01" * 32, expires=100, content=b"state-one")
    await world.store.put_authorization(pending, 1)
    await world.close()
    stored = b"".join(path.read_bytes() for path in world.folder.iterdir() if path.is_file())
    assert b"webhook" in stored
    for secret in (b"token-one", b"token-two", b"signing-one", b"signing-two", b"state-one"):
        assert secret not in stored
