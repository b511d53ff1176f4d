"""Campaign `upgrade`: an installation on PostgreSQL is brought to the next release under load, and back, and so on.

The old release is the one before (`tools/previous_release.py`), as it was; the new one is this source with one step of
the schema more, as a next release may have it. A process is replaced: the next one starts, brings the schema forward if
it has to, and works beside the other for a while; then that one is told to stop. Going back, the old code starts on the
new schema. In every second change a process of the old release is killed on the new schema, and started again. Shows
that no start is refused or left without an answer but for those kills, that nothing is lost or doubled (P1, P2), and
that the ledger balances (P3).
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp

from campaign.api import Api
from campaign.draw import TREE, tree
from campaign.load import Load
from campaign.plan import POSTGRES, Plan
from campaign.processes import ROOT
from campaign.result import Result
from campaign.server import READY, Server
from campaign.waiting import until
from campaign.worker import Body
from campaign.world import World, world
from segue.adapters.postgres.schema import FOLDER, newest
from tools.previous_release import unpack

NAME = "upgrade"
PROCESS = "upgraded"
WORKER = "worker"
STARTS_PER_S = 40.0
ACCEPTED_BETWEEN = 40
AGAIN_EVERY = 10
WITHIN_S = 120.0
# What a next release may bring: tables and columns, also in the tables that every message goes through.
STEP = '''"""Schema {number}: what a next release may bring."""

import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("rehearsal", sa.Column("name", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("name"))
    for table in ("message", "instance", "step", "event", "holder", "process", "version", "queue"):
        op.add_column(table, sa.Column("rehearsed", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("times", sa.Integer(), nullable=False, server_default="0"))
'''


def body(number: int) -> Body:
    """What start `number` sends; every tenth instance has a message that waits a second."""
    return Body(number=number, again="left" if number % AGAIN_EVERY == 0 else "", pause_ms=number % 3 * 20)


class Balancer(Api):
    """Sends each start to the next of the processes that are in turn, as a balancer before them would."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        super().__init__(session, url, token)
        self._session = session
        self._token = token
        self._turns = itertools.cycle([Api(session, url, token)])

    def turn_to(self, *servers: Server) -> None:
        """From now on these are in turn."""
        self.url = servers[0].url
        self._turns = itertools.cycle([Api(self._session, each.url, self._token) for each in servers])

    async def start(self, process: str, body: bytes, key: str, wait_s: int | None = None) -> Any:
        """See `Api`."""
        return await next(self._turns).start(process, body, key, wait_s)


async def campaign(plan: Plan, folder: Path) -> Result:
    """Change releases so often under load, then hold the books against each other."""
    async with world(folder, store=POSTGRES) as here:
        old, new = unpack(folder / "old"), next_release(folder / "new")
        here.server.environment |= _code(old)
        await here.start(WORKER)
        here.api = Balancer(here.session, here.server.url, await here.server.token())
        await here.make(PROCESS, tree(WORKER))
        load = Load(here.api, PROCESS, body, rate=STARTS_PER_S)
        fleet = _Fleet(here, here.api, load)
        try:
            for change in range(plan.faults):
                await fleet.become(new if change % 2 == 0 else old, name=f"segue-{change}")
                if change % 2 == 1 and plan.faults > 2:
                    await fleet.kill()
                plan.tell(NAME, f"{change + 1} changes of release, {len(load.accepted)} starts answered")
            await load.finish()
        finally:
            await load.cancel()
        plan.tell(NAME, f"{len(load.accepted)} starts are answered; waiting for the last of them to end")
        await here.settled(PROCESS)
        here.check_log()
        verdict = await here.verdict(load, PROCESS, TREE, WORKER)
        await here.server.stop()
        result = Result.of(NAME, plan, here, load, verdict)
        result.notes |= {
            "unanswered_but_for_kills": fleet.unanswered,
            "longest_gap_s": round(fleet.longest_gap_s, 2),
            "kills": fleet.kills,
            "schema": fleet.schema(),
        }
        return result


class _Fleet:
    """The processes of the installation: one, and while it is replaced two."""

    def __init__(self, here: World, balancer: Balancer, load: Load) -> None:
        self.unanswered = 0
        self.longest_gap_s = 0.0
        self.kills = 0
        self._here = here
        self._balancer = balancer
        self._load = load
        self._loop = asyncio.get_running_loop()

    async def become(self, code: Path, name: str) -> None:
        """Replace the process by one that runs this code, while starts go on."""
        before, since = self._missed(), self._loop.time()
        await self._accepted()
        here, leaving = self._here, self._here.server
        coming = Server(here.children, leaving.data, {**leaving.environment, **_code(code)}, leaving.store, name)
        await coming.start()
        self._balancer.turn_to(coming, leaving)
        await self._accepted()
        here.check_log()
        self._balancer.turn_to(coming)
        await leaving.stop()
        here.server = coming
        await self._accepted()
        await here.audit()
        self.unanswered += self._missed() - before
        if self._missed() > before:
            here.problems.append(f"{self._missed() - before} starts were not answered while {name} replaced another")
        answers = sorted(each.answered for each in self._load.accepted.values() if each.answered >= since)
        self.longest_gap_s = max(self.longest_gap_s, *(later - sooner for sooner, later in pairwise(answers)))

    async def kill(self) -> None:
        """Kill the process; another life of it, of the same release, starts at once."""
        self.kills += 1
        server = self._here.server
        server.kill()
        server.spawn()
        await server.child.ready(READY)
        await self._accepted()

    def schema(self) -> str:
        """The schema that the database has come to."""
        database = self._here.database
        return database.sql("SELECT value FROM fact WHERE name = 'revision'") if database is not None else ""

    def _missed(self) -> int:
        return self._load.unanswered + len(self._load.refusals)

    async def _accepted(self, more: int = ACCEPTED_BETWEEN) -> None:
        goal = len(self._load.accepted) + more
        await until(partial(self._has, goal), WITHIN_S, f"{more} more starts to be answered")

    def _has(self, goal: int) -> bool:
        self._load.check()
        return len(self._load.accepted) >= goal


def next_release(folder: Path) -> Path:
    """This source with one more step of the schema, in a folder for the path of Python; that folder."""
    shutil.copytree(ROOT / "src" / "segue", folder / "segue", ignore=shutil.ignore_patterns("static", "testing"))
    (folder / "segue" / "web" / "static").symlink_to(ROOT / "src" / "segue" / "web" / "static")
    number = f"{int(newest()) + 1:04}"
    place = folder / "segue" / FOLDER.relative_to(ROOT / "src" / "segue") / "versions" / f"{number}_rehearsal.py"
    place.write_text(STEP.format(number=number, before=newest()))
    return folder


def _code(folder: Path) -> dict[str, str]:
    """Where Python looks for Segue first."""
    return {"PYTHONPATH": f"{folder}:{ROOT}"}
