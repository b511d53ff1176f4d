"""Webhooks: addresses at which other systems report what happened there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from segue.api.access import UseCases, need
from segue.api.applications import (
    ChangedWebhookOut,
    DeliveryOut,
    NewWebhookOut,
    WebhookChangeIn,
    WebhookIn,
    WebhookOut,
    WebhookQuery,
)
from segue.api.deeds import Deed
from segue.api.hooks import PREFIX
from segue.api.schemas import Listed, Paged, Text
from segue.control.paging import Page
from segue.control.webhooks import Webhook
from segue.model.documents import Delivery

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])

Id = Annotated[Text, Path(min_length=1, max_length=100)]


@router.get("", dependencies=need("read"), response_model=Listed[WebhookOut])
async def list_webhooks(use: UseCases, query: Annotated[WebhookQuery, Query()]) -> Page[Webhook]:
    """List webhooks, oldest first: those of people, and those that workers made."""
    return await use.webhooks.find(query.cursor, query.limit, query.process, query.application)


@router.post("", dependencies=need("edit"), status_code=201)
async def create_webhook(use: UseCases, deed: Deed, wanted: WebhookIn) -> NewWebhookOut:
    """Make a webhook. Its address and the key of its signatures are in this answer and nowhere else."""
    made = await use.webhooks.create(
        wanted.name, wanted.process, wanted.node or "", wanted.user or "", signed=wanted.signed
    )
    deed.about, deed.detail = made.webhook.id, {"name": wanted.name, "process": wanted.process}
    path = f"{PREFIX}{made.webhook.id}/{made.secret}"
    shown = WebhookOut.model_validate(made.webhook)
    return NewWebhookOut(webhook=shown, path=path, signing_secret=made.signing_secret)


@router.get("/{id}", dependencies=need("read"), response_model=WebhookOut)
async def get_webhook(use: UseCases, id: Id) -> Webhook:
    """Show a webhook; its secret is not in it."""
    return await use.webhooks.get(id)


@router.put("/{id}", dependencies=need("edit"))
async def put_webhook(use: UseCases, id: Id, deed: Deed, wanted: WebhookChangeIn) -> ChangedWebhookOut:
    """Let it take deliveries or not, and demand signatures (Standard Webhooks) or not."""
    deed.detail = {"enabled": wanted.enabled, "signed": wanted.signed, "secret": wanted.secret is not None}
    changed = await use.webhooks.change(id, enabled=wanted.enabled, signed=wanted.signed, secret=wanted.secret)
    shown = WebhookOut.model_validate(changed.webhook)
    return ChangedWebhookOut(webhook=shown, signing_secret=changed.signing_secret)


@router.post("/{id}/renew", dependencies=need("edit"))
async def renew_webhook(use: UseCases, id: Id) -> NewWebhookOut:
    """Give a webhook of a person another secret. The address it had takes nothing any more."""
    made = await use.webhooks.renew(id)
    path = f"{PREFIX}{made.webhook.id}/{made.secret}"
    return NewWebhookOut(webhook=WebhookOut.model_validate(made.webhook), path=path, signing_secret=None)


@router.delete("/{id}", dependencies=need("edit"), status_code=204)
async def delete_webhook(use: UseCases, id: Id) -> None:
    """Forget a webhook: its address takes nothing any more. The other system is not told."""
    await use.webhooks.delete(id)


@router.get("/{id}/deliveries", dependencies=need("read"), response_model=Listed[DeliveryOut])
async def list_deliveries(use: UseCases, id: Id, query: Annotated[Paged, Query()]) -> Page[Delivery]:
    """List what came in lately, newest first."""
    return await use.webhooks.deliveries(id, query.cursor, query.limit)
