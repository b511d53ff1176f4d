"""What people and callers do while the world goes wrong around them, drawn act by act."""

from __future__ import annotations

from functools import partial
from random import Random

from segue.control.delivery import Coming
from segue.control.operations import OperationWish
from segue.core.corrections import Correction
from segue.model.errors import NoEnabledVersion, SegueError
from segue.model.message import Place
from segue.model.operations import OperationKind, OperationState
from segue.model.start import Accepted, Headers
from segue.model.versions import InstanceState, VersionState
from segue.ports.views import PlacedFilter, PlacedMessage
from segue.runtime.accept import StartRequest
from segue.testing.simulation.account import Account, Known, KnownVersion
from segue.testing.simulation.breach import Breaches
from segue.testing.simulation.decisions import Decisions, Wish
from segue.testing.simulation.dice import happens, pick
from segue.testing.simulation.drawer import MESSAGE
from segue.testing.simulation.expected import key_of
from segue.testing.simulation.front import TROUBLE, Front, Unanswered, Work
from segue.testing.simulation.life import Broken, Life
from segue.testing.simulation.office import Office
from segue.testing.simulation.services import NOT_TEXT, Services, start_facts, written

_PAID: Headers = {"x-paid": "1"}


class People:
    """All of them. `answered` are the starts that were answered: of these nothing may be lost (P1)."""

    def __init__(
        self,
        *,
        chance: Random,
        front: Front,
        office: Office,
        account: Account,
        decisions: Decisions,
        services: Services,
        breaches: Breaches,
    ) -> None:
        self.answered: list[Accepted] = []
        self._chance = chance
        self._front = front
        self._office = office
        self._account = account
        self._decisions = decisions
        self._services = services
        self._breaches = breaches
        self._names = 0

    # -- callers ------------------------------------------------------------------------------------------------------

    async def start(self, process: str) -> None:
        """Start an instance; with a key try again until there is an answer."""
        request = self._request(process)
        waits = happens(self._chance, 0.15)
        for attempt in range(12):
            try:
                accepted = await self._started(request, waits=waits)
            except TROUBLE as trouble:
                if request.key is None and isinstance(trouble, Unanswered | Broken):
                    return
                await self._front.pause(self._chance.choice([1, 100, 2_000]) * (attempt + 1))
            except NoEnabledVersion:
                return
            except SegueError as error:
                self._refused(request, error)
                return
            else:
                self._check_answer(request, accepted)
                return

    def _request(self, process: str) -> StartRequest:
        chance = self._chance
        body = written(start_facts(chance))
        if happens(chance, 0.05):
            body = chance.choice([NOT_TEXT, b"", b"{}", b"[]", b"no json"])
        headers: Headers = {"x-origin": str(chance.randrange(100))} if happens(chance, 0.6) else {}
        if happens(chance, 0.4):
            headers["x-mark"] = chance.choice(["left", "right"])
        key = None
        if happens(chance, 0.5):
            self._names += 1
            key = f"key-{chance.randint(max(1, self._names - 2), self._names)}"
        node = chance.choice(["Start_1", "begin", "other door", "no such door"]) if happens(chance, 0.15) else None
        version = chance.randint(1, 3) if happens(chance, 0.1) else None
        by_hand = happens(chance, 0.4)
        return StartRequest(
            process=process, body=body, headers=headers, node=node, version=version, key=key, by_hand=by_hand
        )

    async def _started(self, request: StartRequest, *, waits: bool) -> Accepted:
        if not waits:
            return await self._front.ask(lambda life: life.engine.acceptor.start(request))
        timeout_s = self._chance.choice([0.01, 1.0, 30.0])
        accepted, state = await self._front.ask(
            lambda life: life.engine.acceptor.start_and_wait(request, timeout_s),
        )
        run = self._account.runs.get(accepted.instance)
        if run is not None and state in {InstanceState.FINISHED, InstanceState.CANCELLED}:
            text = f"who waited was told {state}, but it is {run.state}"
            self._breaches.unless(run.state is state, "P2", text, accepted.instance)
        return accepted

    def _check_answer(self, request: StartRequest, accepted: Accepted) -> None:
        """What is answered is on disk, and where it belongs."""
        run = self._account.runs.get(accepted.instance)
        if accepted.instance in self._account.pruned:
            return
        if run is None:
            self._breaches.note("P1", "a start was answered that was never accepted", accepted.instance)
            return
        self.answered.append(accepted)
        if accepted.repeated or request.version is not None:
            return
        text = f"version {run.number} took a message by name, but {run.highest} was the highest enabled one"
        self._breaches.unless(run.highest == run.number, "P4", text, run.id)

    def _refused(self, request: StartRequest, error: SegueError) -> None:
        """A refusal must have a reason that a caller can see."""
        reason = request.node is not None or request.version is not None
        text = f"a plain start was refused: {type(error).__name__}: {error}"
        self._breaches.unless(reason, "P9", text)

    # -- people -------------------------------------------------------------------------------------------------------

    async def act(self) -> None:
        """Do one thing that people do. What they are told by the server is fine; any other error is not."""
        act = pick(
            self._chance,
            (
                (4.0, self.correct),
                (2.5, self.decide_task),
                (3.0, self.switch),
                (1.0, self.publish),
                (0.7, self.retire),
                (1.2, self.cancel),
                (2.0, self._office.tour),
                (1.0, self.handle_many),
                (2.5, self.operate),
                (1.5, self.deliver),
                (0.6, self.tend_worker),
                (0.5, self.restart),
            ),
        )
        try:
            await act()
        except (SegueError, *TROUBLE):
            return

    def _who(self, wish: Wish) -> str:
        self._names += 1
        name = f"person-{self._names}"
        self._decisions.wishes[name] = wish
        return name

    async def _placed(self, place: Place) -> PlacedMessage | None:
        wanted = PlacedFilter(place=place, limit=20)
        if place is Place.TRASH:
            page = await self._front.ask(lambda life: life.control.trash.find(wanted, None))
        else:
            page = await self._front.ask(lambda life: life.control.tasks.find(wanted, None))
        return self._chance.choice(list(page.items)) if page.items else None

    async def correct(self) -> None:
        """Take a message out of the trash: edit it, send it back, move it to another version, or discard it."""
        found = await self._placed(Place.TRASH)
        if found is not None:
            await self.handle_trash(
                found, pick(self._chance, ((5, "resend"), (1, "edit"), (1, "move"), (1, "discard")))
            )

    async def handle_trash(self, found: PlacedMessage, what: str) -> None:
        """Do this with a message in trash."""
        chance, id_ = self._chance, found.message.id
        version = None
        if what == "move":
            version = chance.randint(1, 4)
            what = "resend" if version == found.version else "move"
        body = written(start_facts(chance)) if happens(chance, 0.5) else None
        headers: Headers | None = {"x-fixed": "1", "x-mark": "left"} if happens(chance, 0.3) else None
        wish = Wish(what) if what == "discard" else Wish(what, body, headers)
        name = self._who(wish)

        async def work(life: Life) -> None:
            trash = life.control.trash
            if what == "discard":
                await trash.discard(id_, name)
            elif what == "edit":
                await trash.edit(id_, body, headers, name)
            else:
                await trash.resend(id_, body, headers, version, name)

        await self._click(work)

    async def decide_task(self) -> None:
        """Accept or reject a user task."""
        found = await self._placed(Place.WAITING)
        if found is not None:
            await self.handle_task(found, accepted=happens(self._chance, 0.8))

    async def handle_task(self, found: PlacedMessage, *, accepted: bool) -> None:
        """Do this with a user task."""
        chance, id_ = self._chance, found.message.id
        if not accepted:
            rejecting = self._who(Wish("reject"))
            await self._click(lambda life: life.control.tasks.reject(id_, rejecting))
            return
        body = written(start_facts(chance)) if happens(chance, 0.3) else None
        headers: Headers | None = {"x-seen": "1", "x-mark": "right"} if happens(chance, 0.3) else None
        name = self._who(Wish("accept", body, headers))
        await self._click(lambda life: life.control.tasks.accept(id_, body, headers, name))

    async def deliver(self) -> None:
        """Deliver a message to somebody who listens, or to nobody."""
        chance = self._chance
        listening = [known for known in self._account.live.values() if known.place is Place.LISTENING]
        if listening and not happens(chance, 0.1):
            await self.reach(chance.choice(listening))
        else:
            await self._front.ask(lambda life: life.control.delivery.deliver(_coming("nobody", None, None), "nobody"))

    async def reach(self, known: Known) -> None:
        """Deliver a message to all in an instance who listen with the key of this one."""
        chance, key = self._chance, key_of(known.body) or ""
        body = written(start_facts(chance)) if happens(chance, 0.5) else None
        name = self._who(Wish("deliver", body, dict(_PAID)))
        coming = _coming(key, known.instance, body)

        async def work(life: Life) -> None:
            await life.control.delivery.deliver(coming, name)

        await self._click(work)

    async def _click(self, work: Work[None]) -> None:
        """Click once, or twice."""
        if not happens(self._chance, 0.3):
            await self._front.ask(work)
            return
        for trouble in await self._front.both(work):
            if trouble is not None:
                raise trouble

    async def handle_many(self) -> None:
        """Send back or discard much of what is in trash."""
        wanted = PlacedFilter(place=Place.TRASH)
        what = pick(self._chance, ((3, "resend"), (1, "discard")))
        name = self._who(Wish(what))

        async def work(life: Life) -> None:
            trash = life.control.trash
            await (trash.resend_many if what == "resend" else trash.discard_many)(wanted, name, 50)

        await self._front.ask(work)

    async def operate(self) -> None:
        """Have something done to many messages in the background; perhaps pause it, and let it go on."""
        chance = self._chance
        kind = pick(
            chance,
            (
                (4.0, OperationKind.RESEND),
                (1.0, OperationKind.DISCARD),
                (2.0, OperationKind.ACCEPT),
                (0.5, OperationKind.REJECT),
            ),
        )
        changes = kind in {OperationKind.RESEND, OperationKind.ACCEPT} and happens(chance, 0.5)
        added: Headers | None = {"x-fixed": "2"} if changes else None
        process = chance.choice(sorted({version.process for version in self._account.versions.values()}))
        wanted = PlacedFilter(place=Place.TRASH, process=process if happens(chance, 0.4) else None)
        change = None if added is None else Correction(headers=dict(added))
        name = self._who(Wish(kind.value, added=added))
        wish = OperationWish(kind=kind, wanted=wanted, change=change)
        begun = await self._front.ask(lambda life: life.control.operations.begin(wish, name))
        if happens(chance, 0.2):
            for state in (OperationState.PAUSED, OperationState.RUNNING):
                await self._front.pause(chance.choice([0, 1, 500]))
                await self._front.ask(partial(_turn, begun.id, state))

    async def cancel(self) -> None:
        """Cancel an instance."""
        running = [run.id for run in self._account.runs.values() if run.ended is None]
        if running:
            id_, name = self._chance.choice(running), self._who(Wish("cancel"))
            await self._front.ask(lambda life: life.control.instances.cancel(id_, name))

    # -- versions -----------------------------------------------------------------------------------------------------

    def _some_version(self, *states: VersionState) -> KnownVersion | None:
        found = [version for version in self._account.versions.values() if version.state in states]
        return self._chance.choice(found) if found else None

    async def switch(self) -> None:
        """Enable or disable a version, several times over in a hurry."""
        version = self._some_version(VersionState.ENABLED, VersionState.DISABLED)
        for _ in range(self._chance.randint(1, 3)):
            if version is not None:
                await self.enable(version, enabled=version.state is VersionState.DISABLED)

    async def enable(self, version: KnownVersion, *, enabled: bool) -> None:
        """Enable or disable a version, and insist on it."""
        process, number = version.process, version.number

        async def work(life: Life) -> None:
            versions = life.control.versions
            await (versions.enable if enabled else versions.disable)(process, number)

        await self.insist(work)

    async def insist(self, work: Work[None]) -> None:
        """Ask until it is done, or refused for a reason."""
        for _ in range(30):
            try:
                await self._front.ask(work)
            except TROUBLE:
                await self._front.pause(1_000)
            else:
                return

    async def publish(self) -> None:
        """Publish and enable a new version of some process."""
        processes = sorted({version.process for version in self._account.versions.values()})
        await self._front.publish(self._chance.choice(processes))

    async def retire(self) -> None:
        """Retire a version, perhaps with what lives in it."""
        version = self._some_version(VersionState.DISABLED, VersionState.ENABLED)
        if version is None or version.number == 1:
            return
        process, number = version.process, version.number
        discard = happens(self._chance, 0.6)

        async def work(life: Life) -> None:
            await life.control.versions.retire(process, number, discard)

        await self.insist(work)

    # -- the rest -----------------------------------------------------------------------------------------------------

    async def tend_worker(self) -> None:
        """Give a worker another address, or remove it and register it again."""
        chance = self._chance
        name = chance.choice(self._services.names)
        worker = self._services.worker(name, chance.randint(1, 2))

        async def put(life: Life) -> None:
            await life.control.workers.put(worker.name, worker.url, worker.headers)

        if happens(chance, 0.4):
            await self._front.ask(lambda life: life.control.workers.delete(name))
            await self._front.pause(chance.choice([1, 3_000]))
        await self.insist(put)

    async def restart(self) -> None:
        """Stop the server in order."""
        await self._front.restart(self._chance.choice([0.0, 0.5, 10.0]))

    async def begin(self, process: str) -> None:
        """Start an instance of a process, now that everything is well."""
        request = StartRequest(process=process, body=written(start_facts(self._chance)), headers={})
        self._check_answer(request, await self._front.ask(lambda life: life.engine.acceptor.start(request)))

    async def probe(self, version: KnownVersion) -> None:
        """Start an instance of this very version, now that everything is well."""
        body = written(start_facts(self._chance))
        request = StartRequest(process=version.process, body=body, headers={}, version=version.number)
        self._check_answer(request, await self._front.ask(lambda life: life.engine.acceptor.start(request)))


async def _turn(id_: str, state: OperationState, life: Life) -> None:
    await life.control.operations.turn(id_, state)


def _coming(key: str, instance: str | None, body: bytes | None) -> Coming:
    return Coming(name=MESSAGE, key=key, instance=instance, body=body or b"", headers=dict(_PAID), all=True)
