"""A simulated installation: what hosts with so many cores carry on one PostgreSQL, from what each step costs.

Discrete events, one clock, no time of the machine's own: the same question has the same answer. What is simulated is
what the engine does: each process has one event loop and two lanes, of which one rests where processors are short; a
lane takes all that waits, makes the statements of it in the loop, goes five ways to the database and back under the
lock that all transactions share, and waits for its log to be on the disk; what is settled is called next, or has ended.
Of those that take what others accepted the oldest does as long as it does so with ease, or hosts are full, the others
what was left lying. Beside that each process beats, looks, tells hints and reads the others' events.
"""

from __future__ import annotations

import random
from collections import deque
from functools import partial

from msgspec import Struct

from bench.machine import Clock, Disk, Gate, Loop, Servers, Then
from bench.prices import Prices
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.shelf import CROWDED, FEWEST
from segue.adapters.postgres.standby import EASE, FULL, SAYS_S, SHARES_S

WAYS = 5
BATCH = 500
_SET = PostgresSettings()
PREFETCH = 100
_GATHER_S = 0.005
_CARRIED = 40_000
_SEAT_S = 1.0
_SCANS = 4.0


class Plan(Struct, frozen=True, kw_only=True):
    """What is simulated. `in_flight` instances for each process that answers starts, or so many starts a second over
    all (`per_s`), at random. `api_of`: of so many processes one answers starts and the others run control services; 0:
    each does both. `shared_cores`: everything, load, worker and database too, runs on the cores of the one host.
    `worker_s` is how long a worker takes when it runs elsewhere; `way_s` one way over the network. `crowding`: what
    each further core of the database adds to the work of all. `bare`: hints and reading as they were before they were
    bounded. `forget`: old instances are removed as fast as new ones come. `alone_per_s`: changes that need all
    transactions to stand still. `dearer`: all work on the hosts takes so many times as long. `chunk`: so many instances
    at once go through a step of the simulation, which is coarser and quicker."""

    hosts: int = 1
    processes: int = 3
    cores: int = 4
    api_of: int = 0
    in_flight: int = 128
    per_s: float = 0.0
    shared_cores: bool = False
    store_cores: int = 16
    crowding: float = 0.02
    way_s: float = 0.0001
    disk_s: float = 0.0005
    log_mb_s: float = 1000.0
    net_mb_s: float = 1250.0
    worker_s: float = 0.005
    bare: bool = False
    forget: bool = True
    alone_per_s: float = 0.0
    wanted: int = 4_000
    dearer: float = 1.0
    chunk: int = 1
    seed: int = 1


class Outcome(Struct, frozen=True, kw_only=True):
    """Instances a second, milliseconds from start to end, changes a commit, and how busy what is (1: all the time)."""

    per_s: float
    p50_ms: float
    p99_ms: float
    group: float
    busy: dict[str, float]

    @property
    def first(self) -> str:
        """What is busiest."""
        return max(self.busy, key=lambda name: self.busy[name])


class Batch(Struct):
    """Instances that are at the same step, by the instants of their starts; `home` answered their starts. `lying` is
    since when they are there for whoever takes them."""

    hop: int
    home: Process
    begun: list[float]
    lying: float = 0.0


