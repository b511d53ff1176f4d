"""The root of the command line: which commands there are, and how each of them may end.

Exit codes: 0 done; 1 refused, failed, or the check found something; 2 wrong usage; 3 the server cannot be reached;
4 the server does not let us; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from segue.cli import (
    data,
    files,
    instances,
    limits,
    messages,
    notices,
    operations,
    placed,
    processes,
    server,
    services,
    top,
    workers,
)
from segue.cli.output import fail
from segue.model.errors import ScopeMissing, SegueError, Unauthenticated

EPILOG = (
    "Exit codes: 0 done; 1 refused, failed, or the check found something; 2 wrong usage; "
    "3 the server cannot be reached; 4 the server does not let us; 130 interrupted."
)

app = typer.Typer(
    name="segue",
    no_args_is_help=True,
    help="Runs integration processes drawn in BPMN.",
    epilog=EPILOG,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"segue {version('segue')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run integration processes drawn in BPMN."""


app.command("serve")(server.serve)
app.command("control-service")(server.control_service)
app.command("config")(server.config)
app.command("deploy")(files.deploy)
app.command("check")(files.check)
app.command("start")(instances.start)
app.command("top")(top.top)
app.command("audit")(data.audit)
app.command("backup")(data.backup)
app.command("migrate")(data.migrate)
for name, group in (
    ("process", processes.process_app),
    ("version", processes.version_app),
    ("instance", instances.instance_app),
    ("queue", instances.queue_app),
    ("trash", placed.trash_app),
    ("task", placed.task_app),
    ("message", messages.app),
    ("operation", operations.app),
    ("limit", limits.app),
    ("worker", workers.app),
    ("sender", notices.sender_app),
    ("rule", notices.rule_app),
    ("notice", notices.notice_app),
    ("service", services.app),
    ("token", data.token_app),
    ("user", data.user_app),
):
    app.add_typer(group, name=name)


def run() -> None:
    """Run one command and end with its exit code; whatever goes wrong is one sentence on stderr."""
    try:
        app(prog_name="segue")
    except (Unauthenticated, ScopeMissing) as error:
        fail(error.detail, 4)
    except SegueError as error:
        fail(error.detail, 3 if error.code == "unreachable" else 1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone. Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
