"""Senders, rules, and notices."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from segue.api.access import UseCases, need
from segue.api.notices import (
    NoticeDetailOut,
    NoticeOut,
    NoticeQuery,
    RuleIn,
    RuleOut,
    SenderChangeIn,
    SenderIn,
    SenderOut,
    SenderTestOut,
    SettingsIn,
    notice_detail_out,
    notice_out,
    rule_of,
    rule_out,
    sender_out,
)
from segue.api.schemas import Listed, Paged, Text
from segue.model.errors import Invalid
from segue.model.events import EventKind
from segue.model.notices import Rule

router = APIRouter(prefix="/api/v1", tags=["notices"])

_KINDS = frozenset(kind.value for kind in EventKind)

SenderName = Annotated[Text, Path(min_length=1, max_length=100)]
RuleId = Annotated[Text, Path(min_length=1, max_length=100)]
NoticeKey = Annotated[Text, Path(min_length=1, max_length=200)]


def _given(settings: SettingsIn) -> dict[str, Any]:
    """The settings as they were given: what is left out is left out."""
    return settings.model_dump(exclude_none=True, exclude_unset=True) | {"kind": settings.kind}


def _rule(wanted: RuleIn, id_: str) -> Rule:
    for kind in wanted.events:
        if kind not in _KINDS:
            raise Invalid(f"events: {kind[:100]!r} is no kind of event; there are: {', '.join(sorted(_KINDS))}")
    return rule_of(wanted, id_)


@router.get("/senders", dependencies=need("read"))
async def list_senders(use: UseCases, query: Annotated[Paged, Query()]) -> Listed[SenderOut]:
    """List senders by name."""
    found = await use.notices.find_senders(query.cursor, query.limit)
    return Listed[SenderOut](items=[sender_out(sender) for sender in found.items], next=found.next)


@router.post("/senders", dependencies=need("admin"), status_code=201)
async def add_sender(use: UseCases, sender: SenderIn) -> SenderOut:
    """Make a sender under a name that is free."""
    return sender_out(await use.notices.add_sender(sender.name, _given(sender.settings)))


@router.get("/senders/{name}", dependencies=need("read"))
async def get_sender(use: UseCases, name: SenderName) -> SenderOut:
    """Show a sender and how it is doing; of its secrets only which are set."""
    return sender_out(await use.notices.sender(name))


@router.put("/senders/{name}", dependencies=need("admin"))
async def put_sender(use: UseCases, name: SenderName, sender: SenderChangeIn) -> SenderOut:
    """Change a sender's settings. Secrets that are not given stay, if kind and server stay."""
    return sender_out(await use.notices.put_sender(name, _given(sender.settings)))


@router.delete("/senders/{name}", dependencies=need("admin"), status_code=204)
async def delete_sender(use: UseCases, name: SenderName) -> None:
    """Forget a sender that no rule uses. What waits for it is given up."""
    await use.notices.delete_sender(name)


@router.post("/senders/{name}/test", dependencies=need("admin"))
async def test_sender(use: UseCases, name: SenderName) -> SenderTestOut:
    """Send a notice that says it is a test, now."""
    result = await use.notices.test_sender(name)
    return SenderTestOut(ok=result.problem is None, problem=result.problem, took_ms=result.took_ms)


@router.get("/notice-rules", dependencies=need("read"))
async def list_rules(use: UseCases, query: Annotated[Paged, Query()]) -> Listed[RuleOut]:
    """List rules, oldest first."""
    found = await use.notices.find_rules(query.cursor, query.limit)
    return Listed[RuleOut](items=[rule_out(rule) for rule in found.items], next=found.next)


@router.post("/notice-rules", dependencies=need("admin"), status_code=201)
async def add_rule(use: UseCases, rule: RuleIn) -> RuleOut:
    """Make a rule. It applies to what happens from now on."""
    return rule_out(await use.notices.add_rule(_rule(rule, "")))


@router.get("/notice-rules/{id}", dependencies=need("read"))
async def get_rule(use: UseCases, id: RuleId) -> RuleOut:
    """Show a rule."""
    return rule_out(await use.notices.rule(id))


@router.put("/notice-rules/{id}", dependencies=need("admin"))
async def put_rule(use: UseCases, id: RuleId, rule: RuleIn) -> RuleOut:
    """Change a rule."""
    return rule_out(await use.notices.put_rule(_rule(rule, id)))


@router.delete("/notice-rules/{id}", dependencies=need("admin"), status_code=204)
async def delete_rule(use: UseCases, id: RuleId) -> None:
    """Forget a rule. The notices it has made stay."""
    await use.notices.delete_rule(id)


@router.get("/notices", dependencies=need("read"))
async def list_notices(use: UseCases, query: Annotated[NoticeQuery, Query()]) -> Listed[NoticeOut]:
    """The delivery log, newest first."""
    found = await use.notices.find(query.state, query.sender, query.rule, query.cursor, query.limit)
    names = await use.notices.names_of_rules()
    return Listed[NoticeOut](items=[notice_out(notice, names) for notice in found.items], next=found.next)


@router.get("/notices/{key}", dependencies=need("read"))
async def get_notice(use: UseCases, key: NoticeKey) -> NoticeDetailOut:
    """Show a notice with what it tells."""
    return notice_detail_out(await use.notices.get(key), await use.notices.names_of_rules())


@router.post("/notices/{key}/resend", dependencies=need("operate"))
async def resend_notice(use: UseCases, key: NoticeKey) -> NoticeOut:
    """Try a notice again from the beginning, under the same key."""
    return notice_out(await use.notices.resend(key), await use.notices.names_of_rules())
