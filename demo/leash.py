"""Runs a command that ends when its parent does: `python -m demo.leash PARENT_PID COMMAND...`.

However the demo ends, even by SIGKILL, nothing it started stays behind. The command keeps this process's id. Where the
system has no such leash (it is Linux's prctl) the command runs without one.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process by the command; exits with 1 when the parent has gone meanwhile."""
    parent, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
