"""`segue operation …`: something done to many messages, in the background."""

from __future__ import annotations

import json as texts
import sys
import time
from typing import Annotated, Any, Literal

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.output import Json, instant, show_json, show_table
from segue.cli.placed import Body, Header, NodeId, Process, Reason, Version, conditions_of, correction_of
from segue.model.errors import Invalid

app = typer.Typer(no_args_is_help=True, help="What is done to many messages in the background.")

Id = Annotated[str, typer.Argument(help="Id of the operation.", show_default=False)]
Kind = Annotated[
    Literal["resend", "discard", "accept", "reject"],
    typer.Argument(help="The first two are for messages in trash, the last two for user tasks.", show_default=False),
]
_LOOK_S = 0.2


@app.command("begin")
def begin(
    kind: Kind,
    *,
    process: Process = None,
    version: Version = None,
    node: NodeId = None,
    reason_code: Reason = None,
    cause: Annotated[str | None, typer.Option(help="Only messages of this cause (see: segue trash causes).")] = None,
    text: Annotated[str | None, typer.Option(help="Only messages with this in the reason.")] = None,
    id: Annotated[list[str] | None, typer.Option(help="Only these messages; may be repeated.")] = None,
    to_version: Annotated[int | None, typer.Option(help="Send them to the same node of this version.")] = None,
    merge: Annotated[
        str | None, typer.Option(help='Laid over each JSON body (RFC 7396), such as {"price": 5}.', metavar="JSON")
    ] = None,
    data: Body = None,
    header: Header = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end, and show how far it is.")] = False,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Do something to all messages that the conditions find now."""
    more = {"cause": cause, "text": text, "ids": id or None}
    wanted = conditions_of(process, version, node, reason_code) | {k: v for k, v in more.items() if v is not None}
    change: dict[str, Any] = correction_of(data, header)
    if merge is not None:
        change["merge"] = _object(merge)
    asked = {"kind": kind, "filter": wanted, "change": change or None, "version": to_version}
    client = Client(url, token)
    begun = client.send("POST", "/api/v1/operations", {key: value for key, value in asked.items() if value is not None})
    _show(_wait(client, begun) if wait else begun, json)


@app.command("list")
def list_operations(*, url: Url = None, token: Token = None, json: Json = False) -> None:
    """List operations, newest first."""
    found = list(Client(url, token).items("/api/v1/operations"))
    if json:
        show_json(found)
        return
    columns = ["id", "kind", "state", "by", "total", "done", "gone", "failed"]
    rows = [[instant(each["created"])] + [each[column] for column in columns] for each in found]
    show_table(["begun", *columns], rows)


@app.command("show")
def show(id: Id, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Show an operation and how far it is."""
    _show(Client(url, token).get(f"/api/v1/operations/{part(id)}"), json)


@app.command("pause")
def pause(id: Id, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Let an operation rest."""
    _show(Client(url, token).send("POST", f"/api/v1/operations/{part(id)}/pause"), json)


@app.command("resume")
def resume(id: Id, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Let a paused operation go on."""
    _show(Client(url, token).send("POST", f"/api/v1/operations/{part(id)}/resume"), json)


@app.command("cancel")
def cancel(id: Id, url: Url = None, token: Token = None, json: Json = False) -> None:
    """End an operation; what it has done stays done."""
    _show(Client(url, token).send("POST", f"/api/v1/operations/{part(id)}/cancel"), json)


def _object(text: str) -> dict[str, Any]:
    try:
        value = texts.loads(text)
    except ValueError as error:
        raise Invalid(f"--merge is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Invalid("--merge has to be a JSON object")
    return value


def _wait(client: Client, begun: dict[str, Any]) -> dict[str, Any]:
    now = begun
    while now["state"] == "running":
        if sys.stderr.isatty():
            print(f"\r{now['done'] + now['gone'] + now['failed']} of {now['total']}", end="", file=sys.stderr)
        time.sleep(_LOOK_S)
        now = client.get(f"/api/v1/operations/{part(begun['id'])}")
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return now


def _show(operation: dict[str, Any], json: bool) -> None:
    if json:
        show_json(operation)
        return
    counts = ", ".join(f"{operation[name]} {name}" for name in ("total", "done", "gone", "failed"))
    print(f"{operation['id']}: {operation['kind']} by {operation['by']} is {operation['state']} ({counts})")
    if operation["error"]:
        print(operation["error"])
