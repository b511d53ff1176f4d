"""What workers keep with us about applications: installs and webhooks, as documents that they alone understand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Raw

from segue.model.documents import Document, DocumentKind
from segue.model.errors import Invalid, NotFound
from segue.ports.documents import DocumentCatalog, DocumentFilter
from segue.ports.outside import Chance, Clock

MAX_DOCUMENTS = 1_000
"""So many documents can be written at once."""

_IDS = ("_id", "id")
_TEXTS = ("user", "key", "application", "sdk")


class Documents:
    """Find, write and delete documents, for workers."""

    def __init__(self, catalog: DocumentCatalog, clock: Clock, chance: Chance) -> None:
        self._catalog = catalog
        self._clock = clock
        self._chance = chance
        self._made = (0, 0)

    async def find(self, wanted: DocumentFilter, also: Callable[[Document], bool] | None = None) -> list[Document]:
        """Documents, oldest first; `also` is one more condition."""
        found = await self._catalog.documents(wanted)
        return found if also is None else [document for document in found if also(document)]

    async def save(self, kind: DocumentKind, written: Sequence[Mapping[str, Raw]]) -> list[str]:
        """Store documents that have no id, change those that have one; the ids.

        Raises Invalid for what is no document, and NotFound for an id that is not there; what stood before it in the
        list is stored then.
        """
        if len(written) > MAX_DOCUMENTS:
            raise Invalid(f"{len(written)} documents at once are too many; {MAX_DOCUMENTS} are allowed")
        split = [_split(members) for members in written]
        return [await self._save(kind, key, fields) for key, fields in split]

    async def delete(self, wanted: DocumentFilter, also: Callable[[Document], bool] | None = None) -> int:
        """Delete the documents that are found; how many."""
        found = await self.find(wanted, also)
        ids = [document.id for document in found]
        return await self._catalog.delete_documents(wanted.kind, ids, self._clock.now()) if ids else 0

    async def _save(self, kind: DocumentKind, key: str, fields: Mapping[str, Raw]) -> str:
        now = self._clock.now()
        if key:
            if not await self._catalog.merge_document(kind, key, fields, {}, now):
                raise NotFound(f"There is no {kind.value} {key[:100]}")
            return key
        last, serial = self._made
        self._made = (now, serial + 1 if now == last else 0)
        made = document_id(now, self._chance.entropy(5), self._made[1])
        await self._catalog.put_document(
            Document(id=made, kind=kind, created=now, updated=now, fields=msgspec.json.encode(dict(fields)))
        )
        return made


def document_id(now: int, entropy: bytes, serial: int = 0) -> str:
    """An id as workers know them: 24 hexadecimal digits that begin with the second and go on with the millisecond.

    `serial` orders those made in one millisecond; `entropy` are 5 bytes.
    """
    return f"{now // 1000:08x}{now % 1000:03x}{serial % 4096:03x}{entropy.hex()}"


def _split(members: Mapping[str, Raw]) -> tuple[str, dict[str, Raw]]:
    """The id that a written document has, or "", and its other members. Raises Invalid."""
    fields = dict(members)
    key = ""
    for name in _IDS:
        raw = fields.pop(name, None)
        if raw is not None:
            key = key or _text(name, raw)
    for name in _TEXTS:
        if name in fields:
            _text(name, fields[name])
    return key, fields


def _text(name: str, raw: Raw) -> str:
    try:
        value: str | None = msgspec.json.decode(raw, type=str | None)
    except msgspec.DecodeError:
        raise Invalid(f"{name}: is no text") from None
    return value or ""
