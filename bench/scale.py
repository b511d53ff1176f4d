"""Scale on paper: what more hosts would carry, from measured costs and a simulation.

`python -m bench.scale` writes the tables of `docs/scale.md` and the picture in it anew, from `bench/costs.json`. A test
compares. The text between the tables is written by people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.cluster import Outcome, Plan, simulate
from bench.prices import Prices, kept, prices
from bench.scale_picture import Curve, picture

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "scale.md"
PICTURE = DOCS / "pictures" / "scale.svg"
HOSTS = (1, 3, 10, 30, 100)
_READING = 9  # connections of a process: four for reading, five besides
_LIGHT = 0.6
_TABLE = re.compile(r"(<!-- made: (\w+) -->\n)(?:.*?\n)??(<!-- end -->)", re.DOTALL)


class Model:
    """The simulation with the measured costs; each question is asked once."""

    def __init__(self, measured: Mapping[str, Any]) -> None:
        self.measured = measured
        self.prices: Prices = prices(measured)
        self.ask = cache(self._ask)

    def _ask(self, plan: Plan) -> Outcome:
        return simulate(plan, self.prices)

    def carries(self, hosts: int, databases: int = 1, **more: Any) -> tuple[float, Outcome]:
        """Instances a second that so many hosts carry on so many databases, and what one of these sees."""
        each = -(-hosts // databases)
        plan = Plan(hosts=each, chunk=1 if each < 3 else 4 if each < 10 else 8 if each < 30 else 32, **more)
        if plan.api_of:
            plan = replace(plan, in_flight=plan.in_flight * plan.api_of)
        found = self.ask(plan)
        return found.per_s * hosts / each, found

    def light(self, hosts: int, per_s: float, **more: Any) -> Outcome:
        """How long instances take when so many of what is carried come."""
        chunk = 1 if hosts < 10 else 4
        return self.ask(Plan(hosts=hosts, per_s=per_s * _LIGHT, wanted=1_500, chunk=chunk, **more))


def number(value: float) -> str:
    """Three digits that count, and thousands apart."""
    if value >= 1_000:
        digits = len(str(int(value))) - 3
        return f"{round(value / 10**digits) * 10**digits:,}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def row(*cells: object) -> str:
    """A line of a table."""
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head: list[str], rows: list[str]) -> str:
    """A table of Markdown."""
    return "\n".join([row(*head), "|" + "---|" * len(head), *rows])


SHAPES = {"whole": "one process", "apart": "API apart", "two": "API and two control services"}


# -- the tables -------------------------------------------------------------------------------------------------------


def costs(model: Model) -> str:
    """What was measured of an instance, by shape."""
    engine = model.measured["engine"]
    rows = []
    for name, shown in SHAPES.items():
        found = engine[name]
        cpu = found["cpu_us"]
        segue = sum(cpu.get(who, 0.0) for who in ("segue", "api", "control", "second"))
        rows.append(
            row(
                shown, number(found["per_s"]),
                *(f"{used:.0f} µs" for used in (segue, cpu["postgres"], cpu["worker"])),
                f"{found['rows']['commits']:.2f}",
                f"{found['rows']['log_bytes'] / 1000:.1f} KB",
                f"{sum(found['rows'][what] for what in ('inserted', 'updated', 'deleted')):.1f}",
                f"{sum(found['store_bytes'].values()) / 1000:.1f} KB",
                f"{sum(found['worker_bytes'].values()) / 1000:.1f} KB",
            )
        )  # fmt: skip
    head = [
        "",
        "instances/s",
        "Segue",
        "PostgreSQL",
        "worker",
        "commits",
        "log",
        "rows",
        "store's wire",
        "worker's wire",
    ]
    return table(head, rows)


def parts(model: Model) -> str:
    """What the parts cost that the model reckons with."""
    priced, seats = model.prices, model.measured["seats"]
    groups = [
        row(
            f"the store alone, {one['in_flight']} in flight: {one['changes_a_commit']:.0f} changes a commit",
            f"{one['client_cpu_us'] / 4:.0f} µs a change", f"{one['postgres_cpu_us'] / 4:.0f} µs a change",
        )
        for one in model.measured["store"]["by_size"]
    ]  # fmt: skip
    client, store = (model.measured["store"]["commit_us"][who] for who in ("client", "postgres"))
    rows = [
        *groups,
        row("a commit, beside what is in it", f"{client['once']:.0f} µs", f"{store['once']:.0f} µs"),
        row("a change in it", f"{client['each']:.0f} µs", f"{store['each']:.0f} µs"),
        row("a start taken in and answered", f"{priced.http_s * 1e6:.0f} µs", "–"),
        row("a call of a worker", f"{priced.call_s * 1e6:.0f} µs", "–"),
        *(
            row(f"reading {one['events']} events", f"{one['client_cpu_us']:.0f} µs", f"{one['postgres_cpu_us']:.0f} µs")
            for one in seats["events_us"]
        ),
        *(
            row(
                f"a hint heard by {one['processes']}",
                f"{one['client_cpu_us']:.0f} µs in all",
                f"{one['postgres_cpu_us']:.0f} µs",
            )
            for one in model.measured["fleet"]["hint_us"]
        ),
        *(
            row(
                f"a beat among {one['processes']}", f"{one['client_cpu_us']:.0f} µs", f"{one['postgres_cpu_us']:.0f} µs"
            )
            for one in model.measured["fleet"]["beat_us"]
        ),
        row("an old instance forgotten", "–", f"{priced.forget_s * 1e6:.0f} µs"),
        row("a page for a person (instances and queues)", "–", f"{priced.page_s * 1e3:.1f} ms"),
        row("a commit's wait for the disk", "–", f"{seats['disk_ms']['p50']} ms, {seats['disk_ms']['p99']} at p99"),
    ]
    return table(["", "Segue's processor", "PostgreSQL's processor"], rows)


def machine(model: Model, shape: str, *, dearer: bool = True) -> Plan:
    """What was measured in this shape, on the one machine on which it was. `dearer`: the more processes share two
    cores, the more each step takes; by how much, the worker says, whose work is the same."""
    measured = model.measured
    whole, found = (measured["engine"][name]["cpu_us"]["worker"] for name in ("whole", shape))
    processes = {"whole": 1, "apart": 2, "two": 3}[shape]
    return Plan(
        cores=measured["cores"], shared_cores=True, in_flight=256, way_s=0.00002, forget=False, processes=processes,
        api_of=0 if processes == 1 else processes, disk_s=measured["seats"]["disk_ms"]["p50"] / 1000,
        bare=not measured["engine"]["bounded"], dearer=found / whole if dearer else 1.0,
    )  # fmt: skip


def checked(model: Model) -> str:
    """The simulation beside what was measured on one machine."""
    rows = []
    for shape, shown in SHAPES.items():
        was, found = model.measured["engine"][shape], model.ask(machine(model, shape))
        plain = model.ask(machine(model, shape, dearer=False)).per_s
        rows.append(
            row(
                shown, number(was["per_s"]), number(plain), error(plain, was["per_s"]), number(found.per_s),
                error(found.per_s, was["per_s"]), f"{was['p50_ms']:.0f} / {found.p50_ms:.0f}",
                f"{was['p99_ms']:.0f} / {found.p99_ms:.0f}",
            )
        )  # fmt: skip
    head = [
        "", "measured, instances/s", "simulated", "error", "with dearer steps", "error",
        "p50 ms, measured / simulated", "p99 ms",
    ]  # fmt: skip
    return table(head, rows)


def error(found: float, was: float) -> str:
    """By how much it is off."""
    return f"{100 * (found / was - 1):+.0f} %"


def hosts(model: Model) -> str:
    """What so many hosts carry, all processes alike and on one database."""
    rows = []
    for count in HOSTS:
        per_s, found = model.carries(count)
        light = model.light(count, per_s)
        rows.append(
            row(
                count, 3 * count, number(per_s), number(per_s * model.prices.actions), f"{found.group:.0f}",
                f"{light.p50_ms:.0f}", f"{light.p99_ms:.0f}", found.first,
                ", ".join(f"{name} {100 * min(1.0, part):.0f} %" for name, part in found.busy.items()),
            )
        )  # fmt: skip
    head = [
        "hosts", "processes", "instances/s", "hops/s", "changes a commit", "p50 ms at 60 %", "p99 ms", "first full",
        "busy",
    ]  # fmt: skip
    return table(head, rows)


REMEDIES: dict[str, Callable[[int], dict[str, Any]]] = {
    "nothing": lambda _: {},
    "hints and reading not bounded, as before": lambda _: {"bare": True},
    "API apart: one process in three": lambda _: {"api_of": 3},
    "old rows dropped as partitions": lambda _: {"forget": False},
    "API apart, partitions": lambda _: {"api_of": 3, "forget": False},
    "a database for every 3 hosts": lambda count: {"databases": max(1, count // 3)},
    "32 cores for PostgreSQL": lambda _: {"store_cores": 32},
}


def remedies(model: Model) -> str:
    """What each remedy makes of it."""
    rows = [
        row(name, *(number(model.carries(count, **more(count))[0]) for count in HOSTS[1:]))
        for name, more in REMEDIES.items()
    ]
    return table(["instances/s with", *(f"{count} hosts" for count in HOSTS[1:])], rows)


def overhead(model: Model) -> str:
    """What processes cost a database because they are there, by how many there are: cores of PostgreSQL."""
    priced, rows = model.prices, []
    for count in (3, 9, 30, 90, 300):
        rare = count / max(0.005, count**2 / 40_000)
        hint = priced.hint(count)
        beats = count * priced.store_seat(count)
        read = count * priced.store_read_s
        rows.append(
            row(
                count, number(count * _READING), f"{beats:.2f}", f"{count * 200 * hint:.2f}", f"{rare * hint:.2f}",
                f"{read / max(0.01, count / 40_000):.2f}",
                f"{1e6 * (priced.read_each_s + priced.store_read_each_s) * count:.0f} µs",
            )
        )  # fmt: skip
    head = [
        "processes", "connections", "beats, looks, leading", "hints, each process 200 a second", "hints, bounded",
        "reading events, all answering starts", "an event read by all",
    ]  # fmt: skip
    return table(head, rows)


def alone(model: Model) -> str:
    """What changes cost that need everything to stand still."""
    rows = []
    for per_s in (0, 10, 100, 300):
        found = model.ask(Plan(hosts=3, chunk=4, alone_per_s=float(per_s)))
        rows.append(row(per_s, number(found.per_s), f"{found.p50_ms:.0f}", f"{found.p99_ms:.0f}"))
    return table(["such changes a second", "instances/s, 3 hosts", "p50 ms", "p99 ms"], rows)


TABLES: dict[str, Callable[[Model], str]] = {
    "costs": costs,
    "parts": parts,
    "checked": checked,
    "hosts": hosts,
    "remedies": remedies,
    "overhead": overhead,
    "alone": alone,
}


def page(text: str, model: Model) -> str:
    """The page with its tables made anew."""
    return _TABLE.sub(lambda found: f"{found[1]}{TABLES[found[2]](model)}\n{found[3]}", text)


def drawn(model: Model) -> str:
    """The picture: instances a second by hosts, without and with remedies."""
    shown = {
        "one database, all processes alike": "nothing",
        "API apart, partitions": "API apart, partitions",
        "a database for every 3 hosts": "a database for every 3 hosts",
    }
    one = model.carries(1)[0]
    curves = [
        Curve(name, [(count, model.carries(count, **REMEDIES[key](count))[0]) for count in HOSTS])
        for name, key in shown.items()
    ]
    return picture(curves, [(count, one * count) for count in HOSTS])


def main() -> None:
    """Write page and picture."""
    model = Model(kept())
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), model), encoding="utf-8")
    PICTURE.write_text(drawn(model), encoding="utf-8")


if __name__ == "__main__":
    main()
