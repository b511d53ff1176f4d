"""The work of notices: senders, rules, and the outbox that is the delivery log as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, literal_column, or_, select, update

from segue.adapters.sql import codec, views
from segue.adapters.sql.scripts import Note, Row, Script
from segue.adapters.sql.tables import event, fact, notice, notice_rule, process, sender, version
from segue.model.errors import Conflict, NotFound
from segue.model.events import Event, EventKind
from segue.model.notices import Attempt, Notice, NoticeState, Rule, Sender, SenderSettings, Told
from segue.ports.notices import NoticeFilter, Scan
from segue.ports.outside import Secrets

_POSITION = "notices"
_PENDING = notice.c.state == literal_column("'pending'")
_GATHERING = notice.c.state == literal_column("'gathering'")
_OVER = (NoticeState.DELIVERED.value, NoticeState.GIVEN_UP.value)
# Rows of one statement; SQLite counts each value of each row as a variable.
_ROWS = 64

_settings = msgspec.json.Decoder(SenderSettings)
_rule = msgspec.json.Decoder(Rule)
_told = msgspec.json.Decoder(tuple[Told, ...])
_SENDER = (
    sender.c.name,
    sender.c.settings,
    sender.c.created,
    sender.c.delivered_at,
    sender.c.failed_at,
    sender.c.error,
    sender.c.failures,
    sender.c.until,
)


def note_events(events: Sequence[Event]) -> Script[None]:
    """Store events that no settle caused."""
    numbers: dict[tuple[str, int], int | None] = {}
    for one in events:
        known = None
        if one.process is not None and one.version is not None:
            name = (one.process, one.version)
            if name not in numbers:
                rows = yield (
                    select(version.c.id)
                    .join_from(version, process, process.c.id == version.c.process)
                    .where(process.c.name == one.process, version.c.number == one.version)
                )
                numbers[name] = rows[0][0] if rows else None
            known = numbers[name]
        yield Note(one, known)


# -- senders and rules ------------------------------------------------------------------------------------------------


def senders(secrets: Secrets) -> Script[list[Sender]]:
    """List the senders by name, their settings opened. Raises Invalid when one cannot be opened."""
    rows = yield select(*_SENDER).order_by(sender.c.name)
    return [
        Sender(
            name=name,
            settings=_settings.decode(secrets.open(bytes(settings))),
            created=created,
            delivered_at=delivered_at,
            failed_at=failed_at,
            error=error,
            failures=failures,
            until=until,
        )
        for name, settings, created, delivered_at, failed_at, error, failures, until in rows
    ]


def put_sender(new: Sender, secrets: Secrets) -> Script[None]:
    """Store a sender; the one of this name gets the settings, and is tried at once."""
    sealed = secrets.seal(codec.encode(new.settings))
    if (yield select(sender.c.name).where(sender.c.name == new.name)):
        yield update(sender).where(sender.c.name == new.name).values(settings=sealed, until=0, failures=0)
    else:
        yield insert(sender).values(name=new.name, settings=sealed, created=new.created)


def delete_sender(name: str) -> Script[None]:
    """Forget a sender. Raises NotFound, and Conflict while a rule uses it."""
    if not (yield select(sender.c.name).where(sender.c.name == name)):
        raise NotFound(f"no sender is named {name!r}")
    if (yield select(notice_rule.c.id).where(notice_rule.c.sender == name).limit(1)):
        raise Conflict(f"the sender {name!r} is used by a rule; change or remove the rule first")
    waiting = and_(notice.c.sender == name, or_(_PENDING, _GATHERING))
    yield update(notice).where(waiting).values(state=NoticeState.GIVEN_UP.value, error="the sender was removed")
    yield delete(sender).where(sender.c.name == name)


def note_sender(now: Sender) -> Script[None]:
    """Store how a sender is doing."""
    yield (
        update(sender)
        .where(sender.c.name == now.name)
        .values(
            delivered_at=now.delivered_at,
            failed_at=now.failed_at,
            error=now.error,
            failures=now.failures,
            until=now.until,
        )
    )


def rules() -> Script[list[Rule]]:
    """List the rules, oldest first."""
    rows = yield select(notice_rule.c.rule).order_by(notice_rule.c.created, notice_rule.c.id)
    return [_rule.decode(bytes(row[0])) for row in rows]


def put_rule(new: Rule) -> Script[Rule]:
    """Store a rule, or replace the one with this id. Raises NotFound when there is no such sender."""
    if not (yield select(sender.c.name).where(sender.c.name == new.sender)):
        raise NotFound(f"no sender is named {new.sender!r}")
    known = yield from rules()
    old = next((rule for rule in known if rule.id == new.id), None)
    [[newest]] = yield select(func.coalesce(func.max(event.c.seq), 0))
    if not any(rule.enabled for rule in known):  # nobody has looked at events meanwhile
        yield from _move(newest)
    if old is None:
        new = replace(new, since=newest)
        values = {"sender": new.sender, "created": new.created, "rule": codec.encode(new)}
        yield insert(notice_rule).values(id=new.id, **values)
        return new
    since = old.since if old.enabled else newest
    new = replace(new, created=old.created, since=since)
    yield update(notice_rule).where(notice_rule.c.id == new.id).values(sender=new.sender, rule=codec.encode(new))
    return new


def delete_rule(key: str) -> Script[None]:
    """Forget a rule. Raises NotFound."""
    if not (yield select(notice_rule.c.id).where(notice_rule.c.id == key)):
        raise NotFound(f"no rule has the id {key!r}")
    yield delete(notice_rule).where(notice_rule.c.id == key)


# -- from events to notices -------------------------------------------------------------------------------------------


def position() -> Script[int]:
    """Return the number of the event up to which notices have been made."""
    rows = yield select(fact.c.value).where(fact.c.name == _POSITION)
    return int(rows[0][0]) if rows else 0


def _move(to: int) -> Script[None]:
    if (yield select(fact.c.value).where(fact.c.name == _POSITION)):
        yield update(fact).where(fact.c.name == _POSITION).values(value=str(to))
    else:
        yield insert(fact).values(name=_POSITION, value=str(to))


def scan_events(after: int, kinds: Sequence[EventKind], limit: int, until: int | None = None) -> Script[Scan]:
    """Look at up to `limit` events after this number, none after `until`."""
    wanted = event.c.seq > after if until is None else (event.c.seq > after) & (event.c.seq <= until)
    bite = select(event.c.seq).where(wanted).order_by(event.c.seq).limit(limit).subquery()
    [[seen]] = yield select(func.max(bite.c.seq))
    if seen is None:
        return Scan(events=(), seen=after)
    found = yield from views.events_of(kinds, after, seen)
    return Scan(events=tuple(found), seen=seen)


def advance(seen: int, to: int, notices: Sequence[Notice]) -> Script[bool]:
    """Move the position and store the notices; False when the position is not at `seen`."""
    at = yield from position()
    if at != seen:
        return False
    known: dict[str, int] = {}
    for start in range(0, len(notices), _ROWS):
        keys = [one.key for one in notices[start : start + _ROWS]]
        rows = yield select(notice.c.key, notice.c.seq).where(notice.c.key.in_(keys))
        known.update((key, seq) for key, seq in rows)
    [[newest]] = yield select(func.coalesce(func.max(notice.c.seq), 0))
    fresh = []
    for one in notices:
        if one.key in known:
            content = {"told": codec.encode(one.told), "count": one.count, "suppressed": one.suppressed}
            yield update(notice).where(notice.c.seq == known[one.key]).values(last_at=one.last_at, **content)
        else:
            newest += 1
            fresh.append(_values(one, newest))
    for start in range(0, len(fresh), _ROWS):
        yield insert(notice).values(fresh[start : start + _ROWS])
    yield from _move(to)
    return True


def _values(one: Notice, seq: int) -> dict[str, object]:
    return {
        "seq": seq,
        "key": one.key,
        "rule": one.rule,
        "sender": one.sender,
        "cause": one.group,
        "state": one.state.value,
        "first_at": one.first_at,
        "last_at": one.last_at,
        "due": one.due,
        "count": one.count,
        "suppressed": one.suppressed,
        "told": codec.encode(one.told),
    }


# -- notices ----------------------------------------------------------------------------------------------------------


def gathering() -> Script[list[Notice]]:
    """List what still gathers."""
    rows = yield _select().where(_GATHERING).order_by(notice.c.seq)
    return [_notice(row) for row in rows]


def close_gathering(now: int) -> Script[int]:
    """Let what has gathered long enough be sent; how many there were."""
    over = and_(_GATHERING, notice.c.due <= now)
    [[count]] = yield select(func.count()).select_from(notice).where(over)
    if count:
        yield update(notice).where(over).values(state=NoticeState.PENDING.value)
    return int(count)


def latest_notices(groups: Sequence[tuple[str, str]]) -> Script[list[Notice]]:
    """Return the newest notice of each group."""
    found = []
    for rule, cause in groups:
        mine = and_(notice.c.rule == rule, notice.c.cause == cause)
        rows = yield _select().where(mine).order_by(notice.c.seq.desc()).limit(1)
        found += [_notice(row) for row in rows]
    return found


def claim_notices(name: str, now: int, until: int, limit: int) -> Script[list[Notice]]:
    """Take due notices of a sender; they are due again at `until`."""
    due = and_(_PENDING, notice.c.sender == name, notice.c.due <= now)
    rows = yield _select().where(due).order_by(notice.c.due, notice.c.seq).limit(limit).with_for_update()
    claimed = [_notice(row) for row in rows]
    numbers = [one.seq for one in claimed]
    if numbers:
        mine = and_(notice.c.seq.in_(numbers), _PENDING)
        yield update(notice).where(mine).values(due=until, attempts=notice.c.attempts + 1)
    return [replace(one, due=until, attempts=one.attempts + 1) for one in claimed]


def record_attempts(attempts: Sequence[Attempt]) -> Script[None]:
    """Store how attempts went; what is delivered stays so."""
    good: dict[int, list[str]] = {}
    for one in attempts:
        if one.error is None:
            good.setdefault(one.at, []).append(one.key)
            continue
        state = NoticeState.PENDING if one.due is not None else NoticeState.GIVEN_UP
        values: dict[str, object] = {"error": one.error, "state": state.value}
        if one.due is not None:
            values["due"] = one.due
        yield update(notice).where(notice.c.key == one.key, _PENDING).values(**values)
    for at, keys in good.items():
        mine = and_(notice.c.key.in_(keys), notice.c.state != NoticeState.DELIVERED.value)
        yield update(notice).where(mine).values(state=NoticeState.DELIVERED.value, delivered_at=at, error=None)


def dues() -> Script[dict[str, int]]:
    """Return the earliest due instant of each sender, and under "" that of what gathers."""
    rows = yield select(notice.c.sender, func.min(notice.c.due)).where(_PENDING).group_by(notice.c.sender)
    found = {name: int(due) for name, due in rows}
    [[soonest]] = yield select(func.min(notice.c.due)).where(_GATHERING)
    if soonest is not None:
        found[""] = soonest
    return found


def notices(wanted: NoticeFilter) -> Script[list[Notice]]:
    """List notices, newest first."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(notice.c.state == wanted.state.value)
    if wanted.sender is not None:
        conditions.append(notice.c.sender == wanted.sender)
    if wanted.rule is not None:
        conditions.append(notice.c.rule == wanted.rule)
    if wanted.before is not None:
        conditions.append(notice.c.seq < wanted.before)
    rows = yield _select().where(*conditions).order_by(notice.c.seq.desc()).limit(wanted.limit)
    return [_notice(row) for row in rows]


