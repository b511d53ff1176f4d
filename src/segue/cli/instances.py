"""`segue start`, `segue instance …` and `segue queue …`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.output import Json, instant, show_json, show_table
from segue.model.errors import Invalid

instance_app = typer.Typer(no_args_is_help=True, help="Instances: the runs of processes.")
queue_app = typer.Typer(no_args_is_help=True, help="Queues.")

Id = Annotated[str, typer.Argument(help="Id of the instance.", show_default=False)]

_MARGIN_S = 10


def start(
    process: Annotated[str, typer.Argument(help="Name of the process.", show_default=False)],
    *,
    node: Annotated[str | None, typer.Option(help="Start event to begin at.", metavar="NAME")] = None,
    data: Annotated[
        str,
        typer.Option(help="The body: JSON, or @FILE for the content of a file (@- for stdin).", metavar="JSON|@FILE"),
    ] = "{}",
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key starts one instance.")] = None,
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="Stop at every user task, also where automatic runs pass.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the instance has ended or needs a person.")] = False,
    wait_s: Annotated[int, typer.Option("--wait-seconds", min=1, help="How long to wait at most.")] = 60,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Start an instance and print its id. With --wait the exit code is 1 unless it finished."""
    body = read_body(data)
    headers = {"Content-Type": "application/json"}
    if data.startswith("@") and not data.lower().endswith(".json") and data != "@-":
        headers["Content-Type"] = "application/octet-stream"
    if key is not None:
        headers["Idempotency-Key"] = key
    wishes = [*(["by-hand"] if by_hand else []), *([f"wait={wait_s}"] if wait else [])]
    if wishes:
        headers["Prefer"] = ", ".join(wishes)
    path = f"/processes/{part(process)}/start" + (f"/{part(node)}" if node is not None else "")
    client = Client(url, token)
    started = client.upload("POST", path, body, headers, timeout_s=_MARGIN_S + (wait_s if wait else 20))
    if json:
        show_json(started)
    else:
        print(started["instance"], *([started.get("state", "running")] if wait else []))
    if wait and started.get("state") != "finished":
        raise typer.Exit(1)


def read_body(data: str) -> bytes:
    """Return what an option says: itself, or the content of the file it names. Raises Invalid."""
    if not data.startswith("@"):
        return data.encode()
    if data == "@-":
        return sys.stdin.buffer.read()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise Invalid(f"{data[1:]} cannot be read: {error.strerror}") from None


@instance_app.command("list")
def list_instances(
    *,
    process: Annotated[str | None, typer.Option(help="Only those of this process.")] = None,
    version: Annotated[int | None, typer.Option(help="Only those of this version.")] = None,
    state: Annotated[str | None, typer.Option(help="running, finished, failed or cancelled.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, the newest first.")] = 50,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """List the newest instances."""
    found = Client(url, token).get("/api/v1/instances", process=process, version=version, state=state, limit=limit)[
        "items"
    ]
    if json:
        show_json(found)
        return
    columns = ["id", "process", "version", "state", "live", "trash", "ok", "failed"]
    rows = [
        [each[column] for column in columns] + [instant(each["started"]), instant(each["finished"])] for each in found
    ]
    show_table([*columns, "started", "finished"], rows)


@instance_app.command("show")
def show_instance(id: Id, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Show an instance with its messages and steps."""
    found = Client(url, token).get(f"/api/v1/instances/{part(id)}")
    if json:
        show_json(found)
        return
    print(f"{found['id']} {found['process']} version {found['version']}: {found['state']}")
    if found["messages"]:
        columns = ["id", "node", "place", "repeats", "reason"]
        show_table(["message", *columns[1:]], [[each[column] for column in columns] for each in found["messages"]])
    if found["steps"]:
        columns = ["node", "outcome", "produced", "status", "worker_us"]
        rows = [[instant(each["ended"])] + [each[column] for column in columns] for each in found["steps"]]
        show_table(["ended", *columns], rows)


@instance_app.command("cancel")
def cancel_instance(id: Id, url: Url = None, token: Token = None, json: Json = False) -> None:
    """End an instance: all its live messages are consumed as cancelled."""
    found = Client(url, token).send("POST", f"/api/v1/instances/{part(id)}/cancel")
    show_json(found) if json else print(f"{found['id']} {found['state']}")


@queue_app.command("list")
def list_queues(
    process: Annotated[str | None, typer.Option(help="Only those of this process.")] = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """List the queues that hold something, and why they wait."""
    found = Client(url, token).get("/api/v1/queues", process=process)
    if json:
        show_json(found)
        return
    columns = ["process", "version", "node", "depth", "in_flight", "delayed", "oldest_ms", "held"]
    show_table(columns, [[each[column] for column in columns] for each in found])
