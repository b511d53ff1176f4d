"""Processes and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, Header, Path, Query, Request, Response

from segue.api.access import Editor, UseCases, need
from segue.api.deeds import Deed
from segue.api.editing import expected_revision
from segue.api.schemas import (
    DiffQuery,
    DraftOut,
    DraftQuery,
    FindingOut,
    Listed,
    NodeOut,
    Number,
    Paged,
    ProcessChangeIn,
    ProcessIn,
    ProcessOut,
    RetireIn,
    Text,
    VersionOut,
)
from segue.control.paging import Page
from segue.control.versions import DraftFile, Expected
from segue.model.graph import Node
from segue.model.versions import Process, Version, revision_of

router = APIRouter(prefix="/api/v1/processes", tags=["processes"])

ProcessName = Annotated[Text, Path(min_length=1, max_length=100)]
VersionNumber = Annotated[Number, Path()]

_MEDIA_TYPES = {"tplg.json": "application/json"}


@router.get("", dependencies=need("read"), response_model=Listed[ProcessOut])
async def list_processes(use: UseCases, query: Annotated[Paged, Query()]) -> Page[Process]:
    """List processes by name."""
    return await use.processes.find(query.cursor, query.limit)


@router.post("", dependencies=need("edit"), response_model=ProcessOut, status_code=201)
async def create_process(use: UseCases, process: ProcessIn, deed: Deed) -> Process:
    """Make a process without versions."""
    deed.about = process.name
    return await use.processes.create(process.name, process.folder)


@router.get("/{process}", dependencies=need("read"), response_model=ProcessOut)
async def get_process(use: UseCases, process: ProcessName) -> Process:
    """Show a process with its versions."""
    return await use.processes.get(process)


@router.put("/{process}", dependencies=need("edit"), response_model=ProcessOut)
async def move_process(use: UseCases, process: ProcessName, change: ProcessChangeIn, deed: Deed) -> Process:
    """Put a process into another folder."""
    deed.detail = {"folder": change.folder or "/"}
    return await use.processes.move(process, change.folder)


@router.put(
    "/{process}/draft",
    response_model_exclude_none=True,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "BPMN 2.0 XML as any tool writes it, or a file of the two Orchesty formats",
            "content": {"application/xml": {"schema": {"type": "string", "contentMediaType": "application/xml"}}},
        }
    },
)
async def put_draft(
    use: UseCases,
    caller: Editor,
    request: Request,
    response: Response,
    deed: Deed,
    *,
    process: ProcessName,
    query: Annotated[DraftQuery, Query()],
    if_match: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> DraftOut:
    """Make or replace the draft from a process file; the answer names what was found in it.

    With `If-Match` it replaces only what has that revision, with `If-None-Match: *` it replaces no draft; otherwise the
    answer is draft-changed.
    """
    # An editor that saves by itself does so every few seconds; what a person asks for is what is worth knowing.
    deed.quiet = query.auto
    file = DraftFile(data=await request.body(), name=query.file, key=query.key)
    expected = Expected(revision=expected_revision(if_match, if_none_match), auto=query.auto)
    drafted = await use.versions.put_draft(process, file, caller.name, query.note, expected)
    response.headers["etag"] = f'"{drafted.revision}"'
    return DraftOut(
        version=drafted.version.number,
        state=drafted.version.state,
        published=drafted.published,
        stored=drafted.stored,
        revision=drafted.revision,
        findings=[FindingOut.model_validate(finding) for finding in drafted.findings],
    )


@router.get(
    "/{process}/versions/{number}/bpmn",
    dependencies=need("read"),
    response_class=Response,
    responses={200: {"content": {"application/xml": {}, "application/json": {}}, "description": "The file"}},
)
async def get_source(use: UseCases, process: ProcessName, number: VersionNumber) -> Response:
    """The file of a version, byte for byte as it was put."""
    content = await use.versions.source(process, number)
    headers = {"etag": f'"{revision_of(content.source)}"'}
    return Response(content.source, media_type=_MEDIA_TYPES.get(content.dialect, "application/xml"), headers=headers)


@router.get(
    "/{process}/versions/{number}/drawing",
    dependencies=need("read"),
    response_class=Response,
    responses={200: {"content": {"application/xml": {}}, "description": "BPMN 2.0 XML with a drawing"}},
)
async def get_drawing(use: UseCases, process: ProcessName, number: VersionNumber) -> Response:
    """The version as BPMN that viewers can show, whatever was put: with the drawing it had, or one made for it."""
    return Response((await use.versions.drawing(process, number)).data, media_type="application/xml")


@router.get("/{process}/versions/{number}/nodes", dependencies=need("read"), response_model=list[NodeOut])
async def get_nodes(use: UseCases, process: ProcessName, number: VersionNumber) -> Sequence[Node]:
    """The nodes of a version and how they are set, in the order of the file."""
    return (await use.versions.source(process, number)).graph.nodes


@router.get(
    "/{process}/versions/{number}/findings",
    dependencies=need("read"),
    response_model=list[FindingOut],
    response_model_exclude_none=True,
)
async def get_findings(use: UseCases, process: ProcessName, number: VersionNumber) -> list[FindingOut]:
    """What was found in the file of a version when it was put."""
    version = await use.versions.get(process, number)
    return [FindingOut.model_validate(finding) for finding in await use.versions.findings(version)]


@router.post("/{process}/versions/{number}/publish", dependencies=need("edit"), response_model=VersionOut)
async def publish(use: UseCases, process: ProcessName, number: VersionNumber) -> Version:
    """Publish the draft. It stays disabled until it is enabled."""
    return await use.versions.publish(process, number)


@router.post("/{process}/versions/{number}/enable", dependencies=need("edit"), response_model=VersionOut)
async def enable(use: UseCases, process: ProcessName, number: VersionNumber) -> Version:
    """Enable a version. Of several enabled ones the highest takes new messages."""
    return await use.versions.enable(process, number)


@router.post("/{process}/versions/{number}/disable", dependencies=need("edit"), response_model=VersionOut)
async def disable(use: UseCases, process: ProcessName, number: VersionNumber) -> Version:
    """Disable a version. It takes nothing new and finishes what it has."""
    return await use.versions.disable(process, number)


@router.post("/{process}/versions/{number}/retire", dependencies=need("edit"), response_model=VersionOut)
async def retire(
    use: UseCases, process: ProcessName, number: VersionNumber, how: Annotated[RetireIn | None, Body()] = None
) -> Version:
    """Retire a version. Refused while messages live in it, unless they are to be moved to trash."""
    return await use.versions.retire(process, number, (how or RetireIn()).discard)


@router.get("/{process}/diff", dependencies=need("read"), response_model=dict[str, object])
async def diff(use: UseCases, process: ProcessName, query: Annotated[DiffQuery, Query()]) -> object:
    """What differs in meaning between two versions: nodes, flows and settings added, removed, changed."""
    return msgspec.to_builtins(await use.versions.diff(process, query.from_, query.to))
