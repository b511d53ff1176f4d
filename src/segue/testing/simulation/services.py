"""The workers of a simulated world: they answer as they should, as they may, and as they must not."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from random import Random

from msgspec import Struct

from segue.model.graph import Action, ActionKind
from segue.model.start import Headers
from segue.model.workers import Fault, OfferedAction, Worker, WorkerCall, WorkerReply
from segue.testing.simulation import wire
from segue.testing.simulation.dice import WorldClock, happens, pick
from segue.testing.simulation.drawing import Drawing, Facts, read_facts
from segue.testing.worker import FakeWorkers, Trouble, envelope

Pause = Callable[[float], Awaitable[None]]

_AWAY = (Fault.REFUSED, Fault.UNRESOLVED, Fault.TLS, Fault.TIMEOUT, Fault.CLOSED)
_BAD_LUCK = (
    Trouble(fault=Fault.CLOSED, handled=True),
    Trouble(fault=Fault.CLOSED, answered=False),
    Trouble(fault=Fault.TIMEOUT, handled=True),
    Trouble(fault=Fault.TIMEOUT),
    Trouble(fault=Fault.GARBAGE, handled=True),
    Trouble(fault=Fault.TOO_LARGE, handled=True),
    Trouble(fault=Fault.REFUSED),
)
NOT_TEXT = b"\xff\xfe not a text"


class Manners(Struct, frozen=True, kw_only=True):
    """How workers behave: `odd` is how often an answer is anything but a plain one, `unlucky` how often a call goes
    wrong on the line (0 to 1); `absences` how many times a worker is away."""

    odd: float = 0.2
    unlucky: float = 0.05
    absences: int = 1


class Absence(Struct, frozen=True, kw_only=True):
    """A time in which a worker cannot be reached; instants in ms."""

    url: str
    begin: int
    end: int
    fault: Fault


class Services:
    """All workers of a world. When `calm`, every call is answered at once, plainly."""

    def __init__(self, chance: Random, clock: WorldClock, pause: Pause, manners: Manners, names: Iterable[str]) -> None:
        self.calm = False
        self.names = list(names)
        self._chance = chance
        self._clock = clock
        self._pause = pause
        self._manners = manners
        self._actions: dict[str, Action] = {}
        self._absences: list[Absence] = []

    def worker(self, name: str, number: int = 1) -> Worker:
        """Return a worker as people register it; it can be reached under any of these numbers."""
        return Worker(name=name, url=f"http://{name}:{number}", headers={"x-secret": f"of {name}"}, created=0)

    def offer(self, drawing: Drawing) -> None:
        """Offer the actions that a drawing calls."""
        for node in drawing.graph.nodes:
            if node.action is not None:
                self._actions[f"{node.action.worker} {node.action.kind} {node.action.name}"] = node.action

    def plan_absences(self, until: int) -> None:
        """Draw when workers are away, between now and this instant."""
        chance, now = self._chance, self._clock.now()
        for _ in range(self._manners.absences):
            begin = chance.randrange(now, until)
            url = self.worker(chance.choice(self.names), chance.randint(1, 2)).url
            end = begin + chance.choice([300, 5_000, 30_000])
            self._absences.append(Absence(url=url, begin=begin, end=end, fault=chance.choice(_AWAY)))

    def transport(self) -> FakeWorkers:
        """Return the way to the workers for one life of the server."""
        fake = FakeWorkers(rule=self._trouble, wait=self._pause)
        self.serve(fake)
        return fake

    def serve(self, fake: FakeWorkers) -> None:
        """Let the actions that are offered now answer there."""
        for action in self._actions.values():
            path = wire.PATHS[action.kind.value].format(action.name.replace(" ", "%20"))
            for number in (1, 2):
                fake.serve(self.worker(action.worker, number).url, path, self._handler(action))

    def offered(self, worker: str) -> list[OfferedAction]:
        """Return the actions of a worker as it lists them."""
        found = [action for action in self._actions.values() if action.worker == worker]
        return sorted((OfferedAction(name=a.name, kind=a.kind) for a in found), key=lambda a: (a.kind.value, a.name))

    def _trouble(self, call: WorkerCall) -> Trouble | None:
        if self.calm:
            return None
        now = self._clock.now()
        for absence in self._absences:
            if absence.begin <= now < absence.end and call.url.startswith(absence.url):
                return Trouble(fault=absence.fault)
        return self._chance.choice(_BAD_LUCK) if happens(self._chance, self._manners.unlucky) else None

    # -- answers ------------------------------------------------------------------------------------------------------

    def _handler(self, action: Action) -> Callable[[WorkerCall], WorkerReply | Awaitable[WorkerReply]]:
        def handle(call: WorkerCall) -> WorkerReply | Awaitable[WorkerReply]:
            sent = wire.read_call(call)
            if self.calm:
                return self._plain(action, sent)
            answer = self._odd(action, sent) if happens(self._chance, self._manners.odd) else self._plain(action, sent)
            if happens(self._chance, 0.15):
                return self._slowly(answer, self._chance.choice([0, 3, 100, 1_900, 15_000]))
            return answer

        return handle

    async def _slowly(self, answer: WorkerReply, ms: int) -> WorkerReply:
        await self._pause(ms)
        return answer

    def _plain(self, action: Action, sent: wire.Envelope) -> WorkerReply:
        if action.kind is ActionKind.BATCH:
            return self._items(sent)
        text, headers = wire.closed(self._worked_on(sent.body), self._marked(sent.headers))
        return envelope(text, headers=headers)

    def _worked_on(self, body: bytes) -> bytes:
        """The body as an action leaves it: a round further, and now and then with other facts or none at all."""
        facts = read_facts(body)
        if facts is None:
            return body
        chance = self._chance
        if not self.calm and happens(chance, 0.03):
            return chance.choice([NOT_TEXT, b"", b"[1,2]", b'{"n":7}', b"plain text"])
        return written(changed(facts, chance))

    def _marked(self, headers: Headers) -> Headers:
        """The headers as an action sends them back: all that came, some more, and some that are not its business."""
        chance = self._chance
        marked = dict(headers)
        if happens(chance, 0.3):
            marked["x-mark"] = chance.choice(["left", "right"])
        if happens(chance, 0.3):
            marked[f"x-{chance.randrange(3)}"] = str(chance.randrange(100))
        if happens(chance, 0.2):
            marked |= {wire.MESSAGE: "forged", wire.INSTANCE: "forged", wire.NODE: "forged", "process-id": "forged"}
        return marked

    def _items(self, sent: wire.Envelope) -> WorkerReply:
        chance = self._chance
        count = pick(chance, ((0.5, 0), (2, 1), (2, 2), (1, 3), (0.2, 5)))
        items = [self._item(sent.body) for _ in range(count)]
        code = "0"
        headers = wire.without_encoding(self._marked(sent.headers))
        cursor = int(sent.headers.get(wire.CURSOR, "0"))
        if not self.calm and cursor < 2 and happens(chance, 0.4):
            code = pick(chance, ((3, "1010"), (1, "1011")))
            headers[wire.CURSOR] = str(cursor + 1)
        return envelope(json.dumps(items), code=code, headers=headers)

    def _item(self, body: bytes) -> dict[str, object]:
        chance = self._chance
        facts = read_facts(body)
        changed_body = written(changed(facts or start_facts(chance), chance))
        if not self.calm and happens(chance, 0.05):
            changed_body = NOT_TEXT
        own: Headers = {"x-item": str(chance.randrange(100))} if happens(chance, 0.5) else {}
        text, headers = wire.closed(changed_body, own)
        return {"body": text, "headers": headers or None}

    def _odd(self, action: Action, sent: wire.Envelope) -> WorkerReply:
        chance = self._chance
        text, headers = wire.closed(sent.body, self._marked(sent.headers))
        kind = pick(
            chance,
            (
                (3.0, "repeat"),
                (1.0, "fail"),
                (0.7, "stop"),
                (0.5, "limit"),
                (1.5 if action.kind is not ActionKind.BATCH else 0.0, "route"),
                (0.3, "unknown"),
                (0.3, "no code"),
                (1.5, "status"),
                (0.5, "garbage"),
            ),
        )
        if kind == "repeat":
            return self._repeat(text, headers)
        if kind == "limit":
            pause = {} if happens(chance, 0.2) else {wire.PAUSE: chance.choice(["0", "1", "20"])}
            return envelope(text, code="1004", headers=headers | pause)
        if kind == "route":
            return self._route(text, headers)
        if kind == "status":
            return envelope(text, status=chance.choice([302, 400, 404, 500, 503, 504]))
        if kind == "garbage":
            return WorkerReply(status=200, body=chance.choice([b"", b"<html>", b"[]", b'"text"', b"\xff"]))
        codes = {"fail": "1006", "stop": "1003", "unknown": "77", "no code": None}
        if action.kind is ActionKind.BATCH and kind == "unknown":
            text, headers = "[]", wire.without_encoding(headers)
        return envelope(text, code=codes[kind], headers=headers, message="because")

    def _repeat(self, text: str, headers: Headers) -> WorkerReply:
        chance = self._chance
        rule = {wire.INTERVAL: chance.choice(["0", "1", "3"]), wire.AT_MOST: chance.choice(["1", "2", "3", "4"])}
        if happens(chance, 0.1):
            del rule[chance.choice([wire.INTERVAL, wire.AT_MOST])]
        return envelope(text, code="1001", headers=headers | rule)

    def _route(self, text: str, headers: Headers) -> WorkerReply:
        chance = self._chance
        followers = [follower["id"] for follower in json.loads(headers.get(wire.FOLLOWERS, "[]"))]
        chosen = chance.sample(followers, chance.randint(min(1, len(followers)), len(followers)))
        if not chosen or happens(chance, 0.1):
            chosen = [*chosen, "nobody"]
        return envelope(text, code="1002", headers=headers | {wire.TARGETS: ",".join(chosen)})


def start_facts(chance: Random) -> Facts:
    """Return what a start request says."""
    return {"n": chance.randrange(10), "kind": chance.choice("abc"), "big": chance.random() < 0.5, "round": 0}


def changed(facts: Facts, chance: Random) -> Facts:
    """Return the facts one round further."""
    onward = dict(facts)
    if isinstance(onward.get("round"), int):
        onward["round"] += 1
    if happens(chance, 0.3):
        onward["n"] = chance.randrange(10)
    if happens(chance, 0.2):
        onward["kind"] = chance.choice("abc")
    return onward


def written(facts: Facts) -> bytes:
    """Return facts as a body."""
    return json.dumps(facts).encode()
