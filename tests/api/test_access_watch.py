"""Ends of authorizations are told once each, whatever happens between."""

from __future__ import annotations

from msgspec import Raw

from segue.adapters.memory.store import MemoryStore
from segue.model.documents import Document, DocumentKind
from segue.model.events import Event
from segue.runtime.access_watch import AccessWatch
from segue.testing.contracts.store_world import ManualClock

HOUR = 3_600_000


async def test_an_end_is_told_once_until_it_is_another_one() -> None:
    clock = ManualClock()
    store = MemoryStore(clock)
    told: list[Event] = []
    begun = clock.now()
    for name, enabled in (("ann", b"true"), ("bob", b"false")):
        fields = b'{"key":"crm","user":"%s","enabled":%s,"expires":%d}' % (name.encode(), enabled, begun + HOUR)
        document = Document(id=name, kind=DocumentKind.INSTALL, fields=fields, created=begun, updated=begun)
        await store.put_document(document)
    watch = AccessWatch(store, store, told.append, clock)
    assert await watch.step() == 0
    clock.advance(HOUR + 600_000)
    assert await watch.step() == 1
    assert await AccessWatch(store, store, told.append, clock).step() == 0  # after a restart
    assert told[0].detail == "The authorization of crm for ann ended at 2023-11-14T23:13:20+00:00"
    again = Raw(b"%d" % (clock.now() + HOUR))
    await store.merge_document(DocumentKind.INSTALL, "ann", {"expires": again}, {}, clock.now())
    assert await watch.step() == 0
    clock.advance(2 * HOUR)
    assert await watch.step() == 1
