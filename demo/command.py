"""The command behind `make demo`: plays the story, then stays until Ctrl-C, or ends by itself with EXIT=1."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import msgspec
from rich.console import Console

from demo.api import Api, ApiError
from demo.children import ChildError, Children
from demo.data import DataError, Order, between, read_orders
from demo.proof import Result
from demo.show import Show
from demo.stage import DemoError, Stage
from demo.story import CLOSING, Plan, Story

FIRST, LAST = "1997-02-01", "1997-03-31"


def main() -> int:
    """Play the demo. 0 when every record arrived and the account balances, 1 when not, 130 after Ctrl-C on the way."""
    options = _options()
    try:
        orders = between(read_orders(), options.first, options.last)
        if not orders:
            raise DataError(f"There are no orders from {options.first} to {options.last}")
    except DataError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="segue-demo-"))
    try:
        code = asyncio.run(_played(options, orders, folder))
    except asyncio.CancelledError:
        code = 130
    if code == 1:
        print(f"demo: the logs of all processes are in {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo/run", description="Real orders through a drawn process, and the proof.")
    parser.add_argument("--data", type=Path, help="keep Segue's data in this folder (default: a temporary one)")
    parser.add_argument("--first", default=FIRST, help="first trading day (default %(default)s)")
    parser.add_argument("--last", default=LAST, help="last trading day (default %(default)s)")
    parser.add_argument("--exit", action="store_true", help="end when all is proven; the last line is a JSON object")
    parser.set_defaults(exit=os.environ.get("EXIT", "") not in {"", "0"})
    return parser.parse_args()


async def _played(options: argparse.Namespace, orders: list[Order], folder: Path) -> int:
    """Play the story with all its processes around it; they are ended whatever happens. Returns the exit code."""
    _cancel_on_signals()
    console = Console(highlight=False)
    show = Show(console if console.is_terminal else Console(highlight=False, width=120))
    children = Children(folder)
    stage = Stage(children, (options.data or folder / "data").resolve())
    plan = Plan(orders=orders, run=f"demo-{time.time_ns():x}")
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            result = await Story(plan, stage, children, show, session).play()
            _report(show, result)
            if not options.exit:
                await _stay(show, stage, children, session)
    except (DemoError, ChildError, ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
        print(f"demo: {str(error) or repr(error)}", file=sys.stderr)
        return 1
    finally:
        await children.stop()
    if options.exit:
        print(msgspec.json.encode(result).decode(), flush=True)
    return 0 if result.ok else 1


def _report(show: Show, result: Result) -> None:
    show.console.print()
    rate = result.messages / max(result.flow_seconds, 0.1)
    show.line(
        f"{result.arrived:,} of {result.orders:,} orders arrived at every target, as {result.messages:,} messages in "
        f"{result.flow_seconds:g} s ({rate:,.0f} a second, the crash included)"
    )
    show.line(
        f"{result.repeated_calls} calls came again after the crash and were recognised by their message-id, "
        f"{result.asked_again} met a locked contact and were repeated, {result.doubled} records came twice"
    )
    for problem in result.problems:
        show.line(problem, "bold red")
    if result.ok:
        show.line("Every record arrived, every message is accounted for.", "bold green")


async def _stay(show: Show, stage: Stage, children: Children, session: aiohttp.ClientSession) -> None:
    """Let the timer tick again and keep everything running until a signal comes."""
    api = Api(session, stage.url, stage.token)
    newest = (await api.get(f"/processes/{CLOSING}"))["versions"][-1]["version"]
    await api.post(f"/processes/{CLOSING}/versions/{newest}/enable")
    show.headline("Segue stays until Ctrl-C")
    if (await api.get("/setup"))["needed"]:
        show.line(f"Look around in the Admin; this link signs you in, once: {await stage.first_link()}", "bold")
    else:
        show.line(f"Look around in the Admin: {stage.url}/", "bold")
    show.line(f"For the API and the command line: {stage.url}  (token: {stage.token})")
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            children.check()
            await asyncio.sleep(0.5)


def _cancel_on_signals() -> None:
    """Turn the first signal to end into the end of the story; further ones do not cut the clearing up."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    asked: list[int] = []

    def end(number: int) -> None:
        asked.append(number)
        if len(asked) == 1 and task is not None:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
