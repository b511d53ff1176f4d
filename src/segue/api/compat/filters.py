"""The filters with which workers look for documents, in all the ways their SDKs write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from segue.core.instants import instant_of
from segue.model.documents import Document, DocumentKind
from segue.model.errors import Invalid
from segue.ports.documents import DocumentFilter

# The Node SDK puts JSON into the address as it is, `&` in it included.
_PARAMETER = re.compile(r"(?:^|&)(filter|sorter|paging)=")
_ALIASES = {"user_uds": "users", "non_encrypted": "nonEncrypted", "applications": "apps"}
_KEYS = {
    DocumentKind.INSTALL: {"ids", "deleted", "names", "users", "sdks", "enabled", "expires", "nonEncrypted"},
    DocumentKind.WEBHOOK: {"ids", "deleted", "users", "sdks", "apps", "topologies", "enabled"},
}


class Query(Struct, frozen=True, kw_only=True):
    """What a worker asks for: the members of its filter, the order, and a window (`limit` None is no bound)."""

    filter: dict[str, Any]
    newest_first: bool = False
    limit: int | None = None
    offset: int = 0


class Wanted(Struct, frozen=True):
    """A filter as the store understands it, and the condition that it does not."""

    filter: DocumentFilter
    also: Callable[[Document], bool] | None


def read_query(raw: bytes) -> Query:
    """Read the query of an address. Raises Invalid naming the parameter."""
    found = _parameters(raw.decode("latin-1"))
    sorter, paging = found.get("sorter", {}), found.get("paging", {})
    return Query(
        filter=found.get("filter", {}),
        newest_first=str(sorter.get("created", "asc")).lower() == "desc",
        limit=_whole("limit", paging.get("limit")),
        offset=_whole("offset", paging.get("offset")) or 0,
    )


def wanted_of(kind: DocumentKind, members: Mapping[str, Any]) -> Wanted:
    """What a filter on installs or webhooks means. Raises Invalid naming the member."""
    asked = {_ALIASES.get(name, name): value for name, value in members.items()}
    unknown = sorted(asked.keys() - _KEYS[kind])
    if unknown:
        raise Invalid(f"Filter [{', '.join(unknown)}] is not supported")
    names = asked.get("names") if kind is DocumentKind.INSTALL else asked.get("apps")
    without: set[str] = set()
    if isinstance(names, dict):
        without, names = set(_texts("names", names.get("nin")) or ()), names.get("in")
    expires = asked.get("expires")
    expires_by = None if expires is None else instant_of(expires)
    if expires is not None and expires_by is None:
        raise Invalid(f"Filter [expires]: {expires!r} is no instant")
    wanted = DocumentFilter(
        kind=kind,
        ids=_texts("ids", asked.get("ids")),
        users=_texts("users", asked.get("users")),
        applications=_texts("names", names),
        workers=_texts("sdks", asked.get("sdks")),
        enabled=_enabled(kind, asked),
        expires_by=expires_by,
        deleted=asked.get("deleted") is True,
    )
    plain = asked.get("nonEncrypted") or {}
    topologies = _texts("topologies", asked.get("topologies"))
    return Wanted(wanted, _also(without, plain, topologies) if without or plain or topologies is not None else None)


def _enabled(kind: DocumentKind, asked: Mapping[str, Any]) -> bool | None:
    """Only enabled installs unless the filter says otherwise; null means both."""
    if kind is not DocumentKind.INSTALL:
        return None
    value = asked.get("enabled", True)
    if value is None or isinstance(value, bool):
        return value
    raise Invalid(f"Filter [enabled]: {value!r} is neither true nor false")


def _also(without: set[str], plain: Mapping[str, Any], topologies: list[str] | None) -> Callable[[Document], bool]:
    if not isinstance(plain, dict):
        raise Invalid("Filter [nonEncrypted] is no object")
    # A value, or an object whose one member is the list of values, whatever the operator is called.
    accepted = {
        name: next(iter(value.values()), []) if isinstance(value, dict) else [value] for name, value in plain.items()
    }

    def matches(document: Document) -> bool:
        if document.application in without or (topologies is not None and document.process not in topologies):
            return False
        if not accepted:
            return True
        open_settings = msgspec.json.decode(document.fields, type=_Fields).open_settings
        known = open_settings if isinstance(open_settings, dict) else {}
        return all(known.get(name) in values for name, values in accepted.items())

    return matches


class _Fields(Struct):
    open_settings: Any = msgspec.field(default=None, name="nonEncryptedSettings")


def _parameters(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    marks = list(_PARAMETER.finditer(text))
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(text)
        value = unquote(text[mark.end() : end])
        if value in {"", "undefined", "null"}:
            continue
        found[mark.group(1)] = _object(mark.group(1), value)
    return found


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text.encode(), type=dict[str, Any] | list[Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise Invalid(f"Parameter [{name}] is no JSON object: {error}") from None
    if isinstance(value, list):  # PHP writes an empty map as an empty list
        if value:
            raise Invalid(f"Parameter [{name}] is no JSON object")
        return {}
    return value


def _texts(name: str, value: object) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise Invalid(f"Filter [{name}] is no list")
    return [each if isinstance(each, str) else str(each) for each in value if each is not None]


def _whole(name: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
        return value
    raise Invalid(f"Parameter [paging]: {name} is no whole number")
