"""`segue top`: what limits the processes now, in the terminal."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from segue.cli.client import Client, Token, Url
from segue.cli.output import Json, show_json, show_table

_COLUMNS = ["process", "node", "limited by", "waiting", "in flight", "arrive/s", "handled/s", "call ms", "wait s"]


def top(
    *,
    process: Annotated[str | None, typer.Option(help="Only this process.")] = None,
    every: Annotated[float, typer.Option(help="Look again after so many seconds.", min=0.5, max=3600)] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Show which node limits each process now, and why. Ends with Ctrl-C; into a pipe it looks once."""
    client = Client(url, token)
    found = client.get("/api/v1/metrics/bottleneck", process=process)
    if json:
        show_json(found)
        return
    if once or not sys.stdout.isatty():
        show_table(_COLUMNS, _rows(found))
        _print_sentences(found)
        return
    _watch(client, process, every, found)


def _watch(client: Client, process: str | None, every: float, found: list[dict[str, Any]]) -> None:
    from rich.console import Group  # noqa: PLC0415 - takes longer to import than most commands take to run
    from rich.live import Live  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    def picture() -> Group:
        table = Table(*_COLUMNS, box=None, pad_edge=False)
        for row in _rows(found):
            table.add_row(*(Text(str(cell)) for cell in row))
        return Group(table, Text(), *(Text(sentence) for sentence in _sentences(found)))

    with Live(picture(), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(every)
            found = client.get("/api/v1/metrics/bottleneck", process=process)
            live.update(picture(), refresh=True)


def _rows(found: list[dict[str, Any]]) -> list[list[object]]:
    return [
        [
            f"{each['process']} {each['version']}",
            node["name"],
            "" if node["cause"] == "none" else node["cause"],
            node["numbers"]["depth"],
            f"{node['numbers']['in_flight']}/{node['numbers']['prefetch']}",
            node["numbers"]["arrives"],
            node["numbers"]["handled"],
            node["numbers"]["call_ms"],
            node["numbers"]["waiting_s"],
        ]
        for each in found
        for node in each["nodes"]
    ]


def _sentences(found: list[dict[str, Any]]) -> list[str]:
    worst = [(each, each["nodes"][0]) for each in found if each["nodes"]]
    return [
        f"{each['process']} {each['version']}: {node['sentence']}" for each, node in worst if node["cause"] != "none"
    ]


def _print_sentences(found: list[dict[str, Any]]) -> None:
    for sentence in _sentences(found):
        print(sentence)
