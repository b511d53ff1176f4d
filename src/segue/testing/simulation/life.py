"""One life of the server: an engine and the use cases of people over stand-ins of all ports, until it is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from segue.control.everything import Control, control
from segue.model.errors import StoreUnavailable, WorkerTrouble
from segue.model.workers import Fault as CallFault
from segue.model.workers import WorkerReply
from segue.ports.outside import Chance, Clock, WorkerDirectory, WorkerTransport
from segue.ports.store import Store
from segue.runtime.engine import Engine
from segue.testing.applications import FakeApplicationWorkers
from segue.testing.simulation.dice import WorldChance, WorldClock
from segue.testing.simulation.faults import Fault, Faults, Kind
from segue.testing.simulation.loop import Crashed, SimulatedLoop
from segue.testing.simulation.ports import CALL, Method, PortCall, stand_in
from segue.testing.simulation.trace import Trace
from segue.testing.simulation.witness import Witness

_LISTENERS = frozenset({"on_ready", "on_events"})


class Broken(RuntimeError):
    """An error that no port announces."""


class Bites(Struct, frozen=True, kw_only=True):
    """How little is done at a time, so that it takes several times: a batch's answer of `large_answer` bytes is stored
    `piece` items at a time, an operation handles `bite` messages at a time."""

    large_answer: int
    piece: int
    bite: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all lives of a world share."""

    loop: SimulatedLoop
    clock: WorldClock
    chance: WorldChance
    faults: Faults
    witness: Witness
    trace: Trace
    bites: Bites


