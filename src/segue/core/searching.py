"""Searching messages by what they hold: a field of the body, a header, or a text in either."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from segue.model.errors import Invalid

_FIELD = re.compile(r"(body|header)\.([^=]{1,200})=(.*)", re.DOTALL)
_LONGEST = 500


class Match(Struct, frozen=True, kw_only=True):
    """What to look for: `value` at `path` of the body, in the header `path`, or anywhere as a text."""

    where: Literal["body", "header", "any"]
    path: tuple[str, ...]
    value: str


def parse_match(text: str) -> Match:
    """Read `body.customer.id=C-17`, `header.name=value`, or any other text. Raises Invalid when there is nothing."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        raise Invalid(f"match: give a text of 1 to {_LONGEST} characters, or body.FIELD=VALUE, or header.NAME=VALUE")
    found = _FIELD.fullmatch(text)
    if found is None:
        return Match(where="any", path=(), value=text)
    where, path, value = found.groups()
    if where == "header":
        return Match(where="header", path=(path.strip().lower(),), value=value.strip())
    return Match(where="body", path=tuple(part.strip() for part in path.split(".")), value=value.strip())


def is_match(match: Match, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a message with these headers and this body is one that was looked for.

    A path goes through the elements of every list on its way; a value is compared as JSON writes it, text without
    its quotes.
    """
    if match.where == "header":
        return any(name.lower() == match.path[0] and value == match.value for name, value in headers.items())
    if match.where == "any":
        wanted = match.value.lower()
        return wanted in body.decode("utf-8", "replace").lower() or any(
            wanted in value.lower() for value in headers.values()
        )
    # Reading JSON costs a hundred times what finding out costs that the field's name is not even there.
    if match.path[-1].encode() not in body and b"\\u" not in body:
        return False
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return _has(found, match.path, match.value)


def _has(at: Any, path: tuple[str, ...], value: str) -> bool:
    if isinstance(at, list) and not (path and path[0].isdecimal()):
        return any(_has(each, path, value) for each in at)
    if not path:
        return _text(at) == value
    if isinstance(at, list):
        index = int(path[0]) if len(path[0]) < 10 else len(at)
        return index < len(at) and _has(at[index], path[1:], value)
    return isinstance(at, dict) and path[0] in at and _has(at[path[0]], path[1:], value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
