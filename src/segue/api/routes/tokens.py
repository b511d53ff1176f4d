"""API tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from segue.api.access import Everything, UseCases, need
from segue.api.deeds import Deed
from segue.api.schemas import Listed, NewTokenOut, Paged, Text, TokenIn, TokenOut
from segue.control.paging import Page
from segue.ports.catalog import Token

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"])


@router.get("", dependencies=need("admin"), response_model=Listed[TokenOut])
async def list_tokens(use: UseCases, query: Annotated[Paged, Query()]) -> Page[Token]:
    """List tokens, oldest first."""
    return await use.tokens.find(query.cursor, query.limit)


@router.post("", dependencies=need("admin"), status_code=201)
async def create_token(use: UseCases, token: TokenIn, deed: Deed) -> NewTokenOut:
    """Make a token. Its text is in this answer and nowhere else."""
    deed.about, deed.detail = token.name, {"scopes": ", ".join(token.scopes)}
    made = await use.tokens.create(token.name, token.scopes)
    shown = TokenOut.model_validate(made.token)
    return NewTokenOut(token=made.text, **shown.model_dump())


@router.delete("/{id}", dependencies=need("admin"), status_code=204)
async def revoke_token(
    use: UseCases, parts: Everything, id: Annotated[Text, Path(min_length=1, max_length=100)]
) -> None:
    """Revoke a token; it opens nothing from now on."""
    await use.tokens.revoke(id)
    parts.gate.forget()
