"""kill -9 of a process that is at work on its store: what it had confirmed is there, whole, and nothing twice."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from segue.adapters.clock import SystemClock
from segue.adapters.sqlite.store import SqliteStore
from segue.model.events import EventKind
from segue.ports.views import InstanceFilter
from segue.testing.contracts.store_world import PlainSecrets

WORK = textwrap.dedent(
    """
    import asyncio, os, random, sys
    from pathlib import Path
    from segue.adapters.clock import SystemClock
    from segue.adapters.sqlite.settings import SqliteSettings
    from segue.adapters.sqlite.store import SqliteStore
    from segue.model.message import Consumed, Outcome
    from segue.testing.contracts.store_world import PlainSecrets, Player, child_of, failed, kept, passed, returned

    dice = random.Random(int(sys.argv[2]))

    def say(*words):
        os.write(1, (" ".join(words) + "\\n").encode())

    class World:
        clock = SystemClock()

    async def starter(player):
        for n in range(5000):
            start = player.request(key=f"{sys.argv[2]}-{n}" if n % 3 == 0 else None, body=os.urandom(900))
            say("accepted", (await player.store.accept(start)).instance)

    def effect(message, following, now):
        kind = dice.randrange(20)
        if kind == 0:
            return failed()
        if kind == 1:
            return kept(now + dice.randrange(30), outages=message.outages + 1)
        if kind == 2:
            return Consumed(outcome=Outcome.OK, terminate=True)
        targets = [following] * dice.choice([1, 1, 1, 2]) if following else []
        return passed(message, *targets)

    async def worker(player, version, node, following):
        ready = asyncio.Event()
        player.store.on_ready(lambda owner, at: ready.set() if at == node else None)
        while True:
            ready.clear()
            messages = await player.store.take(version.id, node, dice.randrange(1, 60), player.now, False)
            if not messages:
                await asyncio.wait([asyncio.ensure_future(ready.wait())], timeout=0.01)
                continue
            effects = [effect(one, following, player.now) for one in messages]
            done = [player.transition(one, what) for one, what in zip(messages, effects)]
            for transition, settled in zip(done, await player.store.settle(done)):
                if settled and isinstance(transition.effect, Consumed):
                    say("consumed", transition.message.id)

    async def main():
        world = World()
        tight = SqliteSettings(front_messages=50, checkpoint_pages=50)
        world.store = SqliteStore.open(Path(sys.argv[1]), clock=world.clock, secrets=PlainSecrets(), settings=tight)
        player = Player(world)
        player.new_id = lambda: __import__("uuid").uuid4().hex
        published = await world.store.published()
        version = published[0] if published else await player.enable()
        work = [starter(player) for _ in range(8)]
        work += [worker(player, version, node, after) for node, after in (("a", "b"), ("b", "c"), ("c", None))]
        await asyncio.gather(*work)

    asyncio.run(main())
    """
)


async def work_and_die(folder: Path, seed: int, lines: int) -> list[list[str]]:
    """Let a process work until it has confirmed so many things, and kill it there; return what it had confirmed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORK, folder, str(seed), stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    said = [(await process.stdout.readline()).decode().split() for _ in range(lines)]
    process.kill()
    rest = (await process.stdout.read()).decode()
    await process.wait()
    said += [line.split() for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    return [words for words in said if words]


@pytest.mark.timeout(200)
async def test_what_was_confirmed_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    dice = random.Random(7)
    accepted: set[str] = set()
    consumed: set[str] = set()
    for kill in range(6):
        said = await work_and_die(tmp_path, kill, dice.randrange(1, 1500))
        accepted |= {words[1] for words in said if words[0] == "accepted"}
        new = [words[1] for words in said if words[0] == "consumed"]
        assert len(new) == len(set(new))
        assert not consumed & set(new)
        consumed |= set(new)
        await check(tmp_path, accepted, consumed)
    assert len(accepted) > 300
    assert len(consumed) > 500


async def check(folder: Path, accepted: set[str], consumed: set[str]) -> None:
    """Everything confirmed is stored, the account balances, and each instance ended once at most."""
    clock = SystemClock()
    store = SqliteStore.open(folder, clock=clock, secrets=PlainSecrets())
    try:
        audit = await store.audit(clock.now())
        assert audit.faults == ()
        assert audit.balanced
        stored = {instance.id for instance in await store.instances(InstanceFilter(limit=1_000_000))}
        assert accepted <= stored
        handled = [step.message for instance in stored for step in await store.instance_steps(instance)]
        assert len(handled) == len(set(handled))
        assert consumed <= set(handled)
        ends = [event.instance for event in await store.events(0, 1_000_000) if event.kind in ENDS]
        assert len(ends) == len(set(ends))
    finally:
        await store.close()


ENDS = {EventKind.INSTANCE_FINISHED, EventKind.INSTANCE_FAILED, EventKind.INSTANCE_CANCELLED}
