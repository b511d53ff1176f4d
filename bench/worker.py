"""The worker of the benches: connectors that answer with what they got, at once or after a while."""

from __future__ import annotations

import asyncio
import sys

from segue_sdk import Message, Worker

worker = Worker("bench")


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
    worker.run("127.0.0.1", int(sys.argv[1]))
