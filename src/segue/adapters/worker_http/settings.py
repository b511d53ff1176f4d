"""What can be set about calls to workers."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from segue.model.errors import Invalid

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Limits and times of the connections to workers. Raises Invalid for a number that cannot work.

    `connections` is the most that are open to one origin (scheme, host and port) at once; further calls wait in line.
    `answer_limit` is the largest body of an answer in bytes, `head_limit` the largest head (status line and header
    fields), which also bounds everything of an answer that is no body, as trailers and interim answers.
    A connection idle for `idle_ms` is dropped: the Orchesty workers' Node.js closes after 5 s, and a call must not
    meet that. A connection older than `life_ms` is not used again, so that calls reach copies of a worker that came
    later. `ca_file` names certificates (PEM) that are trusted besides the system's.
    """

    connections: int = 256
    answer_limit: int = 64 * _MIB
    head_limit: int = 64 * _KIB
    idle_ms: int = 4_000
    life_ms: int = 300_000
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        for name, least in (("connections", 1), ("answer_limit", 1), ("head_limit", 1), ("idle_ms", 0), ("life_ms", 0)):
            value = getattr(self, name)
            if value < least:
                raise Invalid(f"worker calls: {name} is {value} and must be at least {least}")

    def tls(self) -> ssl.SSLContext:
        """Return the context for https workers: certificates and names are verified. Raises Invalid for `ca_file`."""
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        if self.ca_file is not None:
            try:
                context.load_verify_locations(cafile=self.ca_file)
            except OSError as error:  # ssl.SSLError is one
                raise Invalid(
                    f"worker calls: ca_file {self.ca_file} cannot be read as certificates: {error}"
                ) from error
        return context
