"""Versions: drafts, publishing, enabling, disabling, retiring, and what differs between two of them."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from segue.bpmn import read_file
from segue.bpmn.diff import GraphDiff
from segue.bpmn.diff import diff as graph_diff
from segue.bpmn.hashing import semantic_hash
from segue.bpmn.normalise import Normalised, normalise
from segue.control.running import RunningEngine
from segue.core.routing import entry_points
from segue.core.versions import PUBLISHED, check_change
from segue.model.errors import Conflict, Invalid, UnreadableFile, VersionHasErrors, VersionNotFound
from segue.model.events import Event, EventKind
from segue.model.graph import Finding, Severity
from segue.model.versions import Process, Version, VersionContent, VersionState, revision_of
from segue.ports.catalog import NewVersion, ProcessCatalog
from segue.ports.outside import Clock


class DraftFile(Struct, frozen=True, kw_only=True):
    """A process file, and which of its processes is meant: the one with this key, or the one the file is about."""

    data: bytes
    name: str
    key: str | None = None


class Expected(Struct, frozen=True, kw_only=True):
    """What the sender of a draft knows. `revision`: of the version that was opened; "" if there was to be no draft;
    None if it does not matter. `auto`: nobody asked to save, so a drawing of a published version is left as it is."""

    revision: str | None = None
    auto: bool = False


class Drafted(Struct, frozen=True, kw_only=True):
    """What has become of a file that was put. `published`: it means the same as that published version, whose drawing
    it replaced, so there is no new draft. `stored` is false where that was left for a person to ask for."""

    version: Version
    findings: tuple[Finding, ...]
    published: bool
    revision: str
    stored: bool = True


class Versions:
    """The life of versions."""

    def __init__(self, catalog: ProcessCatalog, engine: RunningEngine, clock: Clock) -> None:
        self._catalog = catalog
        self._engine = engine
        self._clock = clock

    async def put_draft(
        self, process: str, file: DraftFile, author: str, note: str, expected: Expected | None = None
    ) -> Drafted:
        """Make or replace the draft from a process file.

        A file that means the same as the newest published version (layout and all that is not ours may differ) takes
        the place of that version's drawing, and its number stays (P5). Raises ProcessNotFound, or UnreadableFile with
        the findings, or Invalid for a key that the file does not have, or DraftChanged when it was made from something
        else than `expected`; nothing is changed then.
        """
        expected = expected or Expected()
        known = await self._catalog.process(process)
        # Reading and checking a large file takes long enough to be felt by the messages under way.
        read = await asyncio.to_thread(_read, file)
        newest = _newest_published(known)
        has_draft = any(version.state is VersionState.DRAFT for version in known.versions)
        if newest is not None and newest.semantic_hash == read.digest and not has_draft:
            return await self._redraw(newest, file.data, read.content.findings, expected)
        draft = NewVersion(
            process=process,
            content=read.content,
            entries=read.entries,
            semantic_hash=read.digest,
            author=author,
            note=note,
            at=self._clock.now(),
            expected=expected.revision,
        )
        version = await self._catalog.put_draft(draft)
        revision = revision_of(file.data)
        return Drafted(version=version, findings=read.content.findings, published=False, revision=revision)

    async def _redraw(
        self, version: Version, source: bytes, findings: tuple[Finding, ...], expected: Expected
    ) -> Drafted:
        """Put a file in the place of a published version's that means the same."""
        if expected.auto:
            there = revision_of((await self._catalog.content(version.id)).source)
            return Drafted(version=version, findings=findings, published=True, revision=there, stored=False)
        await self._catalog.replace_source(version.id, source, expected.revision or None)
        return Drafted(version=version, findings=findings, published=True, revision=revision_of(source))

    async def publish(self, process: str, number: int) -> Version:
        """The draft becomes a published version, disabled. Raises VersionHasErrors with the findings, Conflict."""
        version = await self.get(process, number)
        if version.state is not VersionState.DRAFT:
            raise Conflict(f"Version {number} of {process} is {version.state} and was published before")
        errors = [finding for finding in await self.findings(version) if finding.severity is Severity.ERROR]
        if errors:
            first = errors[0].message
            text = f"Version {number} of {process} has {len(errors)} errors and does not publish; the first: {first}"
            raise VersionHasErrors(text, findings=errors)
        version = await self._set(process, number, VersionState.DISABLED)
        await self._engine.ensure_service(version)
        return version

    async def enable(self, process: str, number: int) -> Version:
        """The version takes new messages if it is the highest enabled one. Others stay as they are."""
        before = await self._taker(process)
        version = await self._enable(process, number)
        await self._tell_switch(process, before)
        return version

    async def disable(self, process: str, number: int) -> Version:
        """The version takes no new messages; those it has go on to their end."""
        before = await self._taker(process)
        version = await self._change(process, number, VersionState.DISABLED)
        await self._engine.reload_schedules()
        await self._tell_switch(process, before)
        return version

    async def retire(self, process: str, number: int, discard: bool) -> Version:
        """The version is done with. Raises MessagesLive unless `discard`, which moves its messages to trash."""
        await self.get(process, number)
        before = await self._taker(process)
        version = await self._catalog.retire(process, number, discard, self._clock.now())
        await self._engine.drop_service(version.id)
        await self._engine.reload_schedules()
        await self._tell_switch(process, before)
        return version

    async def get(self, process: str, number: int) -> Version:
        """Raises ProcessNotFound, VersionNotFound."""
        for version in (await self._catalog.process(process)).versions:
            if version.number == number:
                return version
        raise VersionNotFound(f"{process} has no version {number}")

    async def findings(self, version: Version) -> tuple[Finding, ...]:
        """What was found in the version's file when it was put."""
        return (await self._catalog.content(version.id)).findings

    async def source(self, process: str, number: int) -> VersionContent:
        """The file as it was put, with what was read from it."""
        version = await self.get(process, number)
        return await self._catalog.content(version.id)

    async def drawing(self, process: str, number: int) -> Normalised:
        """The file of a version as a viewer can show it: complete, and drawn where it had no drawing."""
        content = await self.source(process, number)
        return await asyncio.to_thread(normalise, content.source)

    async def diff(self, process: str, old: int, new: int) -> GraphDiff:
        """What differs in meaning between two versions."""
        first = await self.source(process, old)
        second = await self.source(process, new)
        return graph_diff(first.graph, second.graph)

    async def switch(self, process: str, number: int) -> Version:
        """The version takes all new messages: it is enabled, and then every other one disabled.

        In this order, so that at every moment a version is there to take what comes. Raises what `enable` raises.
        """
        before = await self._taker(process)
        version = await self._enable(process, number)
        for other in (await self._catalog.process(process)).versions:
            if other.number != number and other.state is VersionState.ENABLED:
                await self._set(process, other.number, VersionState.DISABLED)
        await self._engine.reload_schedules()
        await self._tell_switch(process, before)
        return version

    async def _enable(self, process: str, number: int) -> Version:
        version = await self._change(process, number, VersionState.ENABLED)
        await self._engine.ensure_service(version)
        await self._engine.reload_schedules()
        return version

    async def _taker(self, process: str) -> int | None:
        """The number of the version that takes new messages."""
        versions = (await self._catalog.process(process)).versions
        return max((each.number for each in versions if each.state is VersionState.ENABLED), default=None)

    async def _tell_switch(self, process: str, before: int | None) -> None:
        """Tell if another version takes new messages than before."""
        after = await self._taker(process)
        if after != before:
            text = f"New messages go to {_named(after)}; before they went to {_named(before)}"
            number = before if after is None else after
            event = Event(
                kind=EventKind.VERSION_SWITCHED, at=self._clock.now(), process=process, version=number, detail=text
            )
            self._engine.tell(event)

    async def _change(self, process: str, number: int, state: VersionState) -> Version:
        """Enable or disable; asking for what is so already changes nothing."""
        version = await self.get(process, number)
        if not check_change(process, number, version.state, state):
            return version
        return await self._set(process, number, state)

    async def _set(self, process: str, number: int, state: VersionState) -> Version:
        return await self._catalog.set_state(process, number, state, self._clock.now())


def _named(number: int | None) -> str:
    return "no version" if number is None else f"version {number}"


class _Read(Struct, frozen=True, kw_only=True):
    content: VersionContent
    digest: str
    entries: dict[str, str]


def _read(file: DraftFile) -> _Read:
    result = read_file(file.data, name=file.name)
    if not result.processes or result.dialect is None:
        reason = result.findings[0].message if result.findings else "it holds no process"
        raise UnreadableFile(f"{file.name or 'The file'} cannot be read: {reason}", findings=list(result.findings))
    # A file with several processes of which none is meant more than the others opens, and does not publish: its
    # findings say so.
    graph = result.process(file.key) if file.key is not None else result.main or result.processes[0]
    if graph is None:
        keys = ", ".join(process.key for process in result.processes[:20])
        raise Invalid(f"key: the file has no process {file.key}; it has: {keys}")
    content = VersionContent(
        source=file.data,
        dialect=result.dialect,
        graph=graph,
        findings=result.findings_for(file.key),
    )
    return _Read(content=content, digest=semantic_hash(graph), entries=entry_points(graph))


def _newest_published(process: Process) -> Version | None:
    published = [version for version in process.versions if version.state in PUBLISHED]
    return max(published, key=lambda version: version.number, default=None)