class Process:
    """One process of Segue. Without `api` it takes what the others accepted; without `control` it calls no workers."""

    def __init__(self, world: World, cores: Servers, *, api: bool, control: bool) -> None:
        self.world = world
        self.loop = Loop(cores)
        self.api, self.control = api, control
        self._pending: deque[Batch] = deque()
        self._lanes = 2
        self._hinting = self._claiming = self._reading = self._looking = False
        self._heard, self._read = 0.0, 0
        self._taken = self._called = 0
        self._at_once = _SET.claim
        self._helps_until = 0.0
        self._cores = cores
        self._spent = self._spent_of_host = 0.0
        self.share = 0.0
        self.full = self.crowded = False
        self._takes = self._left = 0

    # -- work ---------------------------------------------------------------------------------------------------------

    def start(self, count: int) -> None:
        """So many starts come."""
        prices = self.world.prices
        batch = Batch(0, self, [self.world.clock.now] * count)
        self.loop.do(prices.http_s * count, partial(self.submit, batch))

    def submit(self, batch: Batch) -> None:
        """Something is to be made true."""
        self._pending.append(batch)
        if batch.hop == 1 and not self.api:
            self._taken -= len(batch.begun)
            self._take()
        if self._lane_is_free():
            self._lanes -= 1
            self.loop.do(0.0, self._gather)

    def _lane_is_free(self) -> bool:
        """Beside others on a full host one lane rests."""
        return self._lanes > (self.full and self.world.size > 1)

    def _gather(self) -> None:
        group: list[Batch] = []
        size = 0
        while self._pending and size < BATCH:
            group.append(self._pending.popleft())
            size += len(group[-1].begun)
        if not group:
            self._lanes += 1
            return
        world = self.world
        world.commits += 1
        world.changes += size
        self._step(group, size, 0)

    def _step(self, group: list[Batch], size: int, way: int) -> None:
        """Make statements, have them executed, and so on; the last way is the commit."""
        prices = self.world.prices
        seconds = (prices.group_s + prices.change_s * size) / WAYS
        self.loop.do(seconds, partial(self._way, group, size, way))

    def _way(self, group: list[Batch], size: int, way: int) -> None:
        world, prices = self.world, self.world.prices
        seconds = prices.store_group_s + prices.holder_s * world.size + prices.store_change_s * size
        back = partial(self._step, group, size, way + 1) if way < WAYS - 1 else partial(self._commit, group, size)
        ask = partial(world.ask, seconds / WAYS, prices.change_bytes * size / WAYS, back)
        if way:
            ask()
        else:
            world.gate.enter(ask)

    def _commit(self, group: list[Batch], size: int) -> None:
        self.world.disk.flush(self.world.log_bytes * size, partial(self._written, group))

    def _written(self, group: list[Batch]) -> None:
        self.world.gate.leave()
        self.world.clock.after(self.world.plan.way_s, partial(self._committed, group))

    def _committed(self, group: list[Batch]) -> None:
        self._lanes += 1
        ends = 0
        for hop in range(self.world.prices.actions + 1):
            for home in {id(batch.home): batch.home for batch in group if batch.hop == hop}.values():
                begun = [at for batch in group if batch.hop == hop and batch.home is home for at in batch.begun]
                if hop == self.world.prices.actions:
                    ends += len(begun)
                    self._ended(home, begun)
                elif hop == 0 and not self.control:
                    self.world.free.append(Batch(0, home, begun, self.world.clock.now))
                    self._hint()
                else:
                    self._call(hop, home, begun)
        if ends:
            self.world.events += ends
            if self.world.size > 1:
                self._hint()
        if self._pending and self._lane_is_free():
            self._lanes -= 1
            self.loop.do(0.0, self._gather)

    def _call(self, hop: int, home: Process, begun: list[float]) -> None:
        if not hop:
            self._called += len(begun)
        prices, worker, chunk = self.world.prices, self.world.worker, self.world.plan.chunk
        for first in range(0, len(begun), chunk):
            part = begun[first : first + chunk]
            after = partial(self.submit, Batch(hop + 1, home, part))
            answered = partial(self.loop.do, prices.call_s * len(part) / 2, after)
            if worker is None:
                sent = partial(self.world.clock.after, self.world.plan.worker_s, answered)
            else:
                sent = partial(worker.do, prices.worker_s * len(part), answered)
            self.loop.do(prices.call_s * len(part) / 2, sent)

    def _ended(self, home: Process, begun: list[float]) -> None:
        if home is self:
            self.world.ended(self, begun)
        else:
            home.awaited.extend(begun)

    @property
    def awaited(self) -> list[float]:
        """Instances that were started here, have ended elsewhere, and whose end was not read yet."""
        return self.world.awaited.setdefault(id(self), [])

    # -- because there are others -------------------------------------------------------------------------------------

    def _hint(self) -> None:
        if not self._hinting:
            self._hinting = True
            self.world.clock.after(self.world.gather_s, self._tell)

    def _tell(self) -> None:
        self._hinting = False
        world = self.world
        world.hints += 1
        world.ask(world.prices.hint(world.size), 0.0, world.heard)

    def listen(self) -> None:
        """A hint has come: whoever may find something looks."""
        self._take()
        if self.api and not self._reading:
            self._reading = True
            self._look()

    def _take(self) -> None:
        """Take of what is free, as soon as there is a turn of the loop, unless enough is in hand or it is another's."""
        if not self.control or not self.world.free:
            return
        if self._helps_until <= self.world.clock.now and self.world.stands_by(self):
            self._look_later()
            return
        self._takes += 1
        self._left += self._taken >= PREFETCH
        if not self._claiming and self._taken < PREFETCH:
            self._claiming = True
            prices = self.world.prices
            self.loop.do(prices.claim_s, partial(self.world.ask, prices.store_claim_s, 0.0, self._claimed))

    def _look_later(self) -> None:
        """See whether what is free now still is in a moment."""
        if not self._looking:
            self._looking = True
            prices = self.world.prices
            look = partial(self.world.ask, prices.store_claim_s, 0.0, partial(self._looked, self.world.clock.now))
            self.world.clock.after(_SET.look_s, partial(self.loop.do, prices.claim_s, look))

    def _looked(self, since: float) -> None:
        self._looking = False
        if self.world.free and self.world.free[0].lying <= since:
            self._helps_until = self.world.clock.now + _SET.helps_s
        self._take()

    def _claimed(self) -> None:
        """Some were found, perhaps: their rows are changed and brought here, in a transaction of its own."""
        self._claiming = False
        world, prices, found = self.world, self.world.prices, list[Batch]()
        while world.free and sum(len(batch.begun) for batch in found) < max(self._at_once, PREFETCH - self._taken):
            found.append(world.free.popleft())
        if found:
            taken = sum(len(batch.begun) for batch in found)
            self._taken += taken
            brought = partial(self.loop.do, prices.change_s * taken, partial(self._brought, found))
            written = partial(world.disk.flush, world.log_bytes * taken / 4, brought)
            world.ask(prices.store_group_s / WAYS + prices.store_change_s * taken / 2, 0.0, written)
            self._take()

    def _brought(self, found: list[Batch]) -> None:
        for batch in found:
            self._call(0, batch.home, batch.begun)

    def _look(self) -> None:
        """Read the events that came since."""
        world, prices = self.world, self.world.prices
        self._hear()
        count, self._read = world.events - self._read, world.events
        mine, world.awaited[id(self)] = self.awaited, []
        read = partial(self.loop.do, prices.read_s + prices.read_each_s * count, partial(self._seen, mine, world.hints))
        world.ask(prices.store_read_s + prices.store_read_each_s * count, 0.0, read)

    def _hear(self) -> None:
        """What it takes to hear what all have told since."""
        told = self.world.hints + self.world.said
        heard, self._heard = told - self._heard, told
        self.loop.do(self.world.prices.hear_s * heard, _nothing)

    def _say(self) -> None:
        """Tell the others that this process takes: a hint of its own now and then, or as seldom as hints are told."""
        world = self.world
        share = _SEAT_S / max(SAYS_S, world.gather_s)
        world.said += share
        world.ask(share * world.prices.hint(world.size), 0.0, _nothing)

    def _seen(self, mine: list[float], hints: int) -> None:
        if mine:
            self.world.ended(self, mine)
        self.world.clock.after(0.0 if self.world.plan.bare else 0.01, partial(self._rested, hints))

    def _rested(self, hints: int) -> None:
        if self.world.hints > hints:
            self._look()
        else:
            self._reading = False

    def sit(self) -> None:
        """Beat, look, lead and say what every process does each second, whether there is work or not."""
        world, prices = self.world, self.world.prices
        self.share, self._spent = (self.loop.spent - self._spent) / _SEAT_S, self.loop.spent
        of_host = (self._cores.spent - self._spent_of_host) / self._cores.count / _SEAT_S
        self._spent_of_host = self._cores.spent
        self.full = of_host > FULL[self.full]
        self.crowded = self._left > CROWDED * self._takes
        self._takes = self._left = 0
        self._at_once = (
            max(FEWEST, min(_SET.claim, int(self._called / _SEAT_S * _SET.ahead_s))) if self._called else _SET.claim
        )
        self._called = 0
        world.judge()
        if self.control and world.size > 1:
            self._say()
        self.loop.do(prices.seat_s, _nothing)
        self.listen()  # whatever hints came
        world.ask(prices.store_seat(world.size), 0.0, _nothing)
        if not self.api:
            self._hear()
            self.loop.do(_SCANS * prices.scan_s, _nothing)
            world.ask(_SCANS * prices.store_scan_s, 0.0, _nothing)
        world.clock.after(_SEAT_S, self.sit)


