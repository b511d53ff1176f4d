"""A line as the document that every destination gets, in the words of the Elastic Common Schema (ECS 8.11)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from segue.ports.views import StoredLog

ECS_VERSION = "8.11.0"


def document_id(line: StoredLog) -> str:
    """Return an id that no other line has, of whatever installation; the same one each time the line is sent."""
    return f"{line.instance}-{line.seq}"


def document(line: StoredLog) -> dict[str, Any]:
    """Return the line as an ECS document. What ECS has no field for stands below `segue`."""
    at = datetime.fromtimestamp(line.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "@timestamp": at,
        "ecs": {"version": ECS_VERSION},
        "message": line.text,
        "log": {"level": line.level},
        "event": {"id": document_id(line), "sequence": line.seq, "dataset": "segue.process"},
        "service": {"name": "segue", "type": "segue"},
        "segue": {
            "process": line.process,
            "version": line.version,
            "node": line.node,
            "instance": line.instance,
            "message": line.message,
        },
    }


MAPPINGS: dict[str, Any] = {
    "dynamic": False,
    "properties": {
        "@timestamp": {"type": "date"},
        "ecs": {"properties": {"version": {"type": "keyword"}}},
        "message": {"type": "text"},
        "log": {"properties": {"level": {"type": "keyword"}}},
        "event": {
            "properties": {
                "id": {"type": "keyword"},
                "sequence": {"type": "long"},
                "dataset": {"type": "keyword"},
            }
        },
        "service": {"properties": {"name": {"type": "keyword"}, "type": {"type": "keyword"}}},
        "segue": {
            "properties": {
                "process": {"type": "keyword"},
                "version": {"type": "long"},
                "node": {"type": "keyword"},
                "instance": {"type": "keyword"},
                "message": {"type": "keyword"},
            }
        },
    },
}
"""The types of the document's fields, for an index template."""
