"""The work of the activity log and of the invitations."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, delete, func, insert, select

from segue.adapters.sql import codec, users
from segue.adapters.sql.scripts import Row, Script
from segue.adapters.sql.tables import activity, invitation, user
from segue.model.errors import NameTaken, NotFound
from segue.ports.activity import Activity, ActivityFilter, Invitation, NewActivity
from segue.ports.catalog import User

_ACTIVITY = tuple(activity.c[name] for name in ("seq", *NewActivity.__struct_fields__))


def note(new: NewActivity) -> Script[None]:
    """Add an activity to the log."""
    values = msgspec.structs.asdict(new) | {"detail": codec.encode_text(new.detail)}
    yield insert(activity).values(**values)


def activities(wanted: ActivityFilter) -> Script[list[Activity]]:
    """List activities, newest first."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.by is not None:
        conditions.append(activity.c.by == wanted.by)
    if wanted.action is not None:
        conditions.append(activity.c.action == wanted.action)
    if wanted.about is not None:
        conditions.append(func.lower(activity.c.about).contains(wanted.about.lower(), autoescape=True))
    if wanted.since is not None:
        conditions.append(activity.c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(activity.c.at < wanted.until)
    if wanted.before is not None:
        conditions.append(activity.c.seq < wanted.before)
    rows = yield select(*_ACTIVITY).where(*conditions).order_by(activity.c.seq.desc()).limit(wanted.limit)
    return [_activity(row) for row in rows]


def _activity(row: Row) -> Activity:
    values = dict(zip((column.name for column in _ACTIVITY), row, strict=True))
    return Activity(**values | {"detail": codec.decode_mapping(values["detail"])})


_INVITATION = tuple(invitation.c[name] for name in Invitation.__struct_fields__)


def _invitation(row: Row) -> Invitation:
    values = dict(zip(Invitation.__struct_fields__, row, strict=True))
    return Invitation(**values | {"scopes": codec.decode_texts(values["scopes"])})


def invitations() -> Script[list[Invitation]]:
    """List the invitations, oldest first."""
    rows = yield select(*_INVITATION).order_by(invitation.c.created, invitation.c.id)
    return [_invitation(row) for row in rows]


def put_invitation(new: Invitation) -> Script[None]:
    """Store an invitation in place of an older one of this address. Raises NameTaken when the address is a user's."""
    if (yield select(user.c.id).where(user.c.email == new.email)):
        raise NameTaken(f"There is a user {new.email} already")
    yield delete(invitation).where(invitation.c.email == new.email)
    values = msgspec.structs.asdict(new) | {"scopes": codec.encode_text(new.scopes)}
    yield insert(invitation).values(**values)


def delete_invitation(key: str) -> Script[None]:
    """Forget an invitation. Raises NotFound."""
    if not (yield select(invitation.c.id).where(invitation.c.id == key)):
        raise NotFound(f"There is no invitation {key}")
    yield delete(invitation).where(invitation.c.id == key)


def accept_invitation(key: str, new: User) -> Script[bool]:
    """Store the user in place of the invitation; False when it is gone. Raises NameTaken."""
    if not (yield select(invitation.c.id).where(invitation.c.id == key)):
        return False
    yield delete(invitation).where(invitation.c.id == key)
    yield from users.put_user(new)
    return True
