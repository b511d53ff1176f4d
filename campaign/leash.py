"""Runs a command that ends when its parent does: `python -m campaign.leash PARENT_PID [OPTIONS] -- COMMAND...`.

However a campaign ends, even by SIGKILL, nothing it started stays behind. The command keeps this process's id.
`--network FILE` runs it in that network namespace. `--file-limit BYTES` lets no file of the command grow larger;
whoever may can lift that while it runs. `--no-override` takes from root the right to pass over the permissions of
files, so that a read-only folder is one for root, too. All are Linux's.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1
CLONE_NEWNET = 0x40000000


def main(arguments: list[str]) -> None:
    """Replace this process by the command; exits with 1 when the parent has gone meanwhile."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parent", type=int)
    parser.add_argument("--network")
    parser.add_argument("--file-limit", type=int)
    parser.add_argument("--no-override", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != options.parent:
        sys.exit(1)
    if options.network is not None:
        network = os.open(options.network, os.O_RDONLY | os.O_CLOEXEC)
        if libc.setns(network, CLONE_NEWNET) != 0:
            sys.exit(f"leash: the network cannot be entered: {os.strerror(ctypes.get_errno())}")
    if options.file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options.file_limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if options.no_override and os.geteuid() == 0 and libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE) != 0:
        sys.exit(f"leash: the capability cannot be dropped: {os.strerror(ctypes.get_errno())}")
    os.execv(options.command[0], options.command)


if __name__ == "__main__":
    main(sys.argv[1:])
