"""The process catalog's work: processes, versions and their lives."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, func, insert, null, select, update

from segue.adapters.sql import codec
from segue.adapters.sql.scripts import Discarded, Note, Row, Script
from segue.adapters.sql.tables import aside, in_queue, instance, message, process, queue, version
from segue.adapters.sql.tables_aside import spread, staged
from segue.core.causes import cause_of
from segue.core.versions import PUBLISHED, RETIRED_CODE, RETIRED_REASON, change_event, check_change, draft_changed
from segue.model.errors import MessagesLive, NameTaken, ProcessNotFound, VersionNotFound
from segue.model.events import Event, EventKind
from segue.model.message import Place
from segue.model.services import DeployerKind
from segue.model.versions import InstanceState, Process, Version, VersionContent, VersionState, revision_of
from segue.ports.catalog import NewVersion

PUBLISHED_STATES = tuple(sorted(state.value for state in PUBLISHED))


def _count(where: ColumnElement[bool]) -> ScalarSelect[int]:
    there = queue.join(message, and_(message.c.queue == queue.c.id, where))
    counted = select(func.count()).select_from(there).where(queue.c.version == version.c.id)
    return counted.correlate(version).scalar_subquery()


def _spread_out() -> ScalarSelect[int]:
    """How many messages of a version are on their way into its queues."""
    on_their_way = func.coalesce(func.sum(spread.c.count - spread.c.moved), 0)
    mine = (spread.c.released == 1) & (spread.c.version == version.c.id)
    return select(on_their_way).where(mine).correlate(version).scalar_subquery()


# Two counts, so that each is read from an index of its own.
_LIVE = _count(in_queue) + _count(aside) + _spread_out()
_COLUMNS: tuple[ColumnElement[Any], ...] = (
    version.c.id,
    process.c.name,
    version.c.number,
    version.c.state,
    version.c.created,
    version.c.author,
    version.c.note,
    version.c.semantic_hash,
)
_VERSIONS: Select[tuple[object, ...]] = select(*_COLUMNS, _LIVE).join_from(version, process)
_UNCOUNTED: Select[tuple[object, ...]] = select(*_COLUMNS, null()).join_from(version, process)


def _version(row: Row) -> Version:
    key, name, number, state, created, author, note, semantic_hash, live = row
    return Version(
        id=key,
        process=name,
        number=number,
        state=VersionState(state),
        created=created,
        author=author,
        note=note,
        semantic_hash=semantic_hash,
        live=None if live is None else int(live),
    )


def create_process(name: str, folder: str, at: int) -> Script[Process]:
    """Make a process. Raises NameTaken."""
    if (yield select(process.c.id).where(process.c.name == name)):
        raise NameTaken(f"a process is named {name!r} already")
    [[key]] = yield select(func.coalesce(func.max(process.c.id), 0) + 1)
    yield insert(process).values(id=key, name=name, folder=folder, created=at)
    return Process(name=name, folder=folder, created=at)


def move_process(name: str, folder: str) -> Script[Process]:
    """Put a process into another folder. Raises ProcessNotFound."""
    key, _, _ = yield from process_row(name)
    yield update(process).where(process.c.id == key).values(folder=folder)
    return (yield from find_process(name))


def processes(after: str | None, limit: int) -> Script[list[Process]]:
    """List processes by name, with their versions."""
    page = select(process.c.id, process.c.name, process.c.folder, process.c.created, process.c.deployer).order_by(
        process.c.name
    )
    if after is not None:
        page = page.where(process.c.name > after)
    rows = yield page.limit(limit)
    found = yield _VERSIONS.where(version.c.process.in_([row[0] for row in rows])).order_by(version.c.number)
    by_name: dict[str, list[Version]] = {}
    for row in found:
        by_name.setdefault(row[1], []).append(_version(row))
    return [
        Process(
            name=name,
            folder=folder,
            created=created,
            versions=tuple(by_name.get(name, ())),
            deployer=None if deployer is None else DeployerKind(deployer),
        )
        for _, name, folder, created, deployer in rows
    ]


def find_process(name: str) -> Script[Process]:
    """Return a process with its versions. Raises ProcessNotFound."""
    key, folder, created = yield from process_row(name)
    rows = yield _VERSIONS.where(version.c.process == key).order_by(version.c.number)
    [[deployer]] = yield select(process.c.deployer).where(process.c.id == key)
    return Process(
        name=name,
        folder=folder,
        created=created,
        versions=tuple(_version(row) for row in rows),
        deployer=None if deployer is None else DeployerKind(deployer),
    )


def choose_deployer(name: str, deployer: DeployerKind | None, at: int) -> Script[Process]:
    """Choose how the control services of a process are run (None: as the installation does). Raises ProcessNotFound."""
    key, _, _ = yield from process_row(name)
    yield update(process).where(process.c.id == key).values(deployer=deployer)
    yield Note(Event(kind=EventKind.DEPLOYER_CHANGED, at=at, detail=name), None)
    return (yield from find_process(name))


def process_row(name: str) -> Script[tuple[int, str, int]]:
    """Return a process' number in the store, folder and instant of creation. Raises ProcessNotFound."""
    rows = yield select(process.c.id, process.c.folder, process.c.created).where(process.c.name == name)
    if not rows:
        raise ProcessNotFound(f"no process is named {name!r}")
    key, folder, created = rows[0]
    return key, folder, created


