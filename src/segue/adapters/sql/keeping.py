"""The work of the smaller catalogs: workers, tokens, schedules."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update

from segue.adapters.sql import codec
from segue.adapters.sql.processes import process_row
from segue.adapters.sql.scripts import Note, Row, Script
from segue.adapters.sql.tables import process, schedule_state, token, worker
from segue.model.errors import NameTaken, NotFound
from segue.model.events import Event, EventKind
from segue.model.workers import Worker
from segue.ports.catalog import ScheduleState, Token
from segue.ports.outside import Secrets

_TOKEN = (token.c.id, token.c.name, token.c.digest, token.c.scopes, token.c.created, token.c.last_used)


def workers(secrets: Secrets) -> Script[list[Worker]]:
    """List the workers by name, their headers opened. Raises Invalid when a header cannot be opened."""
    rows = yield select(worker.c.name, worker.c.url, worker.c.headers, worker.c.created).order_by(worker.c.name)
    return [
        Worker(name=name, url=url, headers=codec.decode_mapping(secrets.open(headers)), created=created)
        for name, url, headers, created in rows
    ]


def put_worker(new: Worker, secrets: Secrets, at: int) -> Script[None]:
    """Register a worker, or replace the one of this name, which keeps its `created`."""
    sealed = secrets.seal(codec.encode(new.headers))
    if (yield select(worker.c.name).where(worker.c.name == new.name)):
        yield update(worker).where(worker.c.name == new.name).values(url=new.url, headers=sealed)
    else:
        yield insert(worker).values(name=new.name, url=new.url, headers=sealed, created=new.created)
    yield _changed(new.name, at)


def delete_worker(name: str, at: int) -> Script[None]:
    """Forget a worker. Raises NotFound."""
    if not (yield select(worker.c.name).where(worker.c.name == name)):
        raise NotFound(f"no worker is named {name!r}")
    yield delete(worker).where(worker.c.name == name)
    yield _changed(name, at)


def _changed(name: str, at: int) -> Note:
    """Tells every process of the installation that it knows an old worker."""
    return Note(Event(kind=EventKind.WORKERS_CHANGED, at=at, detail=name), None)


def _token(row: Row) -> Token:
    key, name, digest, scopes, created, last_used = row
    return Token(
        id=key, name=name, digest=bytes(digest), scopes=codec.decode_texts(scopes), created=created, last_used=last_used
    )


def tokens() -> Script[list[Token]]:
    """List the tokens, oldest first."""
    rows = yield select(*_TOKEN).order_by(token.c.created, token.c.id)
    return [_token(row) for row in rows]


def token_by_digest(digest: bytes) -> Script[Token | None]:
    """Find a token by the SHA-256 of its text."""
    rows = yield select(*_TOKEN).where(token.c.digest == digest)
    return _token(rows[0]) if rows else None


def put_token(new: Token) -> Script[None]:
    """Store a token, or replace the one with this id. Raises NameTaken when another one has the same text."""
    rows = yield select(token.c.id).where(token.c.digest == new.digest, token.c.id != new.id)
    if rows:
        raise NameTaken("another token has the same text")
    yield delete(token).where(token.c.id == new.id)
    yield insert(token).values(
        id=new.id,
        name=new.name,
        digest=new.digest,
        scopes=codec.encode_text(new.scopes),
        created=new.created,
        last_used=new.last_used,
    )


def delete_token(key: str) -> Script[None]:
    """Forget a token. Raises NotFound."""
    if not (yield select(token.c.id).where(token.c.id == key)):
        raise NotFound(f"no token has the id {key!r}")
    yield delete(token).where(token.c.id == key)


def touch_tokens(used: Sequence[tuple[str, int]]) -> Script[None]:
    """Note when tokens were last used; a token that is gone is none."""
    for key, at in used:
        yield update(token).where(token.c.id == key).values(last_used=at)


def schedule_states() -> Script[list[ScheduleState]]:
    """List the ticks decided last."""
    columns = (process.c.name, schedule_state.c.node, schedule_state.c.tick)
    rows = yield select(*columns).join_from(schedule_state, process).order_by(process.c.name, schedule_state.c.node)
    return [ScheduleState(process=name, node=node, tick=tick) for name, node, tick in rows]


def skip_ticks(state: ScheduleState) -> Script[None]:
    """Record a tick as decided without a start; one that is not later than the recorded one changes nothing.

    Raises ProcessNotFound.
    """
    owner, _, _ = yield from process_row(state.process)
    mine = (schedule_state.c.process == owner) & (schedule_state.c.node == state.node)
    rows = yield select(schedule_state.c.tick).where(mine)
    if not rows:
        yield insert(schedule_state).values(process=owner, node=state.node, tick=state.tick)
    elif rows[0][0] < state.tick:
        nothing = {"instance": None, "version": None, "message": None}
        yield update(schedule_state).where(mine).values(tick=state.tick, **nothing)