def find_notice(key: str) -> Script[Notice | None]:
    """Return a notice, or None."""
    rows = yield _select().where(notice.c.key == key)
    return _notice(rows[0]) if rows else None


def resend_notice(key: str, now: int) -> Script[Notice]:
    """Try a notice again from the beginning. Raises NotFound."""
    pending = {"state": NoticeState.PENDING.value, "due": now, "attempts": 0, "error": None, "delivered_at": None}
    yield update(notice).where(notice.c.key == key).values(last_at=now, **pending)
    found = yield from find_notice(key)
    if found is None:
        raise NotFound(f"no notice has the key {key!r}")
    return found


def prune_notices(before: int, limit: int) -> Script[int]:
    """Remove up to `limit` notices that are over and older than this instant."""
    old = and_(notice.c.state.in_(_OVER), notice.c.last_at < before)
    rows = yield select(notice.c.seq).where(old).order_by(notice.c.seq).limit(limit)
    numbers = [row[0] for row in rows]
    if numbers:
        yield delete(notice).where(notice.c.seq.in_(numbers))
    return len(numbers)


_COLUMNS = (
    notice.c.key,
    notice.c.rule,
    notice.c.sender,
    notice.c.cause,
    notice.c.state,
    notice.c.first_at,
    notice.c.last_at,
    notice.c.due,
    notice.c.told,
    notice.c.count,
    notice.c.suppressed,
    notice.c.attempts,
    notice.c.error,
    notice.c.delivered_at,
    notice.c.seq,
)


def _select() -> Select[tuple[Any, ...]]:
    return select(*_COLUMNS)


def _notice(row: Row) -> Notice:
    key, rule, name, cause, state, first, last, due, told, count, suppressed, attempts, error, delivered, seq = row
    return Notice(
        key=key,
        rule=rule,
        sender=name,
        group=cause,
        state=NoticeState(state),
        first_at=first,
        last_at=last,
        due=due,
        told=_told.decode(bytes(told)),
        count=count,
        suppressed=suppressed,
        attempts=attempts,
        error=error,
        delivered_at=delivered,
        seq=seq,
    )
