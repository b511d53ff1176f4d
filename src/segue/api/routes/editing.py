"""What the editor asks while somebody draws, and what comes of changing a version's state."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from segue.api.access import UseCases, need
from segue.api.deeds import Deed
from segue.api.editing import (
    CheckedOut,
    ConditionIn,
    ConsequencesOut,
    ConvertedOut,
    ExportedOut,
    ExportQuery,
    FileQuery,
    FormatQuery,
    OpenedOut,
    RecentOut,
    StepQuery,
    TriedOut,
)
from segue.api.routes.processes import ProcessName, VersionNumber
from segue.api.schemas import FindingOut, NodeOut, VersionOut
from segue.control.consequences import Consequences, Recent
from segue.control.editing import Converted, Opened, Sample, TriedCondition
from segue.model.versions import Version

router = APIRouter(prefix="/api/v1", tags=["editing"])

_FILE_BODY = {
    "requestBody": {
        "required": True,
        "description": "BPMN 2.0 XML as any tool writes it, or a file of the two Orchesty formats",
        "content": {"application/xml": {"schema": {"type": "string", "contentMediaType": "application/xml"}}},
    }
}
_VERSION = "/processes/{process}/versions/{number}"
_MEDIA_TYPES = {"tplg.json": "application/json"}
_ENDINGS = {"bpmn": "bpmn", "tplg": "tplg", "tplg.json": "tplg.json"}


@router.get(f"{_VERSION}/edit", dependencies=need("read"), response_model=OpenedOut, response_model_exclude_none=True)
async def open_version(use: UseCases, response: Response, process: ProcessName, number: VersionNumber) -> Opened:
    """A version as an editor can open it, with what its first save would change and the revision it is of."""
    opened = await use.editing.open(process, number)
    response.headers["etag"] = f'"{opened.revision}"'
    return opened


@router.get(
    f"{_VERSION}/export",
    dependencies=need("read"),
    response_class=Response,
    responses={200: {"content": {"application/xml": {}, "application/json": {}}, "description": "The file"}},
)
async def export_version(
    use: UseCases, process: ProcessName, number: VersionNumber, query: Annotated[FormatQuery, Query()]
) -> Response:
    """A version as a file in another format."""
    found = await use.editing.export(process, number, query.format)
    name = f"{process}-v{number}.{_ENDINGS[query.format]}"
    return Response(
        found.data,
        media_type=_MEDIA_TYPES.get(query.format, "application/xml"),
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@router.get(f"{_VERSION}/consequences", dependencies=need("read"), response_model=ConsequencesOut)
async def get_consequences(
    use: UseCases, process: ProcessName, number: VersionNumber, query: Annotated[StepQuery, Query()]
) -> Consequences:
    """What enabling, disabling, switching to or retiring a version would do now."""
    return await use.forecast.of(process, number, query.step)


@router.post(f"{_VERSION}/switch", dependencies=need("edit"), response_model=VersionOut)
async def switch(use: UseCases, process: ProcessName, number: VersionNumber) -> Version:
    """Enable a version and disable every other one: it takes all new messages, the others finish what they have."""
    return await use.versions.switch(process, number)


@router.get("/processes/{process}/versions", dependencies=need("read"), response_model=list[RecentOut])
async def list_recent(use: UseCases, process: ProcessName) -> list[Recent]:
    """How the versions of a process that were ever published have done, of the newest instances of each."""
    return await use.forecast.recent(process)


@router.post("/files/check", dependencies=need("edit"), openapi_extra=_FILE_BODY)
async def check_file(use: UseCases, request: Request, query: Annotated[FileQuery, Query()], deed: Deed) -> CheckedOut:
    """What is found in a process file, which is not kept."""
    deed.quiet = True
    checked = await use.editing.check(await request.body(), query.file, query.key)
    return CheckedOut(
        findings=[FindingOut.model_validate(finding) for finding in checked.findings],
        nodes=[NodeOut.model_validate(node) for node in (checked.graph.nodes if checked.graph else ())],
        digest=checked.digest,
    )


@router.post(
    "/files/open",
    dependencies=need("edit"),
    response_model=ConvertedOut,
    response_model_exclude_none=True,
    openapi_extra=_FILE_BODY,
)
async def open_file(use: UseCases, request: Request, query: Annotated[FileQuery, Query()], deed: Deed) -> Converted:
    """A process file as an editor can open it, whatever wrote it; it is not kept."""
    deed.quiet = True
    return await use.editing.convert(await request.body(), query.file)


@router.post("/files/export", dependencies=need("edit"), openapi_extra=_FILE_BODY)
async def export_file(
    use: UseCases, request: Request, query: Annotated[ExportQuery, Query()], deed: Deed
) -> ExportedOut:
    """A process file in another format, with what that cannot say; it is not kept."""
    deed.quiet = True
    found = await use.editing.export_file(await request.body(), query.file, query.format)
    return ExportedOut(content=found.data.decode(), losses=list(found.losses))


@router.post("/conditions/check", dependencies=need("edit"), response_model=TriedOut)
async def check_condition(use: UseCases, condition: ConditionIn, deed: Deed) -> TriedCondition:
    """What a condition means as CEL, and what it gives for a sample message."""
    deed.quiet = True
    given = condition.sample
    sample = Sample(body=given.body, headers=given.headers) if given is not None else None
    return await use.editing.try_condition(condition.source, condition.language, sample)
