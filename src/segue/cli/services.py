"""`segue service …`: control services, and the processes of an installation."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from segue.cli.client import Client, Token, Url, part
from segue.cli.output import Json, instant, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Control services: what runs each version, where and how.")

Process = Annotated[str, typer.Argument(help="Name of the process.", show_default=False)]
_MIB = 1 << 20


@app.command("list")
def list_services(
    process: Annotated[str | None, typer.Option(help="Of this process only.", show_default=False)] = None,
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """List the control services of all processes of the installation."""
    path = "/api/v1/control-services" + (f"?process={part(process)}" if process is not None else "")
    found = Client(url, token).get(path)["items"]
    if json:
        show_json(found)
        return
    columns = ["id", "process", "version", "status", "since", "restarts", "deployer", "container", "host", "pid"]
    rows = [[*(_shown(service, column) for column in columns), *_load(service)] for service in found]
    show_table([*columns, "messages/s", "cpu", "MiB"], rows)


@app.command("restart")
def restart_service(
    id: Annotated[str, typer.Argument(help="Id of the control service; see `segue service list`.", show_default=False)],
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Have a control service finish what is in flight, and start anew."""
    asked = Client(url, token).send("POST", f"/api/v1/control-services/{part(id)}/restart")
    show_json(asked) if json else print(f"{asked['process']} version {asked['version']} on {asked['host']} restarts")


@app.command("deployer")
def choose_deployer(
    process: Process,
    deployer: Annotated[
        str, typer.Argument(help="inline, process, docker, or default (as the installation does).", show_default=False)
    ],
    url: Url = None,
    token: Token = None,
    json: Json = False,
) -> None:
    """Choose how the control services of a process are run: beside the others, or each in a process or a container."""
    chosen = None if deployer == "default" else deployer
    made = Client(url, token).send("PUT", f"/api/v1/processes/{part(process)}/deployer", {"deployer": chosen})
    show_json(made) if json else print(f"{made['name']}: {made['deployer'] or 'default'}")


@app.command("members")
def list_members(url: Url = None, token: Token = None, json: Json = False) -> None:
    """List the processes of the installation."""
    found = Client(url, token).get("/api/v1/members")["items"]
    if json:
        show_json(found)
        return
    rows = [[m["id"], m["host"], m["pid"], ", ".join(m["roles"]), m["release"], instant(m["started"])] for m in found]
    show_table(["id", "host", "pid", "roles", "release", "started"], rows)


def _shown(service: dict[str, Any], column: str) -> object:
    return instant(service[column]) if column == "since" else service[column]


def _load(service: dict[str, Any]) -> list[str]:
    cpu, memory = service["cpu"], service["memory"]
    return [
        f"{service['rate']:.1f}",
        "" if cpu is None else f"{cpu:.1%}",
        "" if memory is None else f"{memory / _MIB:.0f}" + ("*" if service["shared"] else ""),
    ]
