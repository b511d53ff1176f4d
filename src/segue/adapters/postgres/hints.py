"""Hints to the other processes, by NOTIFY: gathered for a moment, sent after the commit, lost without harm.

A NOTIFY inside a transaction that commits would make all commits wait for each other, so hints have none of theirs.
Each is work for the database and for every process that hears it. So what comes with each message has a channel of its
own, which only those listen to that need it: what is in queues, who takes from them; which instances have ended, who
answers for them. And the more processes there are, the longer each gathers: no more than so many hints are carried to
somebody in a second, however many send.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

CHANNEL = "segue"
"""What everybody hears."""
READY = "segue_ready"
"""Whether there is something in a queue."""
INSTANCES = "segue_instances"
"""Whether instances have ended, or have something in the trash."""
_CHANNELS = {"ready": READY, "instances": INSTANCES}
_GATHER_S = 0.005
_CARRIED = 40_000  # hints times hearers in a second; one core of the database carries about 20,000
_LONGEST = 7_000  # bytes of a payload that PostgreSQL carries, less some room

Send = Callable[[str, str], Awaitable[None]]
"""Called with a channel and a payload."""
Hear = Callable[[int, str, list[str]], None]
"""Called with the number of the process that tells, the topic, and the texts."""


class Hints:
    """Sends and receives. A hint has a topic and a text; the same one is sent once for all that come together.

    `others` says how many processes there are besides.
    """

    def __init__(self, send: Send, hear: Hear, mine: Callable[[], int], others: Callable[[], int]) -> None:
        self._send = send
        self._hear = hear
        self._mine = mine
        self._others = others
        self._waiting: dict[str, dict[str, None]] = {}
        self._task: asyncio.Task[None] | None = None

    def give(self, topic: str, text: str = "") -> None:
        """Have the others hear of something soon."""
        self._waiting.setdefault(topic, {})[text] = None
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._flush())

    @property
    def gather_s(self) -> float:
        """How long hints are gathered."""
        return max(_GATHER_S, (self._others() + 1) ** 2 / _CARRIED)

    def take(self, payload: str) -> None:
        """A notice has come, perhaps our own."""
        try:
            sender, topic, *texts = json.loads(payload)
        except ValueError:
            return
        if sender != self._mine():
            self._hear(int(sender), str(topic), [str(text) for text in texts])

    async def close(self) -> None:
        """Send what waits."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _flush(self) -> None:
        await asyncio.sleep(self.gather_s)
        while self._waiting:
            topic, texts = next(iter(self._waiting.items()))
            del self._waiting[topic]
            for payload in self._payloads(topic, list(texts)):
                await self._send(_CHANNELS.get(topic, CHANNEL), payload)

    def _payloads(self, topic: str, texts: list[str]) -> list[str]:
        payload = json.dumps([self._mine(), topic, *texts])
        if len(payload) <= _LONGEST or len(texts) < 2:
            return [payload] if len(payload) <= _LONGEST else []
        half = len(texts) // 2
        return self._payloads(topic, texts[:half]) + self._payloads(topic, texts[half:])