class Life:
    """Implements `Gate` for the ports of its own engine. `died` is done when it is over."""

    def __init__(
        self,
        number: int,
        around: Surroundings,
        store: Store,
        transport: WorkerTransport,
        directory: WorkerDirectory,
    ) -> None:
        self.number = number
        self.context = around.loop.new_life(number)
        self.alive = True
        self.died: asyncio.Future[None] = around.loop.create_future()
        self._around = around
        self.store: Store = stand_in(Store, "store", store, self)
        self.transport: WorkerTransport = stand_in(WorkerTransport, "transport", transport, self)
        self.clock: Clock = stand_in(Clock, "clock", around.clock, self)
        self.chance: Chance = stand_in(Chance, "chance", around.chance, self)
        self.directory: WorkerDirectory = stand_in(WorkerDirectory, "directory", directory, self)
        self._release = store.release
        self.engine: Engine
        self.control: Control
        self._working: asyncio.Task[None]

    def build(self) -> None:
        """Put the engine together, in the context of this life."""
        bites, applications = self._around.bites, FakeApplicationWorkers(self.store)
        self.engine = Engine(
            self.store,
            self.transport,
            self.clock,
            self.chance,
            large_answer=bites.large_answer,
            piece=bites.piece,
        )
        self.control = control(
            self.store, self.engine, self.directory, applications, self.clock, self.chance, bite=bites.bite
        )

    async def start(self) -> None:
        """Start the engine, and what works on operations."""
        await self.engine.start()
        self._working = asyncio.get_running_loop().create_task(self.control.operations.run())

    async def stop(self, grace_s: float) -> None:
        """Stop in order."""
        self._working.cancel()
        await asyncio.wait([self._working])
        await self.engine.stop(grace_s)
        await self.transport.close()
        await self.directory.close()
        await self.store.close()

    def die(self, why: str) -> None:
        """End the life between two instructions."""
        if not self.alive:
            return
        self.alive = False
        self._around.trace.add("crash", None, self.number, why)
        self._around.loop.kill(self.number)
        self._around.witness.crashed()
        self.died.set_result(None)

    # -- the gate -----------------------------------------------------------------------------------------------------

    async def pass_async(self, port: str, name: str, method: Method, args: tuple[Any, ...]) -> Any:
        """Make a call of a method that is awaited; see `Gate`."""
        around = self._around
        await self._while_alive()
        fault = around.faults.before(port, name, args, around.clock.now())
        planned = around.faults.plan_of_call()
        if fault is not None:
            await self._befall(port, name, fault, "before")
        around.witness.before(self.number, port, name, args)
        if fault is not None and fault.kind is Kind.LOST:
            return self._lost(args, CallFault.REFUSED)
        call = PortCall(port, name, args)
        CALL.set(call)
        try:
            result = await method(*args)
        except BaseException as error:
            around.witness.refused(port, name, args, error)
            raise
        fault = around.faults.after(port, name, args, planned) if self.alive else None
        if not call.told and (fault is None or fault.kind is not Kind.LOST):
            around.witness.after(port, name, args, result)
        await self._while_alive()
        if fault is None:
            return result
        if fault.kind is Kind.LOST:
            self._told(port, name, fault, "after")
            return self._lost(args, CallFault.CLOSED)
        try:
            await self._befall(port, name, fault, "after")
        except BaseException:
            if name == "take" and self.alive:
                self._give_back(result)
            raise
        return result

    def pass_sync(self, port: str, name: str, method: Method, args: tuple[Any, ...]) -> Any:
        """Make a call of a method that is not awaited; see `Gate`."""
        around = self._around
        if not self.alive:
            return None if port == "store" else method(*args)
        fault = around.faults.before(port, name, args, around.clock.now())
        planned = around.faults.plan_of_call()
        self._befall_now(port, name, fault, "before")
        if name in _LISTENERS:
            method(self._listener(args[0]))
            result = None
        else:
            result = method(*args)
        around.witness.after(port, name, args, result)
        self._befall_now(port, name, around.faults.after(port, name, args, planned), "after")
        return result

    async def _befall(self, port: str, name: str, fault: Fault, when: str) -> None:
        if fault.kind is Kind.SLOW:
            await self._around.loop.pause(fault.ms)
            await self._while_alive()
            return
        self._told(port, name, fault, when)
        if fault.kind is Kind.CRASH:
            self.die(f"{when} {port}.{name}")
            await self._while_alive()
        if fault.kind is Kind.BROKEN:
            raise Broken(f"{when} {port}.{name}")
        if fault.kind is Kind.UNAVAILABLE and port == "directory":
            raise WorkerTrouble("The worker does not answer")
        if fault.kind is Kind.UNAVAILABLE:
            raise StoreUnavailable("the disk is full: make room")
        if fault.kind is Kind.JUMP:
            self._around.clock.ahead += fault.ms

    def _befall_now(self, port: str, name: str, fault: Fault | None, when: str) -> None:
        if fault is None or fault.kind is Kind.SLOW:
            return
        self._told(port, name, fault, when)
        if fault.kind is Kind.JUMP:
            self._around.clock.ahead += fault.ms
        elif fault.kind is Kind.CRASH:
            self.die(f"{when} {port}.{name}")
            raise Crashed

    def _told(self, port: str, name: str, fault: Fault, when: str) -> None:
        self._around.trace.add("fault", None, fault.kind.value, when, f"{port}.{name}", fault.ms)

    async def _while_alive(self) -> None:
        """Go on only while the life lasts; the dead wait for ever, until their coroutines are closed."""
        if not self.alive:
            await self._around.loop.create_future()

    def _give_back(self, messages: list[Any]) -> None:
        """A take whose answer reached nobody took nothing: the store sees to that, not its caller."""
        for message in messages:
            self._release(message)
            self._around.witness.after("store", "release", (message,), None)

    def _lost(self, args: tuple[Any, ...], why: CallFault) -> WorkerReply:
        """Nobody hears what the worker answered, or it never heard the call."""
        reply = WorkerReply(fault=why, detail="the line is dead")
        self._around.witness.after("transport", "call", args, reply)
        return reply

    def _listener(self, listener: Callable[..., None]) -> Callable[..., None]:
        """A listener of this life: it hears nothing when dead, and its crash is not the store's business."""

        def hear(*args: Any) -> None:
            if not self.alive:
                return
            try:
                listener(*args)
            except Crashed:
                return

        return hear
