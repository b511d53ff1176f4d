"""Commands that open the data folder themselves, also beside a running server: tokens, users, audit, backup."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.output import Json, instant, say, show_json, show_table, warn
from segue.cli.server import Data, Store
from segue.model.errors import Invalid

if TYPE_CHECKING:
    from segue.config import Settings

token_app = typer.Typer(no_args_is_help=True, help="API tokens.")
user_app = typer.Typer(no_args_is_help=True, help="People who sign in.")

Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        help="start, read, operate, edit, worker or admin (all of them); may be repeated.",
        show_default="admin",
    ),
]


@token_app.command("create")
def create_token(
    name: Annotated[str, typer.Option(help="What it is for.", show_default=False)],
    data: Data = None,
    store: Store = None,
    scope: Scopes = None,
    json: Json = False,
) -> None:
    """Make a token in a store and print it; it is stored as a digest and cannot be shown again."""
    from segue.bootstrap import offline  # noqa: PLC0415

    made = asyncio.run(offline.create_token(_settings(data, store), name, tuple(scope or ["admin"])))
    if json:
        show_json({"id": made.token.id, "name": name, "scopes": list(made.token.scopes), "token": made.text})
    else:
        say(made.text)


@token_app.command("list")
def list_tokens(
    data: Data = None, store: Store = None, url: Url = None, token: Token = None, json: Json = False
) -> None:
    """List the tokens of a store (--data, --store), or with --url of a server."""
    found: list[dict[str, Any]]
    if _online(data or store, url):
        found = list(Client(url, token).items("/api/v1/tokens"))
    else:
        from segue.bootstrap import offline  # noqa: PLC0415

        found = asyncio.run(offline.list_tokens(_settings(data, store)))
    if json:
        show_json(found)
        return
    rows = [
        [each["id"], each["name"], ", ".join(each["scopes"]), instant(each["created"]), instant(each["last_used"])]
        for each in found
    ]
    show_table(["id", "name", "scopes", "created", "last used"], rows)


@token_app.command("revoke")
def revoke_token(
    id: Annotated[str, typer.Argument(help="Id of the token; see `segue token list`.", show_default=False)],
    data: Data = None,
    store: Store = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Revoke a token. A running server forgets it at once (--url), or within 5 s (--data)."""
    if _online(data or store, url):
        Client(url, token).send("DELETE", f"/api/v1/tokens/{part(id)}")
        return
    from segue.bootstrap import offline  # noqa: PLC0415

    asyncio.run(offline.revoke_token(_settings(data, store), id))


@user_app.command("create")
def create_user(
    email: Annotated[str, typer.Option(help="Address to sign in with.", show_default=False)],
    data: Data = None,
    store: Store = None,
    scope: Scopes = None,
) -> None:
    """Make a user. Asks for the password, or reads it from the first line of stdin when that is no terminal."""
    from segue.bootstrap import offline  # noqa: PLC0415

    settings = _settings(data, store)
    user = asyncio.run(offline.create_user(settings, email, _password(), tuple(scope or ["admin"])))
    say(user.email)


@user_app.command("list")
def list_users(data: Data = None, store: Store = None, json: Json = False) -> None:
    """List the users of a store."""
    from segue.bootstrap import offline  # noqa: PLC0415

    found = asyncio.run(offline.list_users(_settings(data, store)))
    if json:
        show_json(found)
        return
    rows = [[each["id"], each["email"], ", ".join(each["scopes"]), instant(each["created"])] for each in found]
    show_table(["id", "email", "scopes", "created"], rows)


def audit(data: Data = None, store: Store = None, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Prove the ledger of a store (--data, --store) or a server from stored rows; exit 1 if it does not balance."""
    if _online(data or store, url):
        found = Client(url, token).get("/api/v1/audit")
    else:
        from segue.bootstrap import offline  # noqa: PLC0415

        found = asyncio.run(offline.audit(_settings(data, store)))
    if json:
        show_json(found)
    else:
        _print_audit(found)
    raise typer.Exit(0 if found["balanced"] else 1)


def backup(
    target: Annotated[Path, typer.Argument(help="Folder to be made; it must not exist.", show_default=False)],
    data: Data = None,
) -> None:
    """Copy a data folder, also while its server runs. The copy is one consistent state and can be served from."""
    from segue.bootstrap import offline  # noqa: PLC0415

    size = offline.backup(_settings(data, None), target)
    say(f"{target}: {size} bytes")


def migrate(
    to: Annotated[
        str,
        typer.Option(
            help="postgresql://…, a file that holds such a URL, or sqlite:DIR.", metavar="URL|FILE|sqlite:DIR"
        ),
    ],
    data: Data = None,
    store: Store = None,
    wait: Annotated[int, typer.Option(help="How long to wait for the servers to stop (s).", min=0)] = 600,
    json: Json = False,
) -> None:
    """Move everything to another store: from a data folder to PostgreSQL, or back. The servers may run for most of it.

    What does not change any more is copied first; then it says that the servers have to stop, waits until they have,
    and copies the rest. The account is the same before and after, or nothing is moved.
    """
    from segue.bootstrap import offline  # noqa: PLC0415

    settings = _settings(data, store)
    moved = asyncio.run(offline.migrate(settings, to, float(wait), warn))
    if json:
        show_json(moved)
        return
    _print_audit({**moved["after"], "faults": []})
    rows = moved["rows_before"] + moved["rows_after"]
    say(f"{rows} rows are moved, {moved['rows_after']} of them in the {moved['stopped_s']} s without a server")


def _online(data: str | None, url: str | None) -> bool:
    """Whether to ask a server. Raises Invalid when both a store and a server are named."""
    if data is not None and url is not None:
        raise Invalid("Give --data or --store, or --url, not both")
    return data is None


def _settings(data: str | None, store: str | None) -> Settings:
    from segue.config import load  # noqa: PLC0415

    return load(flags={"data": data, "store": store}).settings


def _password() -> str:
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def _print_audit(found: dict[str, Any]) -> None:
    columns = ["process", "version", "accepted", "produced", "consumed", "queued", "delayed", "waiting", "trash"]
    show_table(columns, [[line[column] for column in columns] for line in found["versions"]])
    for fault in found["faults"]:
        print(f"fault: {fault}")
    print("balanced" if found["balanced"] else "NOT balanced")
