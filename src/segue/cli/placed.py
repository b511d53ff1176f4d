"""`segue trash …` and `segue task …`: messages that wait for a person."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.output import Json, instant, show_json, show_table
from segue.model.errors import Invalid

trash_app = typer.Typer(no_args_is_help=True, help="Failed messages: correct them, send them back, discard them.")
task_app = typer.Typer(no_args_is_help=True, help="User tasks.")

Id = Annotated[str, typer.Argument(help="Id of the message.", show_default=False)]
MaybeId = Annotated[
    str | None, typer.Argument(help="Id of the message; without it give conditions.", show_default=False)
]
Process = Annotated[str | None, typer.Option(help="Only messages of this process.")]
Version = Annotated[int | None, typer.Option(help="Only messages of this version.")]
NodeId = Annotated[str | None, typer.Option(help="Only messages of this node (its id).")]
Reason = Annotated[str | None, typer.Option(help="Only messages with this reason code.")]
Body = Annotated[
    str | None, typer.Option("--data", help="Another body: text, or @FILE (@- for stdin).", metavar="TEXT|@FILE")
]
Header = Annotated[
    list[str] | None, typer.Option("--header", help="All headers anew; may be repeated.", metavar="NAME: VALUE")
]


@trash_app.command("list")
def list_trash(
    *,
    process: Process = None,
    version: Version = None,
    node: NodeId = None,
    reason_code: Reason = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """List messages in trash, oldest first."""
    _list(Client(url, token), "trash", conditions_of(process, version, node, reason_code), json)


@trash_app.command("causes")
def causes(
    *,
    process: Process = None,
    version: Version = None,
    node: NodeId = None,
    reason_code: Reason = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Group the messages in trash by what they failed of, the largest group first."""
    found = Client(url, token).get("/api/v1/trash/causes", **conditions_of(process, version, node, reason_code))[
        "items"
    ]
    if json:
        show_json(found)
        return
    columns = ["count", "cause", "process", "node", "reason_code", "reason"]
    rows = [[each[column] for column in columns] + [instant(each["newest"])] for each in found]
    show_table([*columns, "newest"], rows)


