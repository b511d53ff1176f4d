"""`segue serve` and `segue config`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from segue.cli.output import Json, say, show_json, show_table, warn

Data = Annotated[
    str | None, typer.Option("--data", help="The data folder. [env: SEGUE_DATA]", metavar="DIR", show_default=False)
]


Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="The store: the URL of a database (postgresql://…), or a file that holds one; without it the data"
        " folder's own. [env: SEGUE_STORE]",
        metavar="URL|FILE",
        show_default=False,
    ),
]


Broker = Annotated[
    str | None,
    typer.Option(
        "--broker",
        help="RabbitMQ beside a store that is a database: its URL (amqp://…), or a file that holds one."
        " [env: SEGUE_BROKER]",
        metavar="URL|FILE",
        show_default=False,
    ),
]


def serve(  # noqa: PLR0917 - options
    data: Data = None,
    store: Store = None,
    broker: Broker = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. [env: SEGUE_HOST] [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one. [env: SEGUE_PORT] [default: 8080]")
    ] = None,
    roles: Annotated[
        str | None,
        typer.Option(
            help="What this process does, with commas: api, control, timers, status. [env: SEGUE_ROLES] [default: all]"
        ),
    ] = None,
) -> None:
    """Run the server until SIGTERM or Ctrl-C. Other settings: `segue config`."""
    _run({"data": data, "store": store, "broker": broker, "host": host, "port": port, "roles": roles})


def control_service(  # noqa: PLR0917 - options
    version: Annotated[str, typer.Option(help="Its id, or PROCESS:NUMBER.", show_default=False)],
    data: Data = None,
    store: Store = None,
    broker: Broker = None,
    host: Annotated[str | None, typer.Option(help="Address to answer for its health on. [env: SEGUE_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to answer for its health on; none if not given.")] = None,
    supervised: Annotated[bool, typer.Option("--supervised", hidden=True)] = False,
    container: Annotated[str | None, typer.Option("--container", hidden=True)] = None,
) -> None:
    """Run one more control service of one version until SIGTERM, or until the version is retired."""
    task = {"version": version, "supervised": supervised, "container": container}
    _run({"data": data, "store": store, "broker": broker, "host": host, "port": port}, task)


def _run(flags: dict[str, object], task: dict[str, Any] | None = None) -> None:
    import logging  # noqa: PLC0415

    from segue.config import load  # noqa: PLC0415

    configuration = load(flags=flags)
    for warning in configuration.warnings:
        warn(f"Warning: {warning}")
    settings = configuration.settings
    from segue.bootstrap.server import run_server  # noqa: PLC0415 - everything of the engine hangs on it
    from segue.bootstrap.shape import Task  # noqa: PLC0415

    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    run_server(configuration, say, warn, Task(**task or {}))


def config(data: Data = None, json: Json = False) -> None:
    """Print every setting, what it is and who decided. Secrets are masked."""
    from segue.config import load  # noqa: PLC0415

    configuration = load(flags={"data": data})
    for warning in configuration.warnings:
        warn(f"Warning: {warning}")
    listed = configuration.listed
    if json:
        show_json(
            [{"name": each.name, "value": each.value, "origin": each.origin, "about": each.about} for each in listed]
        )
        return
    show_table(["setting", "value", "origin", "what it is"], [(e.name, e.value, e.origin, e.about) for e in listed])
