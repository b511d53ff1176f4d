"""`segue message …`: messages from outside, for instances that wait for one."""

from __future__ import annotations

from json import JSONDecodeError, loads
from typing import Annotated

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.instances import read_body
from segue.cli.output import Json, show_json, show_table
from segue.model.errors import Invalid

app = typer.Typer(no_args_is_help=True, help="Messages from outside, for message events that wait for them.")


@app.command("deliver")
def deliver(
    name: Annotated[str, typer.Argument(help="Name of the message.", show_default=False)],
    *,
    key: Annotated[str, typer.Option(help="Key under which it is waited for.")] = "",
    instance: Annotated[str | None, typer.Option(help="Only to this instance.", metavar="ID")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="To all who wait, not only who has waited longest.")] = False,
    data: Annotated[
        str | None,
        typer.Option(help="The body: JSON, or @FILE (@- for stdin). Without it bodies stay.", metavar="JSON|@FILE"),
    ] = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Deliver a message to who waits for its name and key; exit code 1 if nobody does."""
    asked: dict[str, object] = {"key": key, "all": everybody}
    if instance is not None:
        asked["instance"] = instance
    if data is not None:
        try:
            asked["body"] = loads(read_body(data))
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"--data is no JSON: {error}") from None
    found = Client(url, token).send("POST", f"/api/v1/messages/{part(name)}", asked)
    if json:
        show_json(found)
        return
    columns = ["process", "version", "node", "instance", "message"]
    show_table(columns, [[reached[column] for column in columns] for reached in found["delivered"]])
