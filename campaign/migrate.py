"""Campaign `migrate`: an installation under load moves from its data folder to PostgreSQL, and back, again and again.

It is done as the page on deployment says: `segue migrate` begins beside the running server, says that it has to stop,
waits for that, and the server is started on the new store. Callers send again under their keys what was not answered.
Shows that nothing is lost or doubled by a move (P1, P2), that the ledger is the same before and after it and balances
(P3), and how long nothing was taken in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from campaign.draw import TREE, tree
from campaign.load import Load
from campaign.plan import Plan
from campaign.processes import COMMANDS, ProcessError
from campaign.result import Result
from campaign.waiting import until
from campaign.worker import Body
from campaign.world import World, world
from segue.testing.postgres import Cluster, running

NAME = "migrate"
PROCESS = "moving"
WORKER = "worker"
STARTS_PER_S = 50.0
# So many starts are answered between moves for each round trip there is to be, up to a bound.
BETWEEN_A_TRIP, MOST_BETWEEN = 50, 500
AGAIN_EVERY = 10
WITHIN_S = 300.0
MOVED_WITHIN_S = 3_600.0
LIVE = ("queued", "delayed", "waiting", "trash")
STOP = r"(now the servers have to stop)"


class Move(Struct, kw_only=True):
    """One move. `pause_s`: the longest time between two answers around it; `server_s`: what the command says of it,
    from the stop of the old server to the end of the copying; `live`: messages that were not done yet."""

    back: bool
    pause_s: float
    server_s: float
    rows_before: int
    rows_after: int
    live: int


def body(number: int) -> Body:
    """What start `number` sends: its actions take time, and every tenth instance has a message that waits a second."""
    return Body(number=number, again="left" if number % AGAIN_EVERY == 0 else "", pause_ms=number % 3 * 20)


async def campaign(plan: Plan, folder: Path) -> Result:
    """Move there and back so often, under load, and hold the books against each other."""
    with running() as cluster:
        async with world(folder) as here:
            await here.start(WORKER)
            await here.make(PROCESS, tree(WORKER))
            load = Load(here.api, PROCESS, body, rate=STARTS_PER_S)
            moving = _Moving(here, load, cluster, min(MOST_BETWEEN, BETWEEN_A_TRIP * plan.faults))
            try:
                for trip in range(plan.faults):
                    await moving.there(trip)
                    await moving.back(trip)
                    plan.tell(NAME, f"{trip + 1} times there and back, {len(load.accepted)} starts answered")
                await moving.accepted()
                await load.finish()
            finally:
                await load.cancel()
            plan.tell(NAME, f"{len(load.accepted)} starts are answered; waiting for the last of them to end")
            await here.settled(PROCESS)
            here.check_log()
            verdict = await here.verdict(load, PROCESS, TREE, WORKER)
            await here.server.stop()
            result = Result.of(NAME, plan, here, load, verdict)
            result.notes |= _notes(moving.moves)
            return result


class _Moving:
    """The installation, wherever it is now, and what its moves were like."""

    def __init__(self, here: World, load: Load, cluster: Cluster, between: int) -> None:
        self.moves: list[Move] = []
        self._here = here
        self._load = load
        self._cluster = cluster
        self._between = between
        self._loop = asyncio.get_running_loop()

    async def accepted(self, more: int | None = None) -> None:
        """Wait until so many more starts are answered, by default what lies between two moves."""
        more = more or self._between
        goal = len(self._load.accepted) + more
        await until(partial(self._has, goal), WITHIN_S, f"{more} more starts to be answered")

    async def there(self, trip: int) -> None:
        """Move from the data folder into a database."""
        name = f"house_{trip}"
        self._cluster.sql(f"CREATE DATABASE {name}")
        url = self._cluster.url(name)
        await self._move(url, data=self._here.server.data, store=url, back=False)

    async def back(self, trip: int) -> None:
        """Move from the database into a new data folder."""
        data = self._here.folder / f"back-{trip}"
        await self._move(f"sqlite:{data}", data=data, store="", back=True)

    def _has(self, goal: int) -> bool:
        self._load.check()
        return len(self._load.accepted) >= goal

    async def _move(self, to: str, *, data: Path, store: str, back: bool) -> None:
        """Move while the load goes on, prove both accounts, and go on in the new store."""
        await self.accepted()
        server, began = self._here.server, self._loop.time()
        command = [str(COMMANDS / "segue"), "migrate", "--data", str(server.data), "--to", to, "--json"]
        child = self._here.children.spawn("migrate", command, {"SEGUE_STORE": server.store})
        await child.ready(STOP, MOVED_WITHIN_S)
        self._here.check_log()
        await server.stop()
        if await self._here.children.ended(child, MOVED_WITHIN_S) != 0:
            raise ProcessError(f"`segue migrate` did not move:\n{child.last_words()}")
        said = msgspec.json.decode(child.printed().splitlines()[-1])
        server.data, server.store = data, store
        await server.start()
        await self.accepted(1)
        await self.accepted(1)
        self._compare(said)
        await self._here.audit()
        self.moves.append(
            Move(
                back=back,
                pause_s=self._pause(began),
                server_s=said["stopped_s"],
                rows_before=said["rows_before"],
                rows_after=said["rows_after"],
                live=sum(line[place] for line in said["after"]["versions"] for place in LIVE),
            )
        )

    def _pause(self, since: float) -> float:
        """The longest time since then without an answer to a start."""
        answers = sorted(start.answered for start in self._load.accepted.values() if start.answered >= since)
        return max((later - earlier for earlier, later in pairwise([since, *answers])), default=0.0)

    def _compare(self, said: Mapping[str, Any]) -> None:
        """Keep as problems what the move says of the account that it may not."""
        before, after = said["before"], said["after"]
        if not before["balanced"] or not after["balanced"] or before != after:
            self._here.unbalanced += 1
            self._here.problems.append(f"the ledger before a move is {before}, and after it {after}"[:2000])


def _notes(moves: list[Move]) -> dict[str, int | float | str]:
    """What the moves were like, for the line of the campaign."""
    notes: dict[str, int | float | str] = {"moves": len(moves)}
    for way, back in (("to_postgresql", False), ("back", True)):
        some = [move for move in moves if move.back is back]
        longest = max(some, key=lambda move: move.pause_s)
        notes |= {
            f"longest_pause_{way}_s": round(longest.pause_s, 2),
            f"of_that_copying_{way}_s": longest.server_s,
            f"rows_{way}": sum(move.rows_before + move.rows_after for move in some),
            f"rows_in_pauses_{way}": sum(move.rows_after for move in some),
            f"live_messages_{way}": sum(move.live for move in some),
        }
    return notes
