"""Limits: what holds, what is left of it, who waits; and those that people give."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from segue.api.access import Operator, UseCases, need
from segue.api.limits import LimitIn, LimitOut, LimitsOut
from segue.api.schemas import Text

router = APIRouter(prefix="/api/v1/limits", tags=["limits"])

Key = Annotated[Text, Path(min_length=1, max_length=200)]


@router.get("", dependencies=need("read"))
async def list_limits(use: UseCases) -> LimitsOut:
    """List every key that a published version, a worker or a person has a rule for."""
    return LimitsOut(items=[LimitOut.model_validate(state) for state in await use.limits.find()])


@router.get("/{key:path}", dependencies=need("read"))
async def get_limit(use: UseCases, key: Key) -> LimitOut:
    """Show what holds for a key and who waits for it."""
    return LimitOut.model_validate(await use.limits.get(key))


@router.put("/{key:path}")
async def give_limit(use: UseCases, caller: Operator, key: Key, limit: LimitIn) -> LimitOut:
    """Give rules for a key, in the place of those given before."""
    return LimitOut.model_validate(await use.limits.give(key, limit.given(key), limit.note, caller.name))


@router.delete("/{key:path}", status_code=204)
async def take_limit_away(use: UseCases, _caller: Operator, key: Key) -> Response:
    """Take away what a person gave for a key; rules of files and workers stay."""
    await use.limits.take_away(key)
    return Response(status_code=204)
