"""Identities: how instances and messages are named, so that every step may be repeated safely."""

from __future__ import annotations

from hashlib import blake2b


def format_uuid(raw: bytes) -> str:
    """Return 16 bytes in the 8-4-4-4-12 text form of RFC 9562, lower case."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def make_id(now: int, entropy: bytes) -> str:
    """Return a UUIDv7 (RFC 9562, 5.7) from an instant in ms since the epoch and 10 random bytes.

    Ids made later sort later, which keeps the indexes of the stores compact.
    """
    raw = bytearray(now.to_bytes(6, "big") + entropy)
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return format_uuid(bytes(raw))


def child_id(parent: str, follower: str, index: int) -> str:
    """Return the id of the child that `parent` sends to `follower` as its `index`-th one.

    The same arguments give the same id, so handling a message twice names its children alike (P2).
    """
    digest = blake2b(f"{parent}\0{follower}\0{index}".encode(), digest_size=16)
    return format_uuid(digest.digest())
