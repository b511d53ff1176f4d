"""`segue worker …`."""

from __future__ import annotations

from typing import Annotated

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.output import Json, instant, show_json, show_table
from segue.model.errors import Invalid

app = typer.Typer(no_args_is_help=True, help="Workers: the services that offer actions.")

Name = Annotated[str, typer.Argument(help="Name of the worker.", show_default=False)]


@app.command("add")
def add(
    name: Name,
    address: Annotated[str, typer.Argument(help="Its address, such as http://host:port.", metavar="URL")],
    *,
    header: Annotated[
        list[str] | None,
        typer.Option(help="Sent with every call, kept secret; may be repeated.", metavar="NAME: VALUE"),
    ] = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Register a worker, or change the address of one; without --header the headers it has stay."""
    value: dict[str, object] = {"url": address}
    if header:
        value["headers"] = dict(_split(text) for text in header)
    found = Client(url, token).send("PUT", f"/api/v1/workers/{part(name)}", value)
    show_json(found) if json else print(f"{found['name']} {found['url']}")


@app.command("list")
def list_workers(url: Url = None, token: Token = None, json: Json = False) -> None:
    """List the registered workers."""
    found = list(Client(url, token).items("/api/v1/workers"))
    if json:
        show_json(found)
        return
    rows = [[each["name"], each["url"], ", ".join(each["header_names"]), instant(each["created"])] for each in found]
    show_table(["name", "url", "headers", "created"], rows)


@app.command("remove")
def remove(name: Name, url: Url = None, token: Token = None) -> None:
    """Forget a worker. Messages for it stay queued until one of its name is there again."""
    Client(url, token).send("DELETE", f"/api/v1/workers/{part(name)}")


@app.command("actions")
def actions(name: Name, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Ask a worker which actions it offers."""
    found = Client(url, token).get(f"/api/v1/workers/{part(name)}/actions")
    if json:
        show_json(found)
        return
    show_table(
        ["kind", "name", "application"], [[each["kind"], each["name"], each.get("application")] for each in found]
    )


@app.command("check")
def check(name: Name, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Ask a worker whether it is there; exit code 1 when it is not."""
    found = Client(url, token).get(f"/api/v1/workers/{part(name)}/check")
    show_json(found) if json else print("ok" if found["ok"] else found["problem"])
    raise typer.Exit(0 if found["ok"] else 1)


def _split(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise Invalid(f"--header {name.strip()}: write NAME: VALUE")
    return name.strip(), value.strip()
