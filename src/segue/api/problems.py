"""Problem documents: how every error looks over HTTP (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from segue.model.errors import SegueError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
PAGES = "/docs/errors/"
# When nobody knows how long the trouble will last (s).
_TRY_AGAIN_S = 5

# What every answer carries: nothing of ours is to be framed, sniffed, cached or referred to.
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
CONTENT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


def document(error: SegueError) -> dict[str, object]:
    """The problem document of an error: `type`, `title`, `status`, `detail`, `code`, and what the error adds."""
    return {
        "type": PAGES + error.code,
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **error.extra,
    }


def headers(error: SegueError) -> dict[str, str]:
    """The header fields that go with an error beyond its type."""
    extra: dict[str, str] = {}
    retry_after = error.extra.get("retry_after")
    if retry_after is None and error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after = _TRY_AGAIN_S
    if retry_after is not None:
        extra["retry-after"] = str(retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        extra["www-authenticate"] = "Bearer"
    allow = error.extra.get("allow")
    if allow is not None:
        extra["allow"] = str(allow)
    return extra


def encode(error: SegueError) -> bytes:
    """The problem document as JSON."""
    return msgspec.json.encode(document(error))


def response(error: SegueError, more: Mapping[str, str] | None = None) -> Response:
    """The whole answer for an error."""
    fields = headers(error) | dict(more or {})
    return Response(encode(error), status_code=error.status, headers=fields, media_type=MEDIA_TYPE)


def unexpected(error: Exception, where: str) -> SegueError:
    """What a caller learns of a fault of ours: nothing but that it is one; the log has the rest."""
    log.error("Unexpected error in %s", where, exc_info=error)
    return SegueError("The server met an error of its own; its log has the details")
