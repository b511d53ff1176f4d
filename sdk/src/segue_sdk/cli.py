"""The command `segue-worker MODULE:WORKER`."""

import argparse
import importlib
import logging
import os
import sys
from pathlib import Path

from segue_sdk.server import StartError
from segue_sdk.worker import Worker

SECRET_VARIABLE = "SEGUE_WORKER_SECRET"


class UsageError(Exception):
    """What the command line names does not exist or is no worker."""


def main(arguments: list[str] | None = None) -> int:
    """Run the worker that the command line names.

    Returns 0 after a clean stop, 1 if the worker cannot start or leaves calls unfinished, 2 for a wrong command line.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        stream=sys.stdout, level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    try:
        worker = load(options.worker)
        worker.secret = worker.secret or os.environ.get(SECRET_VARIABLE) or None
        worker.run(options.host, options.port, grace=options.grace)
    except UsageError as error:
        sys.stderr.write(f"segue-worker: {error}\n")
        return 2
    except StartError as error:
        sys.stderr.write(f"segue-worker: {error}\n")
        return 1
    return _leave(worker)


def load(reference: str) -> Worker:
    """The worker that `module:attribute` names; the attribute is `worker` if none is given. Raises UsageError."""
    module_name, _, attribute = reference.partition(":")
    attribute = attribute or "worker"
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found: object = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise UsageError(f'There is no module "{module_name}" in {folder} or among the installed ones') from error
        raise
    except (ValueError, TypeError) as error:
        raise UsageError(f'"{module_name}" is no name of a module') from error
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise UsageError(f'The module "{module_name}" has no "{attribute}"')
        found = getattr(found, name)
    if not isinstance(found, Worker):
        raise UsageError(f'"{attribute}" in the module "{module_name}" is no Worker but {type(found).__name__}')
    return found


def _leave(worker: Worker) -> int:
    """A sync action that outlived the grace would hold the process for ever: threads cannot be cancelled."""
    unfinished = worker.unfinished
    if not unfinished:
        return 0
    sys.stderr.write(f"segue-worker: left {unfinished} unfinished calls behind\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="segue-worker", description="Serve the actions of a worker.")
    parser.add_argument("worker", metavar="MODULE:WORKER", help="where the worker is, for example crm.actions:worker")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port, 0 for a free one (default %(default)s)")
    parser.add_argument(
        "--grace", type=int, default=30, help="seconds to finish what is in flight at the end (default %(default)s)"
    )
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], default="info")
    parser.epilog = f"The environment variable {SECRET_VARIABLE} sets the secret of a worker that has none in its code."
    return parser


if __name__ == "__main__":
    sys.exit(main())
