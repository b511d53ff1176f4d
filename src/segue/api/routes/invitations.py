"""Invitations: links by which people become users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from segue.api import session
from segue.api.access import Admin, UseCases, need
from segue.api.deeds import Deed
from segue.api.people import (
    AcceptIn,
    InvitationIn,
    InvitationLookIn,
    InvitationOut,
    InvitedOut,
    NewInvitationOut,
    WhoOut,
)
from segue.api.routes.session import begun, browser_of
from segue.api.schemas import Text
from segue.control.users import role_of
from segue.ports.activity import Invitation

router = APIRouter(prefix="/api/v1/invitations", tags=["users"])

Id = Annotated[Text, Path(min_length=1, max_length=100)]


def _out(invitation: Invitation) -> InvitationOut:
    return InvitationOut(
        id=invitation.id,
        email=invitation.email,
        role=role_of(invitation.scopes),
        created=invitation.created,
        expires=invitation.expires,
        by=invitation.by,
    )


@router.get("", dependencies=need("admin"))
async def list_invitations(use: UseCases) -> list[InvitationOut]:
    """All invitations that were not accepted, oldest first."""
    return [_out(one) for one in await use.invitations.find()]


@router.post("", status_code=201)
async def invite(use: UseCases, caller: Admin, wanted: InvitationIn, deed: Deed) -> NewInvitationOut:
    """Invite somebody. The secret of the link is in this answer and nowhere else."""
    made = await use.invitations.create(wanted.email, wanted.role, caller.name)
    deed.about, deed.detail = made.invitation.email, {"role": wanted.role}
    return NewInvitationOut(secret=made.secret, **_out(made.invitation).model_dump())


@router.delete("/{id}", dependencies=need("admin"), status_code=204)
async def withdraw_invitation(use: UseCases, id: Id) -> None:
    """Withdraw an invitation; its link opens nothing any more."""
    await use.invitations.withdraw(id)


@router.post("/look")
async def look_at_invitation(use: UseCases, request: Request, wanted: InvitationLookIn, deed: Deed) -> InvitedOut:
    """Whom the link of an invitation is for."""
    deed.quiet = True
    session.check_site(session.shown(request.scope))
    found = await use.invitations.look(wanted.secret, browser_of(request))
    return InvitedOut(email=found.email, role=role_of(found.scopes))


@router.post("/accept")
async def accept_invitation(
    use: UseCases, request: Request, response: Response, wanted: AcceptIn, deed: Deed
) -> WhoOut:
    """Become a user with a password of one's own, and sign in."""
    session.check_site(session.shown(request.scope))
    made = await use.invitations.accept(wanted.secret, wanted.password, browser_of(request))
    deed.by = made.user.email
    return begun(request, response, made)
