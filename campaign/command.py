"""The command behind `make campaign`: runs the campaigns and prints one JSON object for each."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from campaign import (
    batch,
    cluster,
    disk,
    figures,
    hosts,
    kill,
    limits,
    migrate,
    order,
    outage,
    reports,
    sinks,
    switch,
    trash,
    upgrade,
)
from campaign.api import NO_ANSWER, RefusedError
from campaign.plan import EMBEDDED, HOSTS, RABBITMQ_HOSTS, SEVERAL, STORES, Plan
from campaign.processes import ProcessError
from campaign.result import Result
from campaign.sickness import CASES
from campaign.troubles import TROUBLES
from campaign.waiting import OverdueError


class Campaign(Struct, frozen=True):
    """A campaign: how it is run, how many faults it has when nobody says, which cases there are to choose from, and
    what it stands on where that is not to be chosen."""

    run: Callable[[Plan, Path], Awaitable[Result]]
    faults: int
    cases: tuple[str, ...] = ()
    store: str | None = None


CAMPAIGNS = {
    "kill": Campaign(kill.campaign, 200),
    "kill-joins": Campaign(kill.campaign_with_joins, 100),
    "switch": Campaign(switch.campaign, 500),
    "switch-kill": Campaign(switch.campaign_with_kills, 500),
    "cluster": Campaign(cluster.campaign, 300, store=SEVERAL),
    "hosts": Campaign(hosts.campaign, 100, tuple(hosts.PLAYS), HOSTS),
    "hosts-rabbitmq": Campaign(hosts.campaign_with_broker, 100, tuple(hosts.PLAYS_WITH_BROKER), RABBITMQ_HOSTS),
    "migrate": Campaign(migrate.campaign, 10),
    "upgrade": Campaign(upgrade.campaign, 10),
    "batch": Campaign(batch.campaign, 20),
    "limits": Campaign(limits.campaign, 200),
    "trash": Campaign(trash.campaign, 5),
    "order": Campaign(order.campaign, 20),
    "outage": Campaign(outage.campaign, 45, tuple(case.name for case in CASES)),
    "reports": Campaign(reports.campaign, 50),
    "figures": Campaign(figures.campaign, 100),
    "sinks": Campaign(sinks.campaign, 120),
    "disk": Campaign(disk.campaign, 24, tuple(trouble.name for trouble in TROUBLES)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaigns. 0 when all showed what they had to, 1 when one did not, 130 after a signal."""
    options = _options(arguments)
    code = 0
    try:
        for name in options.names:
            code = max(code, asyncio.run(_run(name, options)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    return code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    said = os.environ
    known = ", ".join(CAMPAIGNS)
    parser = argparse.ArgumentParser(prog="campaign/run", description="The long campaigns against crashes and faults.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run: {known} (default: ONLY, or all)")
    parser.add_argument("--faults", type=int, help="how many faults each gets (default: FAULTS, or its own number)")
    parser.add_argument("--seed", type=int, help="the dice (default: SEED, or a random one, which is printed)")
    parser.add_argument(
        "--store",
        choices=STORES,
        default=said.get("STORE") or EMBEDDED,
        help="what the campaigns stand on; cluster always has several processes, hosts and hosts-rabbitmq have hosts"
        " (default: STORE, or embedded)",
    )
    parser.add_argument("--keep", type=Path, help="put data folders and logs below this folder, and keep them")
    parser.add_argument("--case", action="append", default=[], help="play this case of the campaign; repeatable")
    options = parser.parse_args(arguments)
    options.names = options.names or said.get("ONLY", "").replace(",", " ").split() or list(CAMPAIGNS)
    for name in options.names:
        if name not in CAMPAIGNS:
            parser.error(f"there is no campaign {name!r}; there are {known}")
    for option in ("faults", "seed"):
        text = said.get(option.upper(), "")
        if getattr(options, option) is None and text:
            if not text.isdecimal():
                parser.error(f"{option.upper()} has to be a whole number, and is {text!r}")
            setattr(options, option, int(text))
    cases = [case for name in options.names for case in CAMPAIGNS[name].cases]
    for case in options.case:
        if case not in cases:
            parser.error(f"there is no case {case!r}; there are {', '.join(cases) or 'none'}")
    if options.store not in STORES:
        parser.error(f"STORE has to be one of {', '.join(STORES)}, and is {options.store!r}")
    if options.faults is not None and options.faults < 1:
        parser.error("a campaign needs at least one fault")
    return options


async def _run(name: str, options: argparse.Namespace) -> int:
    """Run one campaign and print its line; its folder is kept when something is wrong."""
    _cancel_on_signals()
    campaign = CAMPAIGNS[name]
    seed = secrets.randbelow(1 << 31) if options.seed is None else options.seed
    faults = options.faults or len(options.case) or campaign.faults
    plan = Plan(faults=faults, seed=seed, cases=tuple(options.case), store=campaign.store or options.store)
    plan.tell(name, f"{plan.faults} faults, seed {seed}, on {plan.store}")
    folder = Path(tempfile.mkdtemp(prefix=f"segue-{name}-", dir=_made(options.keep)))
    began = time.monotonic()
    kept = True
    try:
        result = await _result(name, campaign, plan, folder)
        kept = options.keep is not None or not result.ok
        print(msgspec.json.encode(result).decode(), flush=True)
    except asyncio.CancelledError:
        kept = options.keep is not None
        raise
    finally:
        plan.tell(name, f"{time.monotonic() - began:.0f} s in all")
        if kept:
            plan.tell(name, f"data and logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if result.ok else 1


async def _result(name: str, campaign: Campaign, plan: Plan, folder: Path) -> Result:
    """What comes of a campaign, also when it could not be played to its end."""
    try:
        return await campaign.run(plan, folder)
    except (OverdueError, ProcessError, RefusedError, *NO_ANSWER) as error:
        result = Result.empty(name, plan)
        result.balanced = False
        result.problems = [f"not played to its end: {type(error).__name__}: {error}"]
        return result


def _made(folder: Path | None) -> Path | None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cancel_on_signals() -> None:
    """Turn a signal to end into the end of the campaign, so that all it started is ended, too."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if task is not None:
            loop.add_signal_handler(number, task.cancel)


if __name__ == "__main__":
    sys.exit(main())
