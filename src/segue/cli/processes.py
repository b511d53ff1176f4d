"""`segue process …` and `segue version …`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.output import Json, instant, show_json, show_table

process_app = typer.Typer(no_args_is_help=True, help="Processes and their versions.")
version_app = typer.Typer(no_args_is_help=True, help="The life of a version.")

Process = Annotated[str, typer.Argument(help="Name of the process.", show_default=False)]
Number = Annotated[int, typer.Argument(help="Number of the version.", show_default=False)]


@process_app.command("list")
def list_processes(url: Url = None, token: Token = None, json: Json = False) -> None:
    """List processes and their versions."""
    found = list(Client(url, token).items("/api/v1/processes"))
    if json:
        show_json(found)
        return
    columns = ["version", "state", "live", "created", "author", "note"]
    rows = [
        [process["folder"], process["name"], *(_shown(version, column) for column in columns)]
        for process in found
        for version in process["versions"] or [{}]
    ]
    show_table(["folder", "process", *columns], rows)


def _shown(version: dict[str, Any], column: str) -> object:
    value = version.get(column)
    return instant(value) if column == "created" else value


@process_app.command("create")
def create_process(
    name: Process,
    folder: Annotated[str, typer.Option(help="Folder to put it into.")] = "",
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Make a process without versions."""
    made = Client(url, token).send("POST", "/api/v1/processes", {"name": name, "folder": folder})
    show_json(made) if json else print(made["name"])


@process_app.command("move")
def move_process(
    name: Process,
    folder: Annotated[str, typer.Argument(help='Folder to put it into; "" is the top.', show_default=False)],
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Put a process into another folder."""
    moved = Client(url, token).send("PUT", f"/api/v1/processes/{part(name)}", {"folder": folder})
    show_json(moved) if json else print(f"{moved['name']} {moved['folder']}".strip())


@version_app.command("publish")
def publish(process: Process, number: Number, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Publish the draft; it stays disabled until it is enabled."""
    _change(Client(url, token), process, number, "publish", None, json=json)


@version_app.command("enable")
def enable(process: Process, number: Number, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Let the version take new messages, if no higher one is enabled."""
    _change(Client(url, token), process, number, "enable", None, json=json)


@version_app.command("disable")
def disable(process: Process, number: Number, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Let the version take no new messages; it finishes what it has."""
    _change(Client(url, token), process, number, "disable", None, json=json)


@version_app.command("retire")
def retire(
    process: Process,
    number: Number,
    *,
    discard: Annotated[bool, typer.Option("--discard", help="Move messages that still live to trash.")] = False,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Be done with a version."""
    _change(Client(url, token), process, number, "retire", {"discard": discard}, json=json)


@version_app.command("diff")
def diff(
    process: Process,
    old: Annotated[int, typer.Argument(help="Number of the one version.", show_default=False)],
    new: Annotated[int, typer.Argument(help="Number of the other.", show_default=False)],
    url: Url = None,
    token: Token = None,
) -> None:
    """Print as JSON what differs in meaning between two versions."""
    show_json(Client(url, token).get(f"/api/v1/processes/{part(process)}/diff", from_=old, to=new))


def _change(client: Client, process: str, number: int, what: str, value: object, *, json: bool) -> None:
    version: dict[str, Any] = client.send("POST", f"/api/v1/processes/{part(process)}/versions/{number}/{what}", value)
    if json:
        show_json(version)
    else:
        print(f"{process} version {version['version']} {version['state']}")
