"""Causes: which failed messages failed of the same thing, so that people see five groups and not ten thousand lines."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256

_LONGEST = 500
# From the most to the least telling: what a part of a reason is replaced by when it differs from message to message.
_VARYING = (
    (re.compile(r"https?://[^\s'\"<>]+", re.IGNORECASE), "<url>"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "<address>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b"), "<time>"),
    (re.compile(r"'[^']*\d[^']*'|\"[^\"]*\d[^\"]*\"|`[^`]*\d[^`]*`"), "<value>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<![\w./:-])[\w./:-]*\d[\w./:-]*"), "<number>"),
)
_SPACE = re.compile(r"\s+")


def normalised(reason: str) -> str:
    """Return a reason without what differs from message to message: ids, numbers, instants, addresses, values."""
    text = reason[: 4 * _LONGEST]
    for pattern, stands_for in _VARYING:
        text = pattern.sub(stands_for, text)
    return _SPACE.sub(" ", text).strip().lower()[:_LONGEST]


@lru_cache(maxsize=4096)
def cause_of(node: str, code: str | None, reason: str | None) -> str:
    """Return the fingerprint of a failure: equal for messages that failed at the same node of the same thing.

    It does not depend on the version, so that a cause is one group however many versions met it.
    """
    return sha256("\0".join((node, code or "", normalised(reason or ""))).encode()).hexdigest()[:16]
