"""The end of the demo: every record looked up where it should have arrived, every message accounted for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from demo.api import Api
from demo.data import Order
from demo.show import Show
from demo.stage import Stage
from demo.verify import Records, differences, expected, short

# Where each book lies: the system that keeps it.
BOOKS = {"contacts": "crm", "purchases": "crm", "notes": "crm", "shipments": "warehouse", "shipped": "shop"}


class Stream(Struct, frozen=True, kw_only=True):
    """How many messages were handled in which time, from the first start request until nothing was left to do."""

    messages: int
    seconds: float


class Result(Struct, frozen=True, kw_only=True):
    """What came of the demo; `problems` is empty when every record arrived as it should and the account balances.

    `accepted`, `finished` and `failed` count instances, `trash` messages, over both processes. `orders` are the records
    sent, `arrived` those that are in every book where they belong. `repeated_calls` are calls that a system recognised
    as repeats of one it had served; `asked_again` those it put off itself, `doubled` records it would have had twice.
    """

    accepted: int
    finished: int
    failed: int
    trash: int
    balanced: bool
    seconds: float
    orders: int
    arrived: int
    repeated_calls: int
    asked_again: int
    doubled: int
    messages: int
    flow_seconds: float
    problems: list[str]

    @property
    def ok(self) -> bool:
        """Whether everything arrived and the account balances."""
        return not self.problems and self.balanced and self.arrived == self.orders


class Books:
    """The books of the systems, read over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, stage: Stage) -> None:
        self._session = session
        self._stage = stage

    async def totals(self, system: str) -> dict[str, Any]:
        """Return how much has arrived at a system."""
        return await self._get(system, "totals")

    async def read(self, book: str) -> dict[str, Any]:
        """Return all of a book: `items`, and how many calls were `repeated` or `refused`."""
        return await self._get(BOOKS[book], book)

    async def _get(self, system: str, path: str) -> dict[str, Any]:
        async with self._session.get(f"{self._stage.systems[system]}/{path}") as answer:
            answer.raise_for_status()
            return msgspec.json.decode(await answer.read(), type=dict[str, Any])


class Proof:
    """Looks up what arrived, and audits the account in two ways."""

    def __init__(self, stage: Stage, books: Books, api: Api, show: Show) -> None:
        self._stage = stage
        self._books = books
        self._api = api
        self._show = show

    async def prove(
        self, orders: Sequence[Order], parcels: Mapping[int, int], *, began: float, stream: Stream
    ) -> Result:
        """Compare every book with the records and prove the account; show both, and return what came of it."""
        self._show.headline("The proof")
        read = {book: await self._books.read(book) for book in BOOKS}
        wrong = self._compare(expected(orders, parcels), read)
        audit = await self._stage.audit()
        problems = [text for _, text in wrong] + self._account(audit, await self._api.get("/audit"))
        states = {state: await self._count(state) for state in ("running", "finished", "failed", "cancelled")}
        total = {name: sum(line[name] for line in audit["versions"]) for name in ("accepted", "trash")}
        if states["finished"] != total["accepted"]:
            problems.append(f"{total['accepted']} instances were accepted, but they are {states}")
        read["figures"] = (await self._books.totals("shop"))["figures"]
        doubled = sum(book["refused"] for book in read.values())
        if doubled:
            problems.append(f"{doubled} records came a second time, under another key")
        missing = {number for number, _ in wrong}
        return Result(
            accepted=total["accepted"],
            finished=states["finished"],
            failed=states["failed"],
            trash=total["trash"],
            balanced=bool(audit["balanced"]),
            seconds=round(time.monotonic() - began, 1),
            orders=len(orders),
            arrived=sum(order.number not in missing for order in orders),
            repeated_calls=sum(book["repeated"] for book in read.values()),
            asked_again=(await self._books.totals("crm"))["locked"],
            doubled=doubled,
            messages=stream.messages,
            flow_seconds=round(stream.seconds, 1),
            problems=short(problems),
        )

    def _compare(self, wanted: Mapping[str, Records], read: Mapping[str, Any]) -> list[tuple[int, str]]:
        """Show how much arrived in each book; return number and sentence of each order that is not as it should be."""
        wrong: list[tuple[int, str]] = []
        rows = []
        for book, records in wanted.items():
            found = read[book]
            wrong += differences(book, records, found["items"])
            counts = (len(records), found["records"], found["repeated"])
            rows.append((f"{BOOKS[book]}: {book}", *(f"{count:,}" for count in counts)))
        self._show.table("Records at their targets", ("book", "expected", "arrived", "repeated calls"), rows)
        return wrong

    def _account(self, audit: Mapping[str, Any], served: Mapping[str, Any]) -> list[str]:
        """Show the ledger; return what is wrong with it, or between the two ways of asking for it."""
        columns = ("accepted", "produced", "consumed", "queued", "delayed", "waiting", "trash")
        lines = audit["versions"]
        rows = [(f"{line['process']} v{line['version']}", *(f"{line[name]:,}" for name in columns)) for line in lines]
        self._show.table("The account, proven from stored rows", ("process", *columns), rows)
        problems = []
        if not audit["balanced"]:
            problems.append(f"The account does not balance: {audit}")
        if [[line[name] for name in columns] for line in served["versions"]] != [
            [line[name] for name in columns] for line in lines
        ]:
            problems.append(f"`segue audit` and /api/v1/audit differ: {audit} and {served}")
        return problems

    async def _count(self, state: str) -> int:
        return len([item async for item in self._api.items("/instances", state=state, limit=500)])
