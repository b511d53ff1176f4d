"""Two hosts with a copy of a control service each, beside one host with one: what the second host adds.

`python -m bench.hosts [--seconds 4] [--rounds 16]`, as root. A host is a network namespace that a pair of virtual
cables (veth) joins to this machine: the kernel's own network, with a way of its own to PostgreSQL and to the worker.
Those, the API and the load stay on this machine, and all share its cores. What was made is removed at the end, also
after an error, Ctrl-C or SIGTERM; after a `kill -9` it is called `segue-bench-*` (`ip netns delete`).
"""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from msgspec import Struct

from bench.postgres import TUNED, TURN_S, TURNS, beside_one, database
from bench.stack import control_service, worker
from segue.testing.postgres import NoPostgres, find_programs, running

# For measuring networks (RFC 2544): no machine is reached under these addresses. Campaigns use the other half.
RANGE = ipaddress.IPv4Network("198.19.0.0/16")
KEY = "segue.key"


class Host(Struct, frozen=True):
    """A host that is on: the name of its namespace, and of the end of its cable on this machine."""

    name: str
    cable: str

    @contextlib.contextmanager
    def control_service(self, folder: Path, data: Path, store: str, version: str) -> Iterator[int]:
        """A control service here, with a data folder of its own that holds the key of the others; its process."""
        own = folder / self.name
        own.mkdir(exist_ok=True)
        shutil.copy2(data / KEY, own / KEY)
        # `ip netns exec` becomes what it is told to run: the process has the id of the command.
        with control_service(own, store, version, ("ip", "netns", "exec", self.name)) as pid:
            yield pid


class Hosts(Struct, frozen=True):
    """Some hosts, and the address under which they reach this machine."""

    address: str
    all: tuple[Host, ...]


@contextlib.contextmanager
def hosts(count: int) -> Iterator[Hosts]:
    """So many hosts, for some time."""
    here, *there = (str(address) for _, address in zip(range(count + 1), free_network().hosts(), strict=False))
    made = [Host(f"segue-bench-{os.getpid()}-{number}", f"sgb{os.getpid()}-{number}") for number in range(count)]
    with contextlib.ExitStack() as opened:
        for host, address in zip(made, there, strict=True):
            # Before it is made, so that half of it is removed, too.
            opened.callback(_remove, host)
            _make(host, address, here)
        yield Hosts(here, tuple(made))


def _make(host: Host, address: str, here: str) -> None:
    """Switch a host on and lay its cable; this machine has one address for all of them."""
    inside = ("-n", host.name)
    _ip("netns", "add", host.name)
    _ip("link", "add", host.cable, "type", "veth", "peer", "name", "cable", "netns", host.name)
    _ip("addr", "add", here, "peer", address, "dev", host.cable)
    _ip("link", "set", host.cable, "up")
    _ip(*inside, "addr", "add", address, "peer", here, "dev", "cable")
    for link in ("lo", "cable"):
        _ip(*inside, "link", "set", link, "up")


def _remove(host: Host) -> None:
    """Take away what there is of a host, first what still runs there."""
    with contextlib.suppress(RuntimeError):
        for pid in _ip("netns", "pids", host.name).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    for command in (("link", "delete", host.cable), ("netns", "delete", host.name)):
        with contextlib.suppress(RuntimeError):
            _ip(*command)


def free_network() -> ipaddress.IPv4Network:
    """A small network that no address and no route of this machine touches. Raises RuntimeError."""
    addresses = [
        ipaddress.IPv4Network(f"{address['local']}/{address['prefixlen']}", strict=False)
        for link in json.loads(_ip("-4", "-json", "address"))
        for address in link.get("addr_info", ())
    ]
    routes = [
        ipaddress.IPv4Network(route["dst"])
        for route in json.loads(_ip("-4", "-json", "route", "show", "table", "all"))
        if route["dst"] != "default"
    ]
    small = list(RANGE.subnets(new_prefix=24))
    begin = os.getpid() % len(small)
    for network in chain(small[begin:], small[:begin]):
        if not any(network.overlaps(used) for used in chain(addresses, routes)):
            return network
    raise RuntimeError(f"all of {RANGE} is in use")


def _ip(*arguments: str) -> str:
    """What the command `ip` prints. Raises RuntimeError with what it complains about."""
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def why_not() -> str:
    """What is missing here; empty when nothing is."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    for command, package in (("ip", "iproute2"), ("wrk", "wrk")):
        if shutil.which(command) is None:
            return f"the command {command} is missing (system package {package})"
    try:
        find_programs()
    except NoPostgres as error:
        return str(error)
    return ""


def measure(seconds: float, rounds: int) -> None:
    """One copy on one host, and two on two, in turns."""
    secret = secrets.token_hex(16)
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name,
        hosts(2) as made,
        # What listens beyond loopback wants to be told who asks.
        running(TUNED, made.address, "scram-sha-256") as cluster,
        worker(made.address, secret) as at,
    ):
        folder = Path(name)
        data, store = folder / "data", cluster.url(database(cluster, "hosts"))
        one, other = (partial(host.control_service, folder, data, store) for host in made.all)
        scenario = "k: two hosts with a control service of {} each"
        beside_one(scenario, data, store, at, (one, other), seconds=seconds, rounds=rounds, secret=secret)


def _end(number: int, _frame: object) -> None:
    """End in order at the first signal; what is then removed is removed undisturbed by a second one."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main() -> None:
    """Measure, where it can be done."""
    parser = argparse.ArgumentParser(prog="python -m bench.hosts", description="Two hosts beside one, on PostgreSQL.")
    parser.add_argument("--seconds", type=int, default=TURN_S, help="how long each rate is measured (default: 4)")
    parser.add_argument("--rounds", type=int, default=TURNS, help="how often two are measured (default: 16)")
    asked = parser.parse_args()
    if min(asked.seconds, asked.rounds) < 1:
        parser.error("seconds and rounds are 1 or more")
    if why := why_not():
        raise SystemExit(f"There are no hosts here: {why}")
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _end)
    measure(asked.seconds, asked.rounds)


if __name__ == "__main__":
    main()
