"""Passwords: what is stored of them, and whether one is the right one.

argon2id (RFC 9106), with its parameters in the text that is stored, so that they can be raised later. Hashes of scrypt,
which earlier versions made, are still known; whoever signs in with one gets a new one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from argon2 import Parameters, Type, extract_parameters
from argon2.exceptions import HashingError, InvalidHashError, UnsupportedParametersError, VerificationError
from argon2.low_level import ARGON2_VERSION, hash_secret, verify_secret

SALT_BYTES = 16
# One of the equivalent settings of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
MEMORY_KIB = 19 * 1024
_NOW = Parameters(
    type=Type.ID,
    version=ARGON2_VERSION,
    salt_len=SALT_BYTES,
    hash_len=32,
    time_cost=2,
    memory_cost=MEMORY_KIB,
    parallelism=1,
)
# What a stored text may ask for at most, so that a damaged one costs neither the memory nor the time of the server.
_MOST_MEMORY_KIB, _MOST_TIME, _MOST_LANES = 1024 * 1024, 100, 16
_MOST_LOG_N, _MOST_R, _MOST_P = 20, 32, 16


def hash_password(password: str, salt: bytes) -> str:
    """What is stored of a password. Takes some ten milliseconds of computing, and 19 MiB."""
    made = hash_secret(
        _raw(password), salt, _NOW.time_cost, _NOW.memory_cost, _NOW.parallelism, _NOW.hash_len, _NOW.type, _NOW.version
    )
    return made.decode("ascii")


def password_is(password: str, stored: str) -> bool:
    """Whether `stored` was made from this password; False also for what is no such hash."""
    if stored.startswith("scrypt$"):
        return _scrypt_is(password, stored)
    asked = _parameters(stored)
    if asked is None:
        return False
    try:
        return verify_secret(stored.encode("ascii"), _raw(password), asked.type)
    except (VerificationError, HashingError, UnicodeEncodeError):
        return False


def is_old(stored: str) -> bool:
    """Whether a hash is to be made anew: by another method, or with other parameters than those of today."""
    return _parameters(stored) != _NOW


def _parameters(stored: str) -> Parameters | None:
    try:
        asked = extract_parameters(stored)
    except (InvalidHashError, UnsupportedParametersError, ValueError):
        return None
    bearable = (
        asked.memory_cost <= _MOST_MEMORY_KIB and asked.time_cost <= _MOST_TIME and asked.parallelism <= _MOST_LANES
    )
    return asked if bearable else None


def _raw(password: str) -> bytes:
    return password.encode("utf-8", "surrogateescape")


def _scrypt_is(password: str, stored: str) -> bool:
    try:
        _, log_n, r, p, salt, key = stored.split("$")
        n, block, lanes = int(log_n), int(r), int(p)
        if not (0 < n <= _MOST_LOG_N and 0 < block <= _MOST_R and 0 < lanes <= _MOST_P):
            return False
        memory = 128 * block * (1 << n) * 2
        wanted = base64.b64decode(key)
        made = hashlib.scrypt(
            _raw(password), salt=base64.b64decode(salt), n=1 << n, r=block, p=lanes, maxmem=memory, dklen=len(wanted)
        )
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(made, wanted)