class World:
    """All of it."""

    def __init__(self, plan: Plan, prices: Prices) -> None:
        self.plan, self.prices = plan, prices
        self.clock = Clock()
        self.chance = random.Random(plan.seed)
        slower = 1 + plan.crowding * (plan.store_cores - 1)
        hosts = [Servers(self.clock, plan.cores, plan.dearer) for _ in range(plan.hosts)]
        self.store = hosts[0] if plan.shared_cores else Servers(self.clock, plan.store_cores, slower)
        self.wire = Servers(self.clock, 1)
        self.disk = Disk(self.clock, plan.disk_s, plan.log_mb_s * 1e6)
        self.gate = Gate()
        self.worker = Loop(hosts[0]) if plan.shared_cores else None
        self.processes = [
            Process(self, host, api=not plan.api_of or n == 0, control=not plan.api_of or n > 0)
            for host in hosts
            for n in (at % (plan.api_of or 1) for at in range(plan.processes))
        ]
        self.size = len(self.processes)
        self.log_bytes = prices.log_bytes + (prices.forget_log_bytes if plan.forget else 0)
        self.free: deque[Batch] = deque()
        self.takers = [process for process in self.processes if process.control and not process.api]
        self.shared = False
        self.crowded_until = 0.0
        self.awaited: dict[int, list[float]] = {}
        self.said = 0.0
        self.events = self.hints = self.commits = self.changes = 0
        self.took: list[float] = []

    def ask(self, seconds: float, size: float, back: Then) -> None:
        """Have the database work, over the network; `size` bytes go there."""
        way = self.plan.way_s
        execute = partial(self.store.do, seconds, partial(self.clock.after, way, back), first=True)
        if size:
            self.wire.do(size / (self.plan.net_mb_s * 1e6), partial(self.clock.after, way, execute))
        else:
            self.clock.after(way, execute)

    @property
    def gather_s(self) -> float:
        """How long hints are gathered."""
        return max(_GATHER_S, (0 if self.plan.bare else self.size) ** 2 / _CARRIED)

    def stands_by(self, process: Process) -> bool:
        """Whether what is free is left to the oldest of those that take what others accepted: as long as all use
        together what one does with ease, or on a host that is full; not where messages wait for room."""
        alone = process.full or not self.shared
        return process is not self.takers[0] and self.crowded_until <= self.clock.now and alone

    def judge(self) -> None:
        """Look at what those that take use together, and whether any has more than it has room for."""
        if any(process.crowded for process in self.takers):
            self.crowded_until = self.clock.now + SHARES_S
        self.shared = sum(process.share for process in self.takers) > EASE[self.shared]

    def stand_still(self) -> None:
        """Something is changed that nothing else may be changed beside: a transaction that has the lock alone."""
        prices, ways = self.prices, WAYS * 2 * self.plan.way_s
        done = partial(self.disk.flush, 0.0, self.gate.leave)
        ask = partial(
            self.store.do, prices.store_group_s + prices.store_change_s, partial(self.clock.after, ways, done)
        )
        self.gate.enter(ask, alone=True)
        self.clock.after(self.chance.expovariate(self.plan.alone_per_s), self.stand_still)

    def heard(self) -> None:
        """A hint is with all of them. What hearing costs is added up where they look."""
        for process in self.processes:
            process.listen()

    def ended(self, home: Process, begun: list[float]) -> None:
        """Instances have ended, and whoever started them knows."""
        now = self.clock.now
        self.took += [now - at for at in begun]
        if self.plan.forget:
            self.ask(self.prices.forget_s * len(begun), 0.0, _nothing)
        if not self.plan.per_s:
            chunk = self.plan.chunk
            for first in range(0, len(begun), chunk):
                self._arrive(home, len(begun[first : first + chunk]))

    def _arrive(self, home: Process, count: int) -> None:
        if self.plan.shared_cores:
            self.store.do(self.prices.load_s * count, partial(home.start, count))
        else:
            home.start(count)

    def begin(self) -> None:
        """Let everything begin, each process a little later than the one before."""
        apis = [process for process in self.processes if process.api]
        if self.plan.alone_per_s:
            self.clock.after(0.0, self.stand_still)
        for n, process in enumerate(self.processes):
            self.clock.after(_SEAT_S * n / self.size, process.sit)
        for n, process in enumerate(apis):
            if self.plan.per_s:
                self.clock.after(0.0, partial(self._come, process, self.plan.per_s / len(apis)))
            else:
                for _ in range(0, self.plan.in_flight, self.plan.chunk):
                    self.clock.after(0.005 * n / len(apis), partial(self._arrive, process, self.plan.chunk))

    def _come(self, process: Process, per_s: float) -> None:
        process.start(1)
        self.clock.after(self.chance.expovariate(per_s), partial(self._come, process, per_s))

    def run(self) -> Outcome:
        """Simulate until the beginning does not matter any more, then measure."""
        self.begin()
        apis = sum(process.api for process in self.processes)
        inside = self.plan.in_flight * apis if not self.plan.per_s else int(self.plan.per_s * 0.1)
        # Who takes is found out in the first seconds.
        warm = 3 * _SEAT_S if self.plan.api_of else 0.0
        while len(self.took) < 2 * inside or self.clock.now < warm:
            self.clock.step()
        self.took.clear()
        began, spent, commits, changes = self.clock.now, self._spent(), self.commits, self.changes
        while len(self.took) < max(self.plan.wanted, 2 * inside):
            self.clock.step()
        seconds = self.clock.now - began
        busy = {name: round((now - spent[name]) / seconds, 3) for name, now in self._spent().items()}
        took = sorted(self.took)
        return Outcome(
            per_s=len(took) / seconds,
            p50_ms=took[len(took) // 2] * 1000,
            p99_ms=took[len(took) * 99 // 100] * 1000,
            group=(self.changes - changes) / max(1, self.commits - commits),
            busy=busy,
        )

    def _spent(self) -> dict[str, float]:
        loops = [process.loop.spent for process in self.processes]
        found = {"Segue": sum(loops) / len(loops)}
        if self.plan.shared_cores:
            return found | {"cores": self.store.spent / self.store.count}
        return found | {
            "PostgreSQL's cores": self.store.spent / self.store.count,
            "its log": self.disk.spent,
            "its network": self.wire.spent,
        }


def _nothing() -> None:
    """Nobody waits for it."""


def simulate(plan: Plan, prices: Prices) -> Outcome:
    """What comes of a plan."""
    return World(plan, prices).run()