@trash_app.command("show")
def show_trash(id: Id, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Show a message in trash with its body."""
    _show(Client(url, token).get(f"/api/v1/trash/{part(id)}"), json)


@trash_app.command("edit")
def edit_trash(
    id: Id, *, data: Body = None, header: Header = None, url: Url = None, token: Token = None, json: Json = False
) -> None:
    """Change body or headers of a message; it stays in trash."""
    correction = correction_of(data, header)
    if not correction:
        raise Invalid("Give --data or --header: what shall change?")
    _show(Client(url, token).send("PUT", f"/api/v1/trash/{part(id)}", correction), json)


@trash_app.command("resend")
def resend(
    id: MaybeId = None,
    *,
    process: Process = None,
    version: Version = None,
    node: NodeId = None,
    reason_code: Reason = None,
    to_version: Annotated[int | None, typer.Option(help="Send it to the same node of this version.")] = None,
    data: Body = None,
    header: Header = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Send a message back to the node it failed on, or all messages that conditions find."""
    conditions = conditions_of(process, version, node, reason_code)
    given: dict[str, Any] = correction_of(data, header)
    if to_version is not None:
        given["version"] = to_version
    if id is not None and not conditions:
        _done(Client(url, token).send("POST", f"/api/v1/trash/{part(id)}/resend", given), "resent", json)
    elif id is None and conditions and not given:
        _many(Client(url, token), "resend", conditions, "resent", json)
    else:
        raise Invalid("Give the id of one message, or conditions such as --process; corrections go with an id")


@trash_app.command("discard")
def discard(
    id: MaybeId = None,
    *,
    process: Process = None,
    version: Version = None,
    node: NodeId = None,
    reason_code: Reason = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Drop a message, or all messages that conditions find; they count as failed."""
    conditions = conditions_of(process, version, node, reason_code)
    if id is not None and not conditions:
        _done(Client(url, token).send("POST", f"/api/v1/trash/{part(id)}/discard"), "discarded", json)
    elif id is None and conditions:
        _many(Client(url, token), "discard", conditions, "discarded", json)
    else:
        raise Invalid("Give the id of one message, or conditions such as --process")


@task_app.command("list")
def list_tasks(
    *,
    process: Process = None,
    version: Version = None,
    node: NodeId = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """List user tasks, oldest first."""
    _list(Client(url, token), "tasks", conditions_of(process, version, node, None), json)


@task_app.command("show")
def show_task(id: Id, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Show a user task with its body."""
    _show(Client(url, token).get(f"/api/v1/tasks/{part(id)}"), json)


@task_app.command("accept")
def accept(
    id: Id, *, data: Body = None, header: Header = None, url: Url = None, token: Token = None, json: Json = False
) -> None:
    """Let the message go on, perhaps with another body."""
    done = Client(url, token).send("POST", f"/api/v1/tasks/{part(id)}/accept", correction_of(data, header))
    _done(done, "accepted", json)


@task_app.command("reject")
def reject(id: Id, url: Url = None, token: Token = None, json: Json = False) -> None:
    """End the message here."""
    _done(Client(url, token).send("POST", f"/api/v1/tasks/{part(id)}/reject"), "rejected", json)


def conditions_of(
    process: str | None, version: int | None, node: str | None, reason_code: str | None
) -> dict[str, object]:
    """Return the conditions that were given."""
    given = {"process": process, "version": version, "node": node, "reason_code": reason_code}
    return {key: value for key, value in given.items() if value is not None}


def correction_of(data: str | None, header: list[str] | None) -> dict[str, Any]:
    """Return the body and headers that were given, as the API takes them. Raises Invalid."""
    given: dict[str, Any] = {}
    if data is not None:
        body = _bytes(data)
        try:
            given["body"] = body.decode()
        except UnicodeDecodeError:
            given |= {"body": base64.b64encode(body).decode(), "encoding": "base64"}
    if header:
        given["headers"] = dict(_split_header(text) for text in header)
    return given


def _bytes(data: str) -> bytes:
    if data == "@-":
        return sys.stdin.buffer.read()
    if not data.startswith("@"):
        return data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise Invalid(f"{data[1:]} cannot be read: {error.strerror}") from None


def _split_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise Invalid(f"--header {text}: write NAME: VALUE")
    return name.strip(), value.strip()


def _list(client: Client, what: str, conditions: dict[str, object], json: bool) -> None:
    found = list(client.items(f"/api/v1/{what}", **conditions))
    if json:
        show_json(found)
        return
    columns = ["id", "process", "version", "node", "reason_code", "reason", "size"]
    rows = [[instant(each["entered"])] + [each[column] for column in columns] for each in found]
    show_table(["entered", *columns], rows)


def _show(found: dict[str, Any], json: bool) -> None:
    if json:
        show_json(found)
        return
    for name in ("id", "process", "version", "node", "instance", "reason_code", "reason"):
        print(f"{name}: {found[name] if found[name] is not None else ''}")
    print(f"entered: {instant(found['entered'])}")
    print(f"there since: {instant(found['since'])}")
    if found["place"] == "trash":
        print(f"attempts: {found['attempts']}")
    for act in found["acts"]:
        print(f"{act['kind']} by {act['by']}: {instant(act['at'])}")
    for name, value in found["headers"].items():
        print(f"header {name}: {value}")
    print(f"body ({found['encoding']}, {found['size']} bytes):")
    print(found["body"])


def _done(result: dict[str, Any], word: str, json: bool) -> None:
    show_json(result) if json else print(word)


def _many(client: Client, what: str, conditions: dict[str, object], word: str, json: bool) -> None:
    result = client.send("POST", f"/api/v1/trash/{what}", conditions)
    if json:
        show_json(result)
        return
    print(f"{result['done']} {word}, {result['gone']} gone meanwhile")
    if result["more"]:
        print("There are more; the same command again goes on with them")
