"""Standard output: a JSON document a line, for whatever collects what programs print."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import msgspec

from segue.adapters.log_sinks.document import document
from segue.adapters.log_sinks.options import SinkOptions
from segue.ports.log_sinks import Sent, SinkTrouble
from segue.ports.views import StoredLog


class StdoutSink:
    """Prints lines. A reader that is slow holds up this destination and nothing else."""

    kind = "stdout"
    knows_ids = False

    def __init__(self, options: SinkOptions) -> None:
        self.name = options.name
        self.levels = options.levels
        self.link = options.link
        self.address = "stdout:"

    async def send(self, lines: Sequence[StoredLog]) -> Sent:
        """See `LogSink`."""
        payload = b"".join(msgspec.json.encode(document(line)) + b"\n" for line in lines)
        try:
            await asyncio.to_thread(_print, payload)
        except (OSError, ValueError) as error:
            raise SinkTrouble(f"standard output cannot be written: {error}") from None
        return Sent(taken=len(lines))

    async def close(self) -> None:
        """See `LogSink`."""


def _print(payload: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(payload)
    sys.stdout.buffer.flush()
