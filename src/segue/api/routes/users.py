"""Users: who may sign in, and their roles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from segue.api.access import UseCases, need
from segue.api.deeds import Deed
from segue.api.people import RoleIn, UserIn, UserOut
from segue.api.schemas import Text
from segue.control.users import ROLES, role_of
from segue.ports.catalog import User

router = APIRouter(prefix="/api/v1/users", tags=["users"])

Id = Annotated[Text, Path(min_length=1, max_length=100)]


def _out(user: User) -> UserOut:
    return UserOut(id=user.id, email=user.email, role=role_of(user.scopes), created=user.created)


@router.get("", dependencies=need("admin"))
async def list_users(use: UseCases) -> list[UserOut]:
    """All users, oldest first."""
    return [_out(user) for user in await use.users.find()]


@router.post("", dependencies=need("admin"), status_code=201)
async def create_user(use: UseCases, user: UserIn, deed: Deed) -> UserOut:
    """Make a user with a password to be handed over."""
    deed.about, deed.detail = user.email, {"role": user.role}
    return _out(await use.users.create(user.email, user.password, ROLES[user.role]))


@router.put("/{id}", dependencies=need("admin"))
async def set_role(use: UseCases, id: Id, wanted: RoleIn, deed: Deed) -> UserOut:
    """Give a user another role. Refused for the last administrator."""
    changed = _out(await use.users.set_role(id, wanted.role))
    deed.about, deed.detail = changed.email, {"role": wanted.role}
    return changed


@router.delete("/{id}", dependencies=need("admin"), status_code=204)
async def delete_user(use: UseCases, id: Id, deed: Deed) -> None:
    """Forget a user, whose sessions end. Refused for the last administrator."""
    deed.about = next((user.email for user in await use.users.find() if user.id == id), id)
    await use.users.delete(id)