def put_draft(draft: NewVersion) -> Script[Version]:
    """Make the draft of a process or replace it (C1, C2, C6). Raises ProcessNotFound, DraftChanged."""
    owner, _, _ = yield from process_row(draft.process)
    values = {
        "created": draft.at,
        "author": draft.author,
        "note": draft.note,
        "semantic_hash": draft.semantic_hash,
        "entries": codec.encode_text(draft.entries),
        "dialect": draft.content.dialect,
        "graph": codec.encode(draft.content.graph),
        "findings": codec.encode(draft.content.findings),
        "source": draft.content.source,
    }
    mine = version.c.process == owner
    rows = yield select(version.c.id).where(mine, version.c.state == VersionState.DRAFT.value)
    if rows:
        key = rows[0][0]
        yield from _check_revision(key, draft.expected)
        yield update(version).where(version.c.id == key).values(**values)
    else:
        [[number]] = yield select(func.coalesce(func.max(version.c.number), 0) + 1).where(mine)
        [[key]] = yield select(func.coalesce(func.max(version.c.id), 0) + 1)
        yield insert(version).values(id=key, process=owner, number=number, state=VersionState.DRAFT.value, **values)
    return (yield from _by_id(key))


def _check_revision(id: int, expected: str | None) -> Script[None]:
    """Raises DraftChanged unless the file of the version is the expected one (C6)."""
    if expected is None:
        return
    [[source]] = yield select(version.c.source).where(version.c.id == id)
    if revision_of(source) != expected:
        raise draft_changed((yield from _by_id(id)), source)


def _by_id(id: int) -> Script[Version]:
    rows = yield _VERSIONS.where(version.c.id == id)
    if not rows:
        raise VersionNotFound(f"the store has no version {id}")
    return _version(rows[0])


def _by_number(name: str, number: int) -> Script[Version]:
    yield from process_row(name)
    rows = yield _VERSIONS.where(process.c.name == name, version.c.number == number)
    if not rows:
        raise VersionNotFound(f"process {name!r} has no version {number}")
    return _version(rows[0])


def replace_source(id: int, source: bytes, expected: str | None = None) -> Script[None]:
    """Put another file with the same meaning in the place of a version's (C3, C6). Raises VersionNotFound,
    DraftChanged."""
    yield from _by_id(id)
    yield from _check_revision(id, expected)
    yield update(version).where(version.c.id == id).values(source=source)


def set_state(name: str, number: int, state: VersionState, at: int) -> Script[Version]:
    """Change a version's state; the state it has already is no change. Raises ProcessNotFound, VersionNotFound or
    Conflict."""
    found = yield from _by_number(name, number)
    if state is VersionState.RETIRED:
        return (yield from retire(name, number, discard=False, at=at))
    if not check_change(name, number, found.state, state):
        return found
    kind = change_event(found.state, state)
    yield update(version).where(version.c.id == found.id).values(state=state.value)
    yield Note(Event(kind=kind, at=at, process=name, version=number), found.id)
    return (yield from _by_id(found.id))


def retire(name: str, number: int, discard: bool, at: int) -> Script[Version]:
    """Retire a published version (C5). Raises ProcessNotFound, VersionNotFound, Conflict or MessagesLive."""
    found = yield from _by_number(name, number)
    if not check_change(name, number, found.state, VersionState.RETIRED):
        return found
    if found.live and not discard:
        detail = f"{found.live} messages live in version {number} of process {name!r}; finish them, or discard them"
        raise MessagesLive(detail, live=found.live)
    if found.live:
        yield from _discard(found.id, at)
    yield update(version).where(version.c.id == found.id).values(state=VersionState.RETIRED.value)
    yield Note(Event(kind=EventKind.VERSION_RETIRED, at=at, process=name, version=number), found.id)
    return (yield from _by_id(found.id))


def _discard(id: int, at: int) -> Script[None]:
    """Move all messages of a version to trash."""
    queues = yield select(queue.c.id, queue.c.node).where(queue.c.version == id)
    for key, node in queues:
        yield (
            update(message)
            .where(message.c.queue == key, message.c.place != Place.TRASH.value)
            .values(
                place=Place.TRASH.value,
                due=0,
                reason=RETIRED_REASON,
                reason_code=RETIRED_CODE,
                cause=cause_of(node, RETIRED_CODE, RETIRED_REASON),
                aside_at=at,
            )
        )
        # Those on their way into the queue follow into trash.
        mine = select(spread.c.num).where(spread.c.version == id, spread.c.released == 1)
        yield (
            update(staged)
            .where(staged.c.queue == key, staged.c.spread.in_(mine))
            .values(place=Place.TRASH.value, due=0, reason=RETIRED_REASON, reason_code=RETIRED_CODE)
        )
    yield (
        update(instance)
        .where(instance.c.version == id, instance.c.live > 0)
        .values(trash=instance.c.live, state=InstanceState.FAILED.value)
    )
    yield Discarded(id)


def content(id: int) -> Script[VersionContent]:
    """Return what a version holds. Raises VersionNotFound."""
    rows = yield select(version.c.source, version.c.dialect, version.c.graph, version.c.findings).where(
        version.c.id == id
    )
    if not rows:
        raise VersionNotFound(f"the store has no version {id}")
    source, dialect, graph, findings = rows[0]
    return VersionContent(
        source=source, dialect=dialect, graph=codec.decode_graph(graph), findings=codec.decode_findings(findings)
    )


def published(name: str | None) -> Script[list[Version]]:
    """Return all versions that are disabled or enabled, of a process or of all, by their number in the store."""
    wanted = _UNCOUNTED.where(version.c.state.in_(PUBLISHED_STATES))
    if name is not None:
        wanted = wanted.where(process.c.name == name)
    rows = yield wanted.order_by(version.c.id)
    return [_version(row) for row in rows]
