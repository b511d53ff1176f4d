"""What happens in the demo: orders come in, Segue is killed and goes on, a person corrects one, all is proven."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from demo.api import Api
from demo.children import Children
from demo.data import Order
from demo.proof import Books, Proof, Result, Stream
from demo.show import Figures, Flow, Show
from demo.stage import PROCESSES, SYSTEMS, DemoError, Stage

ORDERS, CLOSING = PROCESSES
PARCEL_G = 4_000
TICK_S = 0.2


class Plan(Struct, frozen=True, kw_only=True):
    """What to do: with which orders, under which name, and how long it may take (s).

    Two thirds of the trading days are closed before the crash, the others from that moment on.
    """

    orders: Sequence[Order]
    run: str
    within_s: float = 300

    @property
    def days(self) -> list[str]:
        """The trading days on which there are orders."""
        return sorted({order.day for order in self.orders})

    @property
    def before(self) -> int:
        """How many of the days are closed before the crash."""
        return max(1, len(self.days) * 2 // 3)

    @property
    def crash_at(self) -> int:
        """How many shipments there have to be for the crash: half of what those days bring."""
        last = self.days[self.before - 1]
        return sum(order.day <= last for order in self.orders) // 2


class Story:
    """One run of the demo on a stage. `play` does all of it."""

    def __init__(
        self, plan: Plan, stage: Stage, children: Children, show: Show, session: aiohttp.ClientSession
    ) -> None:
        self._plan = plan
        self._stage = stage
        self._children = children
        self._show = show
        self._session = session
        self._books = Books(session, stage)
        self._began = time.monotonic()
        self._started: list[str] = []
        self._parcels: dict[int, int] = {}
        self._crashed = asyncio.Event()

    async def play(self) -> Result:
        """Do everything, and return what came of it."""
        api = await self._set_up()
        self._show.headline("Real orders on their way")
        handled, flowing = await _handled(api), time.monotonic()
        sender = asyncio.create_task(self._send(api))
        try:
            with self._show.progress(len(self._plan.days), len(self._plan.orders)) as flow:
                await self._crash(api, flow, await self._watch(api, flow, sender, self._in_the_middle))
                await self._watch(api, flow, sender, lambda now, sent: sent and _idle(now))
        finally:
            sender.cancel()
        stream = Stream(messages=await _handled(api) - handled, seconds=time.monotonic() - flowing)
        await self._correct(api)
        await self._end_closing(api)
        proof = Proof(self._stage, self._books, api, self._show)
        return await proof.prove(self._plan.orders, self._parcels, began=self._began, stream=stream)

    async def _set_up(self) -> Api:
        show, stage = self._show, self._stage
        show.headline("Setting the stage")
        await stage.start_systems()
        show.line("three systems that know nothing of Segue: " + ", ".join(_addresses(stage.systems)))
        await stage.start_workers()
        show.line("a worker for each, written with segue-sdk: " + ", ".join(_addresses(stage.workers)))
        await stage.start_server()
        show.line(f"Segue on {stage.url}, its data in {stage.data}")
        await stage.make_token()
        api = Api(self._session, stage.url, stage.token)
        known = {worker["name"] async for worker in api.items("/workers")}
        for name in SYSTEMS:
            if name in known:
                await api.put(f"/workers/{name}", {"url": stage.workers[name]})
            else:
                await api.post("/workers", {"name": name, "url": stage.workers[name]})
        for process in PROCESSES:
            await stage.deploy(process)
            show.line(f"deployed and enabled: demo/processes/{process}.bpmn")
        return api

    async def _send(self, api: Api) -> None:
        """Close one trading day after the other; a day whose answer was cut off is asked for again under its key."""
        for number, day in enumerate(self._plan.days):
            if number == self._plan.before:
                await self._crashed.wait()
            self._started.append(await api.start(ORDERS, {"day": day}, f"{self._plan.run}/{day}"))

    async def _watch(
        self, api: Api, flow: Flow, sender: asyncio.Task[None], enough: Callable[[Figures, bool], bool]
    ) -> Figures:
        """Show how far things are until that is enough; whether all is sent is looked at before the figures are.

        Raises DemoError when it takes too long.
        """
        while True:
            sent = sender.done()
            if sent:
                sender.result()
            now = await self._figures(api)
            flow.update(now)
            if enough(now, sent):
                return now
            await self._pause(f"not done: {now}")

    async def _figures(self, api: Api) -> Figures:
        queues, shop, crm, warehouse = await asyncio.gather(
            api.get("/queues", process=ORDERS),
            self._books.totals("shop"),
            self._books.totals("crm"),
            self._books.totals("warehouse"),
        )
        trash = await api.get("/trash", process=ORDERS, limit=100)
        return Figures(
            days=len(self._started),
            contacts=crm["contacts"]["records"],
            purchases=crm["purchases"]["records"],
            shipments=warehouse["shipments"]["records"],
            shipped=shop["shipped"]["records"],
            queued=sum(queue["depth"] + queue["in_flight"] for queue in queues),
            delayed=sum(queue["delayed"] for queue in queues),
            trash=len(trash["items"]),
        )

    def _in_the_middle(self, now: Figures, _sent: bool) -> bool:
        return now.shipments >= self._plan.crash_at

    async def _crash(self, api: Api, flow: Flow, last: Figures) -> None:
        """Kill the server in the middle of its work, start it again, and see that it still knows what it accepted."""
        known = list(self._started)
        port = self._stage.kill_server()
        flow.note(
            f"kill -9: Segue is gone, with {len(known)} trading days accepted, {last.shipments} orders shipped, "
            f"and {last.queued + last.delayed} messages in its queues a moment ago",
            "bold red",
        )
        self._crashed.set()
        began = time.monotonic()
        await self._stage.start_server(port)
        api.url = self._stage.url
        took = time.monotonic() - began
        lost = [instance for instance in known if not await self._knows(api, instance)]
        if lost:
            raise DemoError(f"Of {len(known)} accepted trading days {len(lost)} are lost: {lost[:5]}")
        flow.note(f"back after {took:.1f} s: all {len(known)} are still there, and it goes on", "bold green")

    async def _knows(self, api: Api, instance: str) -> bool:
        found = await api.get(f"/instances/{instance}")
        return bool(found["id"] == instance)

    async def _correct(self, api: Api) -> None:
        """Do what a person would: look into the trash, correct the order, send it back, see it through."""
        found = [item async for item in api.items("/trash", process=ORDERS)]
        self._show.headline(f"In the trash: {len(found)}")
        for item in found:
            message = await api.get(f"/trash/{item['id']}")
            self._show.line(f"{item['node']}: {item['reason']}", "yellow")
            order = msgspec.json.decode(message["body"], type=dict[str, Any])
            parcels = math.ceil(order.get("weight_g", 0) / PARCEL_G)
            if "more parcels" not in (item["reason"] or "") or parcels < 2:
                raise DemoError(f"This should not be in the trash: {item}")
            order["parcels"] = self._parcels[order["order"]] = parcels
            await api.put(f"/trash/{item['id']}", {"body": msgspec.json.encode(order).decode()})
            await api.post(f"/trash/{item['id']}/resend")
            self._show.line(f"corrected to {parcels} parcels, and sent back to where it failed", "green")
        await self._until_idle(api, ORDERS)

    async def _end_closing(self, api: Api) -> None:
        """Once the timer has ticked, disable the process that it starts: what is counted at the end stands still."""
        while not (await self._books.totals("shop"))["figures"]["records"]:
            await self._pause(f"The timer of {CLOSING} did not publish anything")
        process = await api.get(f"/processes/{CLOSING}")
        for version in process["versions"]:
            if version["state"] == "enabled":
                await api.post(f"/processes/{CLOSING}/versions/{version['version']}/disable")
        await self._until_idle(api, CLOSING)

    async def _until_idle(self, api: Api, process: str) -> None:
        while True:
            queues = await api.get("/queues", process=process)
            if not any(queue["depth"] + queue["in_flight"] + queue["delayed"] for queue in queues):
                return
            await self._pause(f"{process} is not done: {queues}")

    async def _pause(self, otherwise: str) -> None:
        """Wait a moment. Raises DemoError with `otherwise` when the time is up, ChildError when a process has ended."""
        self._children.check()
        if time.monotonic() - self._began > self._plan.within_s:
            raise DemoError(f"After {self._plan.within_s:g} s: {otherwise}")
        await asyncio.sleep(TICK_S)


async def _handled(api: Api) -> int:
    """How many messages have been handled since the data folder was made."""
    return sum(line["consumed"] for line in (await api.get("/audit"))["versions"])


def _idle(now: Figures) -> bool:
    return now.queued == 0 and now.delayed == 0


def _addresses(urls: dict[str, str]) -> list[str]:
    return [f"{name} {url.removeprefix('http://')}" for name, url in urls.items()]
