"""What an editor asks while somebody draws: a file to open, what is wrong with it, conditions tried, files to keep."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from segue.bpmn import read_file
from segue.bpmn.hashing import semantic_hash
from segue.bpmn.normalise import Normalised, normalise
from segue.bpmn.orchesty_write import Exported, write_tplg, write_tplg_json
from segue.control.versions import Versions
from segue.core.conditions import ConditionError, Facts, compile_condition, translate
from segue.model.errors import Invalid
from segue.model.graph import Finding, ProcessGraph
from segue.model.versions import Version, revision_of
from segue.ports.catalog import WorkerCatalog

MAX_SAMPLE = 256 * 1024
"""A sample message for a condition may have so many bytes."""


class Opened(Struct, frozen=True, kw_only=True):
    """A version as an editor can open it. `changes` say what the first save changes of the file beyond the work itself.

    `key` is the id of the process that is meant, `revision` names the state of the file; both go back with the draft.
    """

    version: Version
    xml: str
    changes: tuple[str, ...]
    findings: tuple[Finding, ...]
    key: str
    revision: str


class Checked(Struct, frozen=True, kw_only=True):
    """What a file holds. `digest` is equal for files of equal meaning, None for one that cannot be read."""

    findings: tuple[Finding, ...]
    graph: ProcessGraph | None
    digest: str | None


class Converted(Struct, frozen=True, kw_only=True):
    """A file as an editor can open it, what was changed for that, and what was found in it."""

    xml: str
    changes: tuple[str, ...]
    findings: tuple[Finding, ...]


class TriedCondition(Struct, frozen=True, kw_only=True):
    """What a condition means. `cel` is None and `problem` says why when it cannot be used; `names` are the variables it
    mentions. `answer` is what it gives for the sample, None with `failure` when it gives nothing."""

    cel: str | None
    problem: str | None
    names: tuple[str, ...] = ()
    answer: bool | None = None
    failure: str | None = None


class Sample(Struct, frozen=True, kw_only=True):
    """A message to try a condition on."""

    body: str
    headers: dict[str, str] = {}


class Editing:
    """What the editor needs beside the life of versions."""

    def __init__(self, versions: Versions, workers: WorkerCatalog) -> None:
        self._versions = versions
        self._workers = workers

    async def open(self, process: str, number: int) -> Opened:
        """A version as an editor can open it. Raises ProcessNotFound, VersionNotFound."""
        version = await self._versions.get(process, number)
        content = await self._versions.source(process, number)
        found = await asyncio.to_thread(normalise, content.source, name=f"{process}.{content.dialect}")
        return Opened(
            version=version,
            xml=found.data.decode(),
            changes=found.changes + _comments(found.data),
            findings=content.findings,
            key=content.graph.key,
            revision=revision_of(content.source),
        )

    async def check(self, data: bytes, name: str, key: str | None) -> Checked:
        """What a process file holds, without keeping it."""
        return await asyncio.to_thread(_check, data, name, key)

    async def convert(self, data: bytes, name: str) -> Converted:
        """A process file of any dialect as an editor can open it. Raises Invalid for one that cannot be read at all."""
        return await asyncio.to_thread(_convert, data, name)

    async def try_condition(self, source: str, language: str, sample: Sample | None) -> TriedCondition:
        """What a condition means, and what it gives for the sample. Raises Invalid for a sample that is too large."""
        if sample is not None and len(sample.body) > MAX_SAMPLE:
            raise Invalid(f"body: a sample has at most {MAX_SAMPLE:,} characters")
        return await asyncio.to_thread(_try, source, language, sample)

    async def export(self, process: str, number: int, form: str) -> Exported:
        """A version in another format: `bpmn`, `tplg` or `tplg.json`. Raises Invalid naming what that cannot say."""
        content = await self._versions.source(process, number)
        if form == "bpmn":
            return _as_bpmn(await asyncio.to_thread(normalise, content.source, name=f"{process}.{content.dialect}"))
        return await self.export_graph(content.graph, form)

    async def export_file(self, data: bytes, name: str, form: str) -> Exported:
        """The same of a file that is not kept."""
        if form == "bpmn":
            return _as_bpmn(await asyncio.to_thread(normalise, data, name=name))
        checked = await self.check(data, name, None)
        if checked.graph is None:
            raise Invalid(checked.findings[0].message if checked.findings else "The file holds no process")
        return await self.export_graph(checked.graph, form)

    async def export_graph(self, graph: ProcessGraph, form: str) -> Exported:
        """A graph in one of Orchesty's formats."""
        if form == "tplg.json":
            return write_tplg_json(graph)
        hosts = {worker.name: urlsplit(worker.url).netloc for worker in await self._workers.workers()}
        return write_tplg(graph, hosts)


def _comments(xml: bytes) -> tuple[str, ...]:
    """A sentence about comments in the XML: editors built on moddle do not keep them."""
    count = len(re.findall(rb"<!--.*?-->", re.sub(rb"<!\[CDATA\[.*?\]\]>", b"", xml, flags=re.DOTALL), re.DOTALL))
    return (f"Comments in the XML are left out ({count} times).",) if count else ()


def _as_bpmn(found: Normalised) -> Exported:
    return Exported(data=found.data, losses=found.changes)


def _check(data: bytes, name: str, key: str | None) -> Checked:
    result = read_file(data, name=name)
    graph = result.process(key) if key is not None else result.main or next(iter(result.processes), None)
    return Checked(
        findings=result.findings_for(key) if graph is not None else result.findings,
        graph=graph,
        digest=semantic_hash(graph) if graph is not None else None,
    )


def _convert(data: bytes, name: str) -> Converted:
    found = normalise(data, name=name)
    return Converted(xml=found.data.decode(), changes=found.changes, findings=_check(data, name, None).findings)


def _try(source: str, language: str, sample: Sample | None) -> TriedCondition:
    cel, problem = translate(source, language or None)
    if cel is None:
        return TriedCondition(cel=None, problem=problem)
    compiled = compile_condition(cel)
    names = tuple(sorted(compiled.names))
    if sample is None:
        return TriedCondition(cel=cel, problem=None, names=names)
    answer, failure = _answer(cel, sample.body, sample.headers)
    return TriedCondition(cel=cel, problem=None, names=names, answer=answer, failure=failure)


def _answer(cel: str, body: str, headers: Mapping[str, str]) -> tuple[bool | None, str | None]:
    try:
        return compile_condition(cel).holds(Facts(body.encode(), headers)), None
    except ConditionError as error:
        return None, str(error)
