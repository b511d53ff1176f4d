"""What goes over the wire about users and their sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from segue.api.schemas import In, Instant, Out, Text

Password = Annotated[str, Field(min_length=1, max_length=1024)]
Email = Annotated[Text, Field(min_length=3, max_length=320)]
Role = Literal["viewer", "operator", "editor", "admin"]


class SignInIn(In):
    """Who wants to sign in."""

    email: Email
    password: Password


class FirstAdminIn(SignInIn):
    """The first administrator, with the secret of the link that the server printed when it started."""

    secret: Annotated[Text, Field(min_length=1, max_length=200)]


class FirstAdminOut(Out):
    """Whether the first administrator is still to be made."""

    needed: bool


class WhoOut(Out):
    """Who is calling. `scopes` is all they may do; `csrf` goes along with changes of a session as X-CSRF-Token."""

    kind: Literal["token", "user"]
    name: str
    role: Literal["viewer", "operator", "editor", "admin", "other"]
    scopes: list[str]
    csrf: str | None


class SessionOut(Out):
    """One's own session. `current` is the one that asks."""

    id: str
    created: Instant
    used: Instant
    expires: Instant
    address: str
    user_agent: str
    current: bool = False


class PasswordIn(In):
    """Another password."""

    old: Password
    new: Password


class UserIn(In):
    """A user to be made."""

    email: Email
    password: Password
    role: Role


class RoleIn(In):
    """Another role."""

    role: Role


class UserOut(Out):
    """Somebody who may sign in."""

    id: str
    email: str
    role: Literal["viewer", "operator", "editor", "admin", "other"]
    created: Instant
