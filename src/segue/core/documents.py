"""Documents of applications: what a document is found by follows from what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from segue.core.instants import instant_of
from segue.model.documents import Document, DocumentKind

_members = msgspec.json.Decoder(dict[str, Raw])
_EMPTY_OBJECT = b"{}"


def described(document: Document) -> Document:
    """Return the document with everything it is found by as its `fields` say; what they do not say stays."""
    said = _plain(document.fields)
    changes: dict[str, Any] = {}
    for member, name in (("user", "user"), ("sdk", "worker")):
        if isinstance(said.get(member), str):
            changes[name] = said[member]
    if document.kind is DocumentKind.INSTALL:
        changes |= _install(said)
    else:
        changes |= _webhook(said)
    return replace(document, **changes)


def merged(document: Document, fields: Mapping[str, Raw], own: Mapping[str, Raw], at: int) -> Document:
    """Return the document with these members set."""
    changed = replace(document, fields=_set(document.fields, fields), own=_set(document.own, own), updated=at)
    return described(changed)


def _install(said: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if isinstance(said.get("key"), str):
        changes["application"] = said["key"]
    if isinstance(said.get("enabled"), bool):
        changes["enabled"] = said["enabled"]
    if "expires" in said:
        changes["expires"] = instant_of(said["expires"])
    return changes


def _webhook(said: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for member, name in (("application", "application"), ("topology", "process"), ("node", "node")):
        if isinstance(said.get(member), str):
            changes[name] = said[member]
    if isinstance(said.get("unsubscribeFailed"), bool):
        changes["enabled"] = not said["unsubscribeFailed"]
    return changes


def _plain(fields: bytes) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.json.decode(fields, type=dict[str, Any])
    return said


def _set(old: bytes, new: Mapping[str, Raw]) -> bytes:
    if not new:
        return old
    if old == _EMPTY_OBJECT:
        return msgspec.json.encode(dict(new))
    return msgspec.json.encode(_members.decode(old) | dict(new))
