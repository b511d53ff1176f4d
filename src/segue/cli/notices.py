"""`segue sender …`, `segue rule …`, `segue notice …`: who is told of what, and what became of it."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.output import Json, instant, show_json, show_table
from segue.model.errors import Invalid

sender_app = typer.Typer(no_args_is_help=True, help="Senders: the ways out for notices.")
rule_app = typer.Typer(no_args_is_help=True, help="Rules: who is told of what.")
notice_app = typer.Typer(no_args_is_help=True, help="Notices: what was told, and what became of it.")

Name = Annotated[str, typer.Argument(help="Name of the sender.", show_default=False)]
Settings = Annotated[
    str,
    typer.Option(
        help='Its settings as JSON, or @FILE (@- for stdin), such as {"kind": "url", "url": "https://…"}.',
        metavar="JSON|@FILE",
        show_default=False,
    ),
]
RuleId = Annotated[str, typer.Argument(help="Id of the rule; see `segue rule list`.", show_default=False)]
Key = Annotated[str, typer.Argument(help="Key of the notice; see `segue notice list`.", show_default=False)]


@sender_app.command("add")
def add_sender(name: Name, settings: Settings, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Make a sender, or change one; secrets that are not given stay."""
    client = Client(url, token)
    given = _settings(settings)
    known = {sender["name"] for sender in client.items("/api/v1/senders")}
    if name in known:
        found = client.send("PUT", f"/api/v1/senders/{part(name)}", {"settings": given})
    else:
        found = client.send("POST", "/api/v1/senders", {"name": name, "settings": given})
    show_json(found) if json else print(f"{found['name']} {found['kind']}")


@sender_app.command("list")
def list_senders(url: Url = None, token: Token = None, json: Json = False) -> None:
    """List the senders and how they are doing."""
    found = list(Client(url, token).items("/api/v1/senders"))
    if json:
        show_json(found)
        return
    columns = ["name", "kind", "delivered", "failed", "error"]
    rows = [
        [each["name"], each["kind"], instant(each["delivered_at"]), instant(each["failed_at"]), each["error"]]
        for each in found
    ]
    show_table(columns, rows)


@sender_app.command("test")
def check_sender(name: Name, url: Url = None, token: Token = None, json: Json = False) -> None:
    """Send a notice that says it is a test; exit code 1 when it does not arrive."""
    found = Client(url, token).send("POST", f"/api/v1/senders/{part(name)}/test")
    show_json(found) if json else print("ok" if found["ok"] else found["problem"])
    raise typer.Exit(0 if found["ok"] else 1)


@sender_app.command("remove")
def remove_sender(name: Name, url: Url = None, token: Token = None) -> None:
    """Forget a sender that no rule uses."""
    Client(url, token).send("DELETE", f"/api/v1/senders/{part(name)}")


@rule_app.command("add")
def add_rule(
    name: Annotated[str, typer.Argument(help="Name of the rule.", show_default=False)],
    *,
    on: Annotated[list[str], typer.Option(help="Kind of event; may be repeated.", show_default=False)],
    sender: Annotated[str, typer.Option(help="Name of the sender.", show_default=False)],
    process: Annotated[str | None, typer.Option(help="Only events of this process.")] = None,
    folder: Annotated[str | None, typer.Option(help="Only events of processes in this folder and below.")] = None,
    digest: Annotated[int, typer.Option(help="Gather events so many seconds into one notice.")] = 0,
    together: Annotated[bool, typer.Option(help="A digest has all events of the rule in one notice.")] = False,
    repeat: Annotated[int, typer.Option(help="Only count the same for so many seconds after a notice.")] = 0,
    quiet: Annotated[str | None, typer.Option(help="Notices wait meanwhile.", metavar="22:00-06:00")] = None,
    zone: Annotated[str, typer.Option(help="Time zone of the quiet hours.")] = "UTC",
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Make a rule. It applies to what happens from now on."""
    value: dict[str, Any] = {"name": name, "events": on, "sender": sender, "group_s": digest, "repeat_s": repeat}
    value |= {key: given for key, given in (("process", process), ("folder", folder)) if given is not None}
    if together:
        value["group_by"] = "rule"
    if quiet is not None:
        begins, _, ends = quiet.partition("-")
        value["quiet"] = {"begins": begins, "ends": ends, "zone": zone}
    found = Client(url, token).send("POST", "/api/v1/notice-rules", value)
    show_json(found) if json else print(found["id"])


@rule_app.command("list")
def list_rules(url: Url = None, token: Token = None, json: Json = False) -> None:
    """List the rules."""
    found = list(Client(url, token).items("/api/v1/notice-rules"))
    if json:
        show_json(found)
        return
    rows = [
        [
            each["id"],
            each["name"],
            "" if each["enabled"] else "off",
            ", ".join(each["events"]),
            each["process"] or (each["folder"] and f"{each['folder']}/") or "everything",
            each["sender"],
        ]
        for each in found
    ]
    show_table(["id", "name", "", "events", "of", "sender"], rows)


@rule_app.command("remove")
def remove_rule(id: RuleId, url: Url = None, token: Token = None) -> None:
    """Forget a rule; the notices it has made stay."""
    Client(url, token).send("DELETE", f"/api/v1/notice-rules/{part(id)}")


@notice_app.command("list")
def list_notices(
    *,
    state: Annotated[str | None, typer.Option(help="gathering, pending, delivered or given-up.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only those for this sender.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=500)] = 50,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """The delivery log, newest first."""
    found = Client(url, token).get("/api/v1/notices", state=state, sender=sender, limit=limit)["items"]
    if json:
        show_json(found)
        return
    rows = [
        [each["key"], instant(each["last_at"]), each["title"], each["state"], each["attempts"], each["error"]]
        for each in found
    ]
    show_table(["key", "at", "title", "state", "tries", "error"], rows)


@notice_app.command("show")
def show_notice(key: Key, url: Url = None, token: Token = None) -> None:
    """Show a notice with what it tells, as JSON."""
    show_json(Client(url, token).get(f"/api/v1/notices/{part(key)}"))


@notice_app.command("resend")
def resend_notice(key: Key, url: Url = None, token: Token = None) -> None:
    """Try a notice again from the beginning, under the same key."""
    Client(url, token).send("POST", f"/api/v1/notices/{part(key)}/resend")


def _settings(text: str) -> dict[str, Any]:
    if text.startswith("@"):
        try:
            text = sys.stdin.read() if text == "@-" else Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"--settings {text}: {error}") from None
    try:
        value = json_module.loads(text)
    except ValueError as error:
        raise Invalid(f"--settings: no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Invalid("--settings: give a JSON object")
    return value
