"""Signatures of webhooks as the Standard Webhooks specification has them (symmetric, `v1`)."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from hashlib import sha256

PREFIX = "whsec_"
TOLERANCE_MS = 300_000
"""A message whose instant is further away than this is refused: it may have been recorded and sent again."""

_SHORTEST, _LONGEST = 24, 64


class BadSignature(Exception):
    """The message is not what the sender signed; the text says why."""


def format_secret(raw: bytes) -> str:
    """Return a secret as people copy it: `whsec_` and base64."""
    return PREFIX + b64encode(raw).decode()


def read_secret(text: str) -> bytes:
    """Return the key in a secret, with or without its prefix. Raises ValueError for one that is none."""
    try:
        raw = b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a signing secret is `whsec_` and base64") from None
    if not _SHORTEST <= len(raw) <= _LONGEST:
        raise ValueError(f"a signing secret has {_SHORTEST} to {_LONGEST} bytes; this one has {len(raw)}")
    return raw


def sign(key: bytes, id_: str, seconds: str, body: bytes) -> str:
    """Return the signature of a message, with its version."""
    signed = b".".join((id_.encode(), seconds.encode(), body))
    return "v1," + b64encode(hmac.new(key, signed, sha256).digest()).decode()


def check_signature(  # noqa: PLR0917 - three headers, and what they are about
    key: bytes, id_: str | None, seconds: str | None, signatures: str | None, body: bytes, now: int
) -> None:
    """Check the headers `webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature` of a message.

    One of the signatures has to be right. Raises BadSignature.
    """
    if not id_ or not seconds or not signatures:
        raise BadSignature("webhook-id, webhook-timestamp or webhook-signature is missing")
    if not seconds.isascii() or not seconds.isdecimal() or len(seconds) > 12:
        raise BadSignature("webhook-timestamp is no number of seconds")
    if abs(int(seconds) * 1000 - now) > TOLERANCE_MS:
        raise BadSignature("webhook-timestamp is more than five minutes from now")
    expected = sign(key, id_, seconds, body).encode()
    right = [hmac.compare_digest(expected, each.encode("utf-8", "replace")) for each in signatures.split()]
    if not any(right):
        raise BadSignature("no signature in webhook-signature is right")
