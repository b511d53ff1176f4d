"""What goes over the wire about users and their sessions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from segue.api.schemas import In, Instant, Out, Paged, Text

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


class InvitationIn(In):
    """Somebody to be invited."""

    email: Email
    role: Role


class InvitationLookIn(In):
    """The secret of a link."""

    secret: Annotated[Text, Field(min_length=1, max_length=200)]


class AcceptIn(InvitationLookIn):
    """Whoever has the secret chooses a password."""

    password: Password


class InvitedOut(Out):
    """Whom an invitation is for."""

    email: str
    role: Literal["viewer", "operator", "editor", "admin", "other"]


class InvitationOut(InvitedOut):
    """An invitation that was not accepted yet."""

    id: str
    created: Instant
    expires: Instant
    by: str


class NewInvitationOut(InvitationOut):
    """An invitation just made; the link is /join#SECRET at the server's address."""

    secret: str


class ActivityQuery(Paged):
    """Which activities. `about` is a part of what it was done to."""

    by: Annotated[Text, Field(min_length=1, max_length=320)] | None = None
    action: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    about: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    since: Instant | None = None
    until: Instant | None = None


class ActivityOut(Out):
    """Something that was done: by whom, what, to what, and from where."""

    seq: int
    at: Instant
    by: str
    kind: str
    action: str
    about: str
    detail: dict[str, str]
    address: str


class UserOut(Out):
    """Somebody who may sign in."""

    id: str
    email: str
    role: Literal["viewer", "operator", "editor", "admin", "other"]
    created: Instant
