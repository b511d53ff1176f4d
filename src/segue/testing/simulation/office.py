"""The rest of what people do with a server: users, sessions, tokens, folders, upkeep, and looking at things.

What is answered must be on disk here too: tokens that were made are there until they are revoked.
"""

from __future__ import annotations

from random import Random

from segue.model.errors import SegueError
from segue.model.graph import ActionKind
from segue.model.workers import Worker
from segue.ports.catalog import Session, Token, User
from segue.ports.log_book import LogFilter
from segue.ports.views import InstanceFilter
from segue.testing.simulation.account import Account
from segue.testing.simulation.breach import Breaches
from segue.testing.simulation.front import TROUBLE, Front, Work
from segue.testing.simulation.life import Life

_TOUR = 7


class Office:
    """One clerk who does a few of these things at a time. `tokens` are those that must be there, by id."""

    def __init__(self, chance: Random, front: Front, account: Account, breaches: Breaches) -> None:
        self.tokens: dict[str, Token] = {}
        self._chance = chance
        self._front = front
        self._account = account
        self._breaches = breaches
        self._numbers = 0

    async def tour(self) -> None:
        """Do some of all that there is to do. What the server refuses or fails to do is left."""
        things = [*self._looks(), *self._users(), *self._sessions(), *self._upkeep(), self._make_token, self._revoke]
        for work in self._chance.sample(things, _TOUR):
            try:
                await self._front.ask(work)
            except (SegueError, *TROUBLE):
                continue

    async def check(self) -> None:
        """Whether the tokens that were made are there, now that all is calm (P1)."""
        found = {token.id for token in await self._front.ask(lambda life: life.store.tokens())}
        for id_ in self.tokens:
            self._breaches.unless(id_ in found, "P1", f"the token {id_} was made and is gone")

    def _looks(self) -> list[Work[object]]:
        ids = list(self._account.runs)
        instance = self._chance.choice(ids) if ids else "unknown"
        names = sorted({version.process for version in self._account.versions.values()})
        process = self._chance.choice(names) if names else "unknown"
        return [
            lambda life: life.control.instances.get(instance),
            lambda life: life.control.instances.find(InstanceFilter(limit=5)),
            lambda life: life.control.queues.find(process),
            lambda life: life.control.logs.find(LogFilter(instance=instance, limit=10), None),
            lambda life: life.control.audit.audit(),
            lambda life: life.control.processes.find(None, 10),
            lambda life: life.control.processes.get(process),
            lambda life: life.store.events(0, 10),
            lambda life: life.engine.acceptor.wait(instance, 0.1),
            lambda life: life.control.workers.find(None, 10),
            lambda life: life.control.workers.actions("crm"),
            lambda life: life.control.workers.check("crm"),
            lambda life: life.directory.check_action(Worker(name="crm", url=""), ActionKind.CONNECTOR, "action 1"),
        ]

    def _users(self) -> list[Work[object]]:
        first, second = self._user(1), self._user(2)
        return [
            lambda life: life.store.put_first_user(first),
            lambda life: life.store.put_user(second),
            lambda life: life.store.change_user(second, "admin"),
            lambda life: life.store.delete_user(second.id, "admin"),
            lambda life: life.store.user_by_email(first.email),
            lambda life: life.store.users(),
        ]

    def _user(self, number: int) -> User:
        id_ = f"user-{number}"
        return User(id=id_, email=f"{id_}@example.org", password="-", scopes=("admin",), created=1)  # noqa: S106

    def _sessions(self) -> list[Work[object]]:
        self._numbers += 1
        id_, digest = f"session-{self._numbers}", self._numbers.to_bytes(32, "big")
        session = Session(
            id=id_,
            digest=digest,
            user="user-1",
            created=1,
            used=1,
            expires=1 << 50,
            address="192.0.2.1",
            user_agent="browser",
        )
        return [
            lambda life: life.store.put_session(session),
            lambda life: life.store.touch_session(id_, 2),
            lambda life: life.store.session_by_digest(digest),
            lambda life: life.store.sessions(),
            lambda life: life.store.delete_session(id_),
        ]

    def _upkeep(self) -> list[Work[object]]:
        names = sorted({version.process for version in self._account.versions.values()})
        process = self._chance.choice(names) if names else "unknown"
        self._numbers += 1
        name = f"spare-{self._numbers}"
        age_ms = self._chance.choice([0, 10_000])
        return [
            lambda life: life.control.processes.create(name),
            lambda life: life.store.move_process(process, "attic"),
            lambda life: life.store.replace_source(next(iter(self._account.versions)), b"<moved/>"),
            lambda life: life.store.prune(life.clock.now() - age_ms, 3),
            lambda life: life.store.forget_slots("crm", life.clock.now() - 60_000),
        ]

    async def _make_token(self, life: Life) -> None:
        made = await life.control.tokens.create("mine", ["read"])
        self.tokens[made.token.id] = made.token
        await life.store.token_by_digest(made.token.digest)
        await life.store.touch_tokens([(made.token.id, life.clock.now())])

    async def _revoke(self, life: Life) -> None:
        for id_ in list(self.tokens)[:1]:
            del self.tokens[id_]
            await life.control.tokens.revoke(id_)
