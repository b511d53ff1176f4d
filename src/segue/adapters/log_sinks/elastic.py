"""Elasticsearch (7.9 and later) and OpenSearch (1.0 and later), over their bulk API, into a data stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import msgspec

from segue.adapters.log_sinks.document import MAPPINGS, document, document_id
from segue.adapters.log_sinks.options import SinkOptions
from segue.ports.log_sinks import Sent, SinkTrouble
from segue.ports.views import StoredLog

_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=10)
_JSON = {"Content-Type": "application/json"}
_BULK = {"Content-Type": "application/x-ndjson"}
_LONGEST_SAYING = 500
# The cluster has no room or no time now (RFC 9110, 15.5 and 15.6); the same lines may be taken later.
_LATER = frozenset({408, 429, 500, 502, 503, 504})
_THERE_ALREADY = 409


class _Error(msgspec.Struct):
    type: str = ""
    reason: str = ""


class _Created(msgspec.Struct):
    status: int
    error: _Error | None = None


class _Item(msgspec.Struct):
    create: _Created


class _Bulk(msgspec.Struct):
    items: list[_Item]


class ElasticSink:
    """Sends lines as ECS documents, each under its own id: one that is there already is not made again.

    Before the first line the index template and the rule by which old data goes are put in place. `base` is the
    cluster's address without credentials, `index` the name of the data stream.
    """

    kind = "elastic"
    knows_ids = True

    def __init__(self, base: str, index: str, headers: Mapping[str, str], options: SinkOptions) -> None:
        self.name = options.name
        self.levels = options.levels
        self.link = options.link
        self.address = f"{base}/{index}"
        self._base = base
        self._index = index
        self._headers = dict(headers)
        self._days = options.days
        self._session: aiohttp.ClientSession | None = None
        self._ready = False

    async def send(self, lines: Sequence[StoredLog]) -> Sent:
        """See `LogSink`."""
        if not self._ready:
            await self._set_up()
            self._ready = True
        return await self._bulk(lines)

    async def close(self) -> None:
        """See `LogSink`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _bulk(self, lines: Sequence[StoredLog]) -> Sent:
        encode = msgspec.json.encode
        parts = []
        for line in lines:
            parts += [encode({"create": {"_index": self._index, "_id": document_id(line)}}), encode(document(line))]
        status, body = await self._ask("POST", "/_bulk", b"\n".join([*parts, b""]), _BULK)
        if status == 413:
            return await self._in_halves(lines, body)
        if status != 200:
            raise SinkTrouble(_said("the bulk request was answered with", status, body))
        try:
            answer = msgspec.json.decode(body, type=_Bulk)
        except msgspec.DecodeError as error:
            raise SinkTrouble(f"the bulk request was answered with something else than its result: {error}") from None
        return _counted([item.create for item in answer.items])

    async def _in_halves(self, lines: Sequence[StoredLog], body: bytes) -> Sent:
        if len(lines) == 1:
            return Sent(taken=0, refused=1, reason=_said("a line is too large, it was answered with", 413, body))
        middle = len(lines) // 2
        first, second = await self._bulk(lines[:middle]), await self._bulk(lines[middle:])
        return Sent(
            taken=first.taken + second.taken,
            refused=first.refused + second.refused,
            reason=first.reason or second.reason,
        )

    async def _set_up(self) -> None:
        status, body = await self._ask("GET", "/", b"", {})
        if status != 200:
            raise SinkTrouble(_said("the cluster answered with", status, body))
        is_opensearch = b'"opensearch"' in body
        settings: dict[str, Any] = {}
        if self._days:
            settings = await self._put_lifecycle(is_opensearch)
        template = {
            "index_patterns": [self._index],
            "data_stream": {},
            "priority": 300,
            "template": {"settings": settings, "mappings": MAPPINGS},
            "_meta": {"description": "log lines of Segue"},
        }
        await self._put(f"/_index_template/{self._index}", template)

    async def _put_lifecycle(self, is_opensearch: bool) -> dict[str, Any]:
        """Put the rule by which old data goes in place; the index settings that name it."""
        age = f"{self._days}d"
        rollover = {"min_index_age": "1d", "min_primary_shard_size": "10gb"}
        if is_opensearch:
            states = [
                {
                    "name": "written",
                    "actions": [{"rollover": rollover}],
                    "transitions": [{"state_name": "gone", "conditions": {"min_index_age": age}}],
                },
                {"name": "gone", "actions": [{"delete": {}}], "transitions": []},
            ]
            policy = {
                "policy": {
                    "description": "log lines of Segue",
                    "default_state": "written",
                    "states": states,
                    "ism_template": [{"index_patterns": [f".ds-{self._index}-*"], "priority": 300}],
                }
            }
            # 409: it is there; OpenSearch changes one only for those who name its number. 400: no such plugin.
            await self._put(f"/_plugins/_ism/policies/{self._index}", policy, also=(400, 409))
            return {}
        phases = {
            "hot": {"actions": {"rollover": {"max_age": "1d", "max_primary_shard_size": "10gb"}}},
            "delete": {"min_age": age, "actions": {"delete": {}}},
        }
        await self._put(f"/_ilm/policy/{self._index}", {"policy": {"phases": phases}})
        return {"index.lifecycle.name": self._index}

    async def _put(self, path: str, what: dict[str, Any], also: tuple[int, ...] = ()) -> None:
        status, body = await self._ask("PUT", path, msgspec.json.encode(what), _JSON)
        if status not in {200, 201, *also}:
            raise SinkTrouble(_said(f"PUT {path} was answered with", status, body))

    async def _ask(self, method: str, path: str, payload: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers=self._headers)
        try:
            async with self._session.request(
                method, self._base + path, data=payload, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise SinkTrouble(f"{self._base} cannot be reached: {str(error) or type(error).__name__}") from None


def _counted(results: Sequence[_Created]) -> Sent:
    """What became of the lines. Raises SinkTrouble when one may be taken later."""
    refused: list[str] = []
    for result in results:
        if result.status < 300 or result.status == _THERE_ALREADY:
            continue
        said = "" if result.error is None else f": {result.error.type}: {result.error.reason}"
        text = f"a line was answered with status {result.status}{said}"[:_LONGEST_SAYING]
        if result.status in _LATER or result.status in {401, 403, 404}:
            raise SinkTrouble(text)
        refused.append(text)
    return Sent(taken=len(results) - len(refused), refused=len(refused), reason=refused[0] if refused else None)


def _said(what: str, status: int, body: bytes) -> str:
    return f"{what} status {status}: {body.decode(errors='replace')}"[:_LONGEST_SAYING]
