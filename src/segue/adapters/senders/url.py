"""Calling a URL with a notice, signed as Standard Webhooks 1.0 does."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ssl

import aiohttp
import msgspec

from segue.core.notice_text import fill, in_html, in_json, iso, plain
from segue.model.notices import Outgoing, UrlSender
from segue.ports.notifier import Undelivered

PREFIX = "whsec_"
_SHOWN = 300


class UrlNotifier:
    """Sends to URLs. Delivered is what is answered with a status of 200 to 299; redirects are not followed."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        self._session: aiohttp.ClientSession | None = None

    async def send(self, settings: UrlSender, outgoing: Outgoing, now: int) -> None:
        """See `Notifier`."""
        body = body_of(settings, outgoing)
        headers = {**settings.headers, **own_headers(settings, outgoing, body, now)}
        try:
            async with self._open().request(
                settings.method,
                settings.url,
                data=body,
                headers=headers,
                allow_redirects=False,
                ssl=self._trust,
                timeout=aiohttp.ClientTimeout(total=settings.timeout_s),
            ) as answer:
                if 200 <= answer.status < 300:
                    return
                said = (await answer.content.read(_SHOWN)).decode("utf-8", "replace")
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Undelivered(f"the address cannot be called: {type(error).__name__}: {_cause(error)}") from None
        raise Undelivered(f"answered with status {answer.status}" + (f": {said}" if said else ""))

    async def close(self) -> None:
        """Close connections that are kept."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "Segue"}, trust_env=False
            )
        return self._session


def body_of(settings: UrlSender, outgoing: Outgoing) -> bytes:
    """What is sent: the template filled in, or the notice as JSON."""
    if settings.template:
        kind = settings.content_type
        encode = in_json if "json" in kind else in_html if "html" in kind or "xml" in kind else plain
        return fill(settings.template, outgoing.data, encode).encode()
    return msgspec.json.encode({"type": outgoing.type, "timestamp": iso(outgoing.at), "data": outgoing.data})


def own_headers(settings: UrlSender, outgoing: Outgoing, body: bytes, now: int) -> dict[str, str]:
    """The headers that every notice has, and the signature if there is a secret."""
    seconds = str(now // 1000)
    headers = {
        "Content-Type": settings.content_type,
        "webhook-id": outgoing.key,
        "webhook-timestamp": seconds,
        "Idempotency-Key": outgoing.key,
    }
    if settings.secret:
        headers["webhook-signature"] = sign(settings.secret, outgoing.key, seconds, body)
    return headers


def sign(secret: str, key: str, seconds: str, body: bytes) -> str:
    """The signature of Standard Webhooks: HMAC-SHA256 over id, timestamp and body. Raises Undelivered."""
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise Undelivered("the secret is no base64 after whsec_") from None
    signed = f"{key}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()


def _cause(error: BaseException) -> str:
    """What went wrong without the address, whose query may be a secret."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "the certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}:{error.port}: {error.strerror or error.os_error}"
    if isinstance(error, aiohttp.InvalidURL):
        return "it is no valid address"
    return str(error)[:_SHOWN] if isinstance(error, OSError) else ""
