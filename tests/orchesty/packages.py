"""The packages of the worker, installed once for each state of the lock."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

from tests.skipping import needs_command

FOLDER = Path(__file__).parent / "worker"
MODULES = FOLDER / "node_modules"
_MARK = MODULES / ".segue-lock"


def install() -> str:
    """Install what the lock says unless it is there; the path of Node. Skips without Node or npm."""
    node, npm = needs_command("node", "nodejs"), needs_command("npm", "npm")
    files = [FOLDER / name for name in ("package.json", "package-lock.json")]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _MARK.is_file() or _MARK.read_text(encoding="ascii") != wanted:
            command = [npm, "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
            environment = os.environ | {"NO_UPDATE_NOTIFIER": "1"}
            done = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"npm ci: {done.stdout}{done.stderr}"
            _MARK.write_text(wanted, encoding="ascii")
    return node
