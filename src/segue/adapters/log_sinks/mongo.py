"""MongoDB (4.2 and later) and servers that speak its protocol; needs the extra `segue[mongo]`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from segue.adapters.log_sinks.document import document, document_id
from segue.adapters.log_sinks.options import SinkOptions
from segue.model.errors import Invalid
from segue.ports.log_sinks import Sent, SinkTrouble
from segue.ports.views import StoredLog

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient

_DUPLICATE = 11000
_TIMEOUT_MS = 10_000
_DAY_S = 86_400


class MongoSink:
    """Sends lines as documents whose `_id` is the line's own: one that is there already is not made again.

    Raises Invalid for an address that the driver cannot read, and when the driver is not installed.
    """

    kind = "mongodb"
    knows_ids = True

    def __init__(self, url: str, database: str, collection: str, options: SinkOptions) -> None:
        try:
            from pymongo import AsyncMongoClient  # noqa: PLC0415 - an extra that not everybody installs
            from pymongo.errors import ConfigurationError  # noqa: PLC0415
        except ImportError:
            raise Invalid("A MongoDB destination of log lines needs the extra: pip install 'segue[mongo]'") from None
        self.name = options.name
        self.levels = options.levels
        self.link = options.link
        try:
            self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                url,
                serverSelectionTimeoutMS=_TIMEOUT_MS,
                connectTimeoutMS=_TIMEOUT_MS,
                socketTimeoutMS=3 * _TIMEOUT_MS,
                appname="segue",
                connect=False,
            )
        except (ConfigurationError, ValueError) as error:
            raise Invalid(f"The address of the MongoDB destination cannot be read: {error}") from None
        self._collection = self._client[database][collection]
        self._days = options.days
        self._ready = False
        host = url.split("://", 1)[1].split("/", 1)[0].rpartition("@")[2]
        self.address = f"mongodb://{host}/{database}.{collection}"

    async def send(self, lines: Sequence[StoredLog]) -> Sent:
        """See `LogSink`."""
        from pymongo.errors import BulkWriteError, PyMongoError  # noqa: PLC0415

        try:
            if not self._ready:
                await self._set_up()
                self._ready = True
            await self._collection.insert_many([_document(line) for line in lines], ordered=False)
        except BulkWriteError as error:
            return _counted(len(lines), error.details or {})
        except PyMongoError as error:
            raise SinkTrouble(f"{self.address}: {error}"[:500]) from None
        return Sent(taken=len(lines))

    async def close(self) -> None:
        """See `LogSink`."""
        await self._client.close()

    async def _set_up(self) -> None:
        """Indexes for the questions people ask; with `days` old documents go by themselves."""
        from pymongo.errors import OperationFailure  # noqa: PLC0415

        await self._collection.create_index([("segue.instance", 1), ("event.sequence", 1)])
        await self._collection.create_index([("segue.process", 1), ("event.sequence", 1)])
        if self._days:
            # A server may lack this kind of index, or have one with another time that a person chose.
            with contextlib.suppress(OperationFailure):
                await self._collection.create_index("@timestamp", expireAfterSeconds=self._days * _DAY_S)


def _document(line: StoredLog) -> dict[str, Any]:
    at = datetime.fromtimestamp(line.at / 1000, UTC)
    return {"_id": document_id(line)} | document(line) | {"@timestamp": at}


def _counted(lines: int, details: Any) -> Sent:
    errors = details.get("writeErrors", [])
    if details.get("writeConcernErrors"):
        raise SinkTrouble(f"not confirmed by enough servers: {details['writeConcernErrors'][0].get('errmsg')}")
    refused = [error for error in errors if error.get("code") != _DUPLICATE]
    reason = str(refused[0].get("errmsg"))[:500] if refused else None
    return Sent(taken=lines - len(refused), refused=len(refused), reason=reason)
