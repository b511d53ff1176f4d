"""Corrections: one change for many messages, each of which keeps its own body but for what is changed."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from segue.model.errors import Invalid
from segue.model.start import Headers

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Correction(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is changed: `merge` is laid over the JSON of a body (RFC 7396), or `body` takes its place.

    `headers` are laid over the message's; a null one is taken away.
    """

    merge: dict[str, Any] | None = None
    body: bytes | None = None
    headers: dict[str, str | None] | None = None

    def body_of(self, body: bytes) -> bytes | None:
        """Return the changed body, None when it stays. Raises Invalid for one that is no JSON object to be merged."""
        if self.merge is None:
            return self.body
        try:
            held = _decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise Invalid(f"The body is no JSON, so nothing can be merged into it: {error}") from None
        if not isinstance(held, dict):
            raise Invalid("The body is JSON, but no object, so nothing can be merged into it")
        return _encode(merged(held, self.merge))

    def headers_of(self, headers: Headers) -> Headers | None:
        """Return all headers after the change, None when they stay."""
        if self.headers is None:
            return None
        changed = {**headers, **self.headers}
        return {name: value for name, value in changed.items() if value is not None}


def merged(target: Any, patch: Any) -> Any:
    """Return what RFC 7396 makes of a JSON value and a merge patch; the target stays as it is."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
