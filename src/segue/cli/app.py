"""The root of the command line: what stands before any command."""

from importlib.metadata import version
from typing import Annotated

import typer

app = typer.Typer(name="segue", no_args_is_help=True, help="Runs integration processes drawn in BPMN.")


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
