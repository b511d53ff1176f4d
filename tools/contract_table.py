"""Writes docs/contracts.md: which guarantee of the store's ports is tested on which store, from the test modules.

`python -m tools.contract_table`. A test compares the page with what this makes.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).parent.parent / "docs" / "contracts.md"
STORES = {
    "memory": "test_memory",
    "SQLite": "test_sqlite",
    "PostgreSQL": "test_postgres",
    "with RabbitMQ": "test_rabbitmq",
}
_GUARANTEE = re.compile(r"test_([A-Z]+\d+)_")
_OTHER = "no number"

# Why a suite is not run on a store. A suite that is missing without a reason here is an error.
SKIPPED = {
    ("BacklogContract", "memory"): "it keeps all it holds in memory; that is what it is for",
    **{
        (f"{suite}Contract", "with RabbitMQ"): "nothing of it passes through a queue: the code is PostgreSQL's"
        for suite in (
            "ProcessCatalog",
            "Keeping",
            "Activity",
            "Notice",
            "Search",
            "Views",
            "LogBook",
            "Retention",
            "Limit",
            "Document",
            "Metric",
            "GivenLimit",
            "Cluster",
            "SharedLimit",
        )
    },
}

_HEAD = """# Guarantees and stores

Made by `python -m tools.contract_table` from the test modules in `tests/contract`; a test compares. Each number stands
for a guarantee in the docstrings of [src/segue/ports](../src/segue/ports), each figure for the tests of it that run on
that store. All stores run the same suites of [src/segue/testing/contracts](../src/segue/testing/contracts); within a
suite no test is skipped on any store.

| suite | guarantee | {stores} |
|---|---|{lines}|
"""


def suites(module: ModuleType) -> dict[str, type]:
    """The suites that a test module runs, by name; a suite that runs with other settings as well counts once."""
    found: dict[str, type] = {}
    for value in vars(module).values():
        if isinstance(value, type) and value.__name__.startswith("Test"):
            found.update({base.__name__: base for base in value.__bases__ if base.__name__.endswith("Contract")})
    return found


def guarantees(suite: type) -> Iterator[tuple[str, str]]:
    """The tests of a suite: guarantee and name."""
    for name in sorted(dir(suite)):
        if name.startswith("test_"):
            number = _GUARANTEE.match(name)
            yield (number[1] if number else _OTHER), name


def page() -> str:
    """The page. Raises ValueError for a suite that a store leaves out without a reason."""
    modules = {store: importlib.import_module(f"tests.contract.{name}") for store, name in STORES.items()}
    run = {store: suites(module) for store, module in modules.items()}
    every: dict[str, type] = {}
    for found in run.values():
        every.update(found)
    lines, skips = [], []
    for name in sorted(every):
        left_out = {store for store in STORES if name not in run[store]}
        for store in sorted(left_out):
            if (name, store) not in SKIPPED:
                raise ValueError(f"{name} is not run on {store}, and {__file__} gives no reason")
            skips.append(f"| {name.removesuffix('Contract')} | {store} | {SKIPPED[name, store]} |")
        counts: dict[str, int] = {}
        for guarantee, _ in guarantees(every[name]):
            counts[guarantee] = counts.get(guarantee, 0) + 1
        for guarantee in sorted(counts, key=_order):
            cells = ("skipped" if store in left_out else str(counts[guarantee]) for store in STORES)
            lines.append(f"| {name.removesuffix('Contract')} | {guarantee} | {' | '.join(cells)} |")
    head = _HEAD.format(stores=" | ".join(STORES), lines="|".join(["---"] * len(STORES)))
    tail = "\n## Skipped\n\n| suite | store | reason |\n|---|---|---|\n" + "\n".join(skips) + "\n"
    return head + "\n".join(lines) + "\n" + tail


def _order(guarantee: str) -> tuple[str, int]:
    letters = guarantee.rstrip("0123456789")
    digits = guarantee[len(letters) :]
    return letters if digits else "~", int(digits or 0)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
