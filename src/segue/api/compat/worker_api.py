"""What workers ask of the platform: to store log lines, metrics and documents."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw

from segue.api.calls import Answer, Call, json_answer
from segue.api.compat.credentials import caller_of
from segue.api.compat.filters import Query, read_query, wanted_of
from segue.api.compat.lines import line_of, read_object
from segue.api.compat.nodes import NodeDocuments
from segue.api.gate import Gate
from segue.control.documents import Documents
from segue.control.logs import Logs
from segue.model.documents import Document, DocumentKind
from segue.model.errors import Invalid, NotFound
from segue.ports.outside import Clock
from segue.runtime.engine import Engine
from segue.runtime.remote_calls import RemoteCalls

log = logging.getLogger(__name__)

_KINDS = {"ApplicationInstall": DocumentKind.INSTALL, "Webhook": DocumentKind.WEBHOOK}
_NODE = "Node"
_PHP = "guzzlehttp"


class WorkerApi:
    """The routes below /logger, /metrics and /document."""

    def __init__(  # noqa: PLR0917 - what it stands on
        self,
        documents: Documents,
        nodes: NodeDocuments,
        logs: Logs,
        remote: RemoteCalls,
        engine: Engine,
        gate: Gate,
        clock: Clock,
    ) -> None:
        self._documents = documents
        self._nodes = nodes
        self._logs = logs
        self._remote = remote
        self._engine = engine
        self._gate = gate
        self._clock = clock

    async def answer(self, call: Call) -> Answer:
        """Answer one request. Raises SegueError."""
        await caller_of(call, self._gate, "worker")
        match call.method, *call.parts:
            case "POST", "logger", "logs" | "loki":
                return await self._log(call)
            case "POST", "metrics", "connectors" | "monolith" as measurement:
                return await self._measure(call, measurement)
            case method, "document", name if method in {"GET", "POST", "DELETE"}:
                return await self._document(call, name)
        raise NotFound("Nothing is here")

    # -- lines and metrics --------------------------------------------------------------------------------------------

    async def _log(self, call: Call) -> Answer:
        line = line_of(read_object(await call.body()), self._clock.now())
        if line is not None and not await self._logs.put([line]):
            log.log(logging.getLevelNamesMapping()[line.level.upper()], "A worker says: %s", line.text)
        return _ok("")

    async def _measure(self, call: Call, measurement: str) -> Answer:
        said = read_object(await call.body())
        fields, tags = said.get("fields"), said.get("tags")
        if not isinstance(fields, dict):
            raise Invalid("fields: is missing, or no object")
        facts = fields | (tags if isinstance(tags, dict) else {})
        if measurement == "connectors":
            status = _status(facts.get("response_code"))
            self._remote.note(
                str(facts.get("application_id") or "")[:100],
                str(facts.get("node_id") or "")[:200],
                _number(facts.get("sent_request_total_duration")),
                status,
            )
            self._add_to_figures(facts, status)
        return _ok("")

    def _add_to_figures(self, facts: Mapping[str, Any], status: int | None) -> None:
        """Note the call at its node, whose version a worker knows as its topology."""
        host = urlsplit(str(facts.get("url") or "")).hostname or str(facts.get("application_id") or "")
        took_us = round(max(_number(facts.get("sent_request_total_duration")), 0.0) * 1000)
        version = str(facts.get("topology_id") or "")
        if version.isascii() and version.isdecimal() and len(version) < 18:
            self._engine.note_remote(int(version), str(facts.get("node_id") or ""), host[:253], took_us, status or 0)

    # -- documents ----------------------------------------------------------------------------------------------------

    async def _document(self, call: Call, name: str) -> Answer:
        if name != _NODE and name not in _KINDS:
            raise Invalid(f"Unsupported document [{name[:100]}]")
        if call.method == "POST":
            return await self._write(call, name)
        query = read_query(call.query)
        if call.method == "DELETE":
            return await self._delete(name, query)
        if name == _NODE:
            with_settings = _PHP not in (call.header(b"user-agent") or "").lower()
            return json_answer(await self._nodes.find(query.filter, with_settings=with_settings))
        wanted = wanted_of(_KINDS[name], query.filter)
        found = await self._documents.find(wanted.filter, wanted.also)
        return json_answer([_shown(document) for document in _window(found, query)])

    async def _write(self, call: Call, name: str) -> Answer:
        if name == _NODE:
            raise Invalid("A node is changed by its process, not by a worker")
        try:
            written = msgspec.json.decode(await call.body(), type=list[dict[str, Raw]] | dict[str, Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Invalid(f"The body is no document and no list of documents: {error}") from None
        await self._documents.save(_KINDS[name], [written] if isinstance(written, dict) else written)
        return _ok("")

    async def _delete(self, name: str, query: Query) -> Answer:
        if name == _NODE:
            raise Invalid("A node is deleted with its process, not by a worker")
        if not query.filter:
            raise Invalid("Empty filter is not supported.")
        wanted = wanted_of(_KINDS[name], query.filter)
        return _ok({"deleted": await self._documents.delete(wanted.filter, wanted.also)})


def _window(found: Sequence[Document], query: Query) -> Sequence[Document]:
    ordered = list(reversed(found)) if query.newest_first else found
    end = None if query.limit is None else query.offset + query.limit
    return ordered[query.offset : end]


def _shown(document: Document) -> dict[str, Any]:
    """The document as it was written; both names of its id, since the SDKs differ in which one they read."""
    members: dict[str, Any] = dict(msgspec.json.decode(document.fields, type=dict[str, Raw]))
    members |= {"_id": document.id, "id": document.id}
    if document.deleted is not None:
        members["deleted"] = True
    return members


def _ok(data: object) -> Answer:
    return json_answer({"message": {"status": "OK", "data": data}})


def _status(value: object) -> int | None:
    """A status of HTTP; some SDKs write it as text."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) == 3 else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
