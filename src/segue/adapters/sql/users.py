"""The work of the catalog of users."""

from __future__ import annotations

from sqlalchemy import insert, select

from segue.adapters.sql import codec
from segue.adapters.sql.scripts import Row, Script
from segue.adapters.sql.tables import user
from segue.model.errors import NameTaken
from segue.ports.catalog import User

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
