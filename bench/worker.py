"""The worker of the benches: connectors that answer with what they got, at once or after a while."""

from __future__ import annotations

import asyncio
import os
import sys

from segue_sdk import Message, Worker
from segue_sdk.cli import SECRET_VARIABLE

worker = Worker("bench", secret=os.environ.get(SECRET_VARIABLE) or None)


@worker.connector("echo")
async def echo(message: Message) -> bytes:
    """Forward the body unchanged."""
    return message.body


@worker.connector("slow")
async def slow(message: Message) -> bytes:
    """Forward the body unchanged after 50 ms, as one that calls another service."""
    await asyncio.sleep(0.05)
    return message.body


if __name__ == "__main__":
    worker.run(sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1", int(sys.argv[1]))
