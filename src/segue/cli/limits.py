"""`segue limit …`: what holds, who waits, and limits that people give."""

from __future__ import annotations

from typing import Annotated

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.output import Json, instant, show_json, show_table
from segue.core.iso8601 import TimeError, parse_duration
from segue.model.errors import Invalid

app = typer.Typer(no_args_is_help=True, help="Limits: calls in a window for a key, over all processes and versions.")

Key = Annotated[str, typer.Argument(help="The key, such as crm, '|crm' (everybody) or 'ann|crm'.", show_default=False)]


@app.command("list")
def list_limits(*, url: Url = None, token: Token = None, json: Json = False) -> None:
    """List every key with its rules, what they leave, and who waits."""
    found = Client(url, token).get("/api/v1/limits")["items"]
    if json:
        show_json(found)
        return
    rows = []
    for each in found:
        rules = ", ".join(
            f"{r['used']}/{r['calls']} in {r['per_ms'] / 1000:g} s ({r['origin']})" for r in each["rules"]
        )
        end = instant(each["expected_end"]) if each["expected_end"] is not None else ""
        rows.append([each["key"], rules, each["running"], each["waiting"], end])
    show_table(["key", "rules", "running", "waiting", "expected end"], rows)


@app.command("set")
def set_limit(
    key: Key,
    rule: Annotated[list[str], typer.Option("--rule", help="CALLS/DURATION such as 60/PT1M; may be repeated.")],
    *,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Give rules for a key, in the place of those given before."""
    given = {"rules": [_rule(text) for text in rule], "note": note}
    answer = Client(url, token).send("PUT", f"/api/v1/limits/{part(key)}", given)
    show_json(answer) if json else print("set")


@app.command("remove")
def remove(key: Key, url: Url = None, token: Token = None) -> None:
    """Take away what a person gave for a key."""
    Client(url, token).send("DELETE", f"/api/v1/limits/{part(key)}")
    print("removed")


def _rule(text: str) -> dict[str, int]:
    calls, slash, per = text.partition("/")
    try:
        if not slash or not (calls.isascii() and calls.isdecimal()):
            raise TimeError("write CALLS/DURATION")
        duration = parse_duration(per)
    except TimeError as error:
        raise Invalid(f"--rule {text}: {error}, such as 60/PT1M") from None
    if duration.months:
        raise Invalid(f"--rule {text}: months have no fixed length")
    return {"calls": int(calls), "per_ms": duration.days * 86_400_000 + duration.exact_ms}
