"""The worker of the benches: three connectors that answer with what they got."""

from __future__ import annotations

import sys

from segue_sdk import Message, Worker

worker = Worker("bench")


@worker.connector("echo")
async def echo(message: Message) -> bytes:
    """Forward the body unchanged."""
    return message.body


if __name__ == "__main__":
    worker.run("127.0.0.1", int(sys.argv[1]))
