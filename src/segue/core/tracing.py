"""W3C Trace Context (Level 1): which trace a message belongs to, and which span comes before it.

Each handling of a message is a span. Its id follows from the message and the attempt, so what was sent twice because of
a crash has the same ids. A message that came with a trace goes on with it; any other one's trace is its instance's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b

from msgspec import Struct

from segue.model.message import Message

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 1


class Trace(Struct, frozen=True):
    """A trace and the span that is the parent in it; "" without one. `sampled`: it is to be recorded."""

    trace: str
    parent: str
    sampled: bool = True


def read(headers: Mapping[str, str]) -> Trace | None:
    """The trace that headers name; None where they name none that is valid."""
    found = _FORM.fullmatch(headers.get(TRACEPARENT, "").strip())
    if found is None:
        return None
    version, trace, parent, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not trace.strip("0") or not parent.strip("0"):
        return None
    return Trace(trace, parent, bool(int(flags, 16) & _SAMPLED))


def trace_of(message: Message) -> Trace:
    """The trace that a message belongs to."""
    return read(message.headers) or Trace(_trace_id(message.instance), "")


def span_of(message: Message) -> str:
    """The id of the span of handling a message this time."""
    attempt = f"{message.id}\0{message.repeats}\0{message.outages}\0{message.entered}"
    return blake2b(attempt.encode(), digest_size=8).hexdigest()


def write(trace: Trace, span: str) -> str:
    """The header that names a span as the parent of what follows."""
    return f"00-{trace.trace}-{span}-{'01' if trace.sampled else '00'}"


def _trace_id(instance: str) -> str:
    plain = instance.replace("-", "").lower()
    if len(plain) == 32 and not plain.strip("0123456789abcdef") and plain.strip("0"):
        return plain
    return blake2b(instance.encode(), digest_size=16).hexdigest()
