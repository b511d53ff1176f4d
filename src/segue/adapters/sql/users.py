"""The work of the catalogs of users and of their sessions."""

from __future__ import annotations

import msgspec
from sqlalchemy import delete, insert, select, update

from segue.adapters.sql import codec
from segue.adapters.sql.scripts import Row, Script
from segue.adapters.sql.tables import session, user
from segue.model.errors import Conflict, NameTaken, NotFound
from segue.ports.catalog import Session, User

_USER = (user.c.id, user.c.email, user.c.password, user.c.scopes, user.c.created)


def _user(row: Row) -> User:
    key, email, password, scopes, created = row
    return User(id=key, email=email, password=password, scopes=codec.decode_texts(scopes), created=created)


def users() -> Script[list[User]]:
    """List the users, oldest first."""
    rows = yield select(*_USER).order_by(user.c.created, user.c.id)
    return [_user(row) for row in rows]


def user_by_email(email: str) -> Script[User | None]:
    """Find a user by the address, which is in lower case."""
    rows = yield select(*_USER).where(user.c.email == email)
    return _user(rows[0]) if rows else None


def put_user(new: User) -> Script[None]:
    """Store a new user. Raises NameTaken for an address that another one has."""
    if (yield select(user.c.id).where(user.c.email == new.email)):
        raise NameTaken(f"There is a user {new.email} already")
    yield insert(user).values(
        id=new.id,
        email=new.email,
        password=new.password,
        scopes=codec.encode_text(new.scopes),
        created=new.created,
    )


def put_first_user(new: User) -> Script[bool]:
    """Store the user if there is none at all; whether it was so."""
    if (yield select(user.c.id).limit(1)):
        return False
    yield from put_user(new)
    return True


def change_user(changed: User, unless_last: str | None) -> Script[None]:
    """Replace password and scopes of a user. Raises NotFound, and Conflict when nobody were left with the scope."""
    old = yield from _existing(changed.id)
    if unless_last is not None and unless_last in old.scopes and unless_last not in changed.scopes:
        yield from _check_other(changed.id, unless_last)
    scopes = codec.encode_text(changed.scopes)
    yield update(user).where(user.c.id == changed.id).values(password=changed.password, scopes=scopes)


def delete_user(key: str, unless_last: str | None) -> Script[None]:
    """Forget a user and every session of that user. Raises NotFound, and Conflict as `change_user`."""
    old = yield from _existing(key)
    if unless_last is not None and unless_last in old.scopes:
        yield from _check_other(key, unless_last)
    yield delete(session).where(session.c.user == key)
    yield delete(user).where(user.c.id == key)


def _existing(key: str) -> Script[User]:
    rows = yield select(*_USER).where(user.c.id == key)
    if not rows:
        raise NotFound(f"There is no user {key}")
    return _user(rows[0])


def _check_other(key: str, scope: str) -> Script[None]:
    others = yield from users()
    if not any(scope in other.scopes for other in others if other.id != key):
        raise Conflict(f"Nobody else has the scope {scope}, so this would lock everybody out")


_SESSION = tuple(session.c[name] for name in Session.__struct_fields__)


def _session(row: Row) -> Session:
    return Session(**dict(zip(Session.__struct_fields__, row, strict=True)))


def sessions() -> Script[list[Session]]:
    """List the sessions, oldest first."""
    rows = yield select(*_SESSION).order_by(session.c.created, session.c.id)
    return [_session(row) for row in rows]


def session_by_digest(digest: bytes) -> Script[Session | None]:
    """Find a session by the SHA-256 of its text."""
    rows = yield select(*_SESSION).where(session.c.digest == digest)
    return _session(rows[0]) if rows else None


def put_session(new: Session) -> Script[None]:
    """Store a new session, and forget those that had ended when it was made."""
    yield delete(session).where(session.c.expires <= new.created)
    yield insert(session).values(**msgspec.structs.asdict(new))


def touch_session(key: str, at: int) -> Script[None]:
    """Note the use of a session; one that is gone stays so."""
    yield update(session).where(session.c.id == key).values(used=at)


def delete_session(key: str) -> Script[None]:
    """Forget a session, if it is there."""
    yield delete(session).where(session.c.id == key)
