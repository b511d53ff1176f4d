"""Control services: what runs each version, where and how; and the processes of the installation."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query

from segue.api.access import UseCases, need
from segue.api.schemas import ControlServiceOut, DeployerIn, Listed, MemberOut, Name, ProcessOut, Text
from segue.model.services import DeployerKind, Member, ServiceSeen
from segue.model.versions import Process

router = APIRouter(prefix="/api/v1", tags=["control services"])

ServiceId = Annotated[Text, Path(min_length=1, max_length=100)]
ProcessName = Annotated[Text, Path(min_length=1, max_length=100)]


@router.get("/control-services", dependencies=need("read"))
async def list_control_services(
    use: UseCases, process: Annotated[Name | None, Query()] = None
) -> Listed[ControlServiceOut]:
    """List the control services of all processes of the installation, in one page."""
    return Listed(items=[_service_out(seen) for seen in await use.services.find(process)], next=None)


@router.post("/control-services/{id}/restart", dependencies=need("operate"), status_code=202)
async def restart_control_service(use: UseCases, id: ServiceId) -> ControlServiceOut:
    """Have a control service finish what is in flight, and start anew; it is shown as it was before."""
    return _service_out(await use.services.restart(id))


@router.put("/processes/{process}/deployer", dependencies=need("edit"), response_model=ProcessOut)
async def choose_deployer(use: UseCases, process: ProcessName, chosen: DeployerIn) -> Process:
    """Choose how the control services of a process are run."""
    kind = None if chosen.deployer is None else DeployerKind(chosen.deployer)
    return await use.services.choose(process, kind)


@router.get("/members", dependencies=need("read"))
async def list_members(use: UseCases) -> Listed[MemberOut]:
    """List the processes of the installation, in one page."""
    return Listed(items=[_member_out(member) for member in await use.services.members()], next=None)


def _service_out(seen: ServiceSeen) -> ControlServiceOut:
    fields = msgspec.to_builtins(seen.state)
    del fields["version_id"]
    return ControlServiceOut.model_validate({"id": seen.id, "host": seen.member.host, **fields})


def _member_out(member: Member) -> MemberOut:
    fields = msgspec.to_builtins(member)
    del fields["seen"]
    return MemberOut.model_validate({**fields, "services": len(member.services)})
