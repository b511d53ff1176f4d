"""Builds the admin from `ui/` into `src/segue/web/static`, and does nothing when that is done already.

Standard library only. The stamp is written as the last step and holds the digest of everything the build is made from,
so a build that was cut short is made again. Two builds of one clone wait for each other. With `--if-possible` a machine
without Node gets a warning and no admin; the server says so where the admin would be.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "ui"
STATIC = ROOT / "src" / "segue" / "web" / "static"
STAMP = STATIC / ".built"
LOCK_DIGEST = UI / "node_modules" / ".segue-lock"
OPENAPI = ROOT / "src" / "segue" / "api" / "openapi.json"
DOCS = ROOT / "docs"
NODE = 20
_APART = {"node_modules", "tests", "e2e"}


class BuildError(Exception):
    """The admin cannot be built; the text says why and what to do."""


def inputs() -> list[Path]:
    """Return every file that the build is made from."""
    found = [path for path in sorted(UI.rglob("*")) if path.is_file() and not _APART & set(path.relative_to(UI).parts)]
    # The pages of the documentation are built in.
    pages = [*sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("decisions/*.md")), *sorted(DOCS.glob("pictures/*.svg"))]
    return [*found, *pages, OPENAPI]


def digest(paths: list[Path]) -> str:
    """Return one digest of the names and contents of files."""
    total = hashlib.sha256()
    for path in paths:
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def read(path: Path) -> str:
    """Return the text of a file; empty when there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def check_node() -> None:
    """Raise BuildError unless there are npm and a Node that is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise BuildError(f"needs Node {NODE} or newer with npm; neither pip nor this Makefile installs it")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    if found is None or int(found[1]) < NODE:
        raise BuildError(f"needs Node {NODE} or newer; {node} is {said.strip() or 'not running'}")


def run(*command: str) -> None:
    """Run a command in `ui/` and show what it prints only when it fails; raise BuildError then."""
    environment = os.environ | {"NO_UPDATE_NOTIFIER": "1", "CI": "1"}
    done = subprocess.run(command, cwd=UI, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise BuildError(f"`{' '.join(command)}` ended with exit code {done.returncode}")
    for line in done.stdout.splitlines():
        if line.startswith("First load"):
            print(line, flush=True)


def install() -> None:
    """Install the locked packages, unless those of this lock are there."""
    wanted = digest([UI / "package-lock.json", UI / "package.json"])
    if read(LOCK_DIGEST) == wanted:
        return
    run("npm", "ci", "--ignore-scripts")
    LOCK_DIGEST.write_text(wanted, encoding="utf-8")


def build() -> None:
    """Bring the built admin to what `ui/` is now."""
    wanted = digest(inputs())
    if read(STAMP) == wanted and LOCK_DIGEST.is_file():
        return
    check_node()
    print("Building the admin (about a minute)", flush=True)
    STAMP.unlink(missing_ok=True)
    install()
    run("npm", "run", "build")
    STAMP.write_text(wanted, encoding="utf-8")


def main() -> int:
    """Build under a lock of this clone; exit code 1 with one clear line when it cannot."""
    optional = "--if-possible" in sys.argv[1:] and os.environ.get("SEGUE_CI") != "1"
    with (ROOT / ".ui-lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            build()
        except (BuildError, OSError) as error:
            print(f"make ui: {error}", file=sys.stderr)
            return 0 if optional else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
