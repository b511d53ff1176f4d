"""Makes `.venv` at the root of the clone what the locks say, and does nothing when it already is.

Standard library only: it runs before anything is installed. What it did is written to `.venv/segue-setup.json` as
the last step, so a set-up that was cut short is recognised and made afresh. Two set-ups of one clone wait for each
other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "segue-setup.json"
LOCKS = ("build.txt", "runtime.txt", "dev.txt")
# A package whose data files the demo reads: kept beside the environment's packages, since nothing imports it.
DATA_LOCK = "demo.txt"
DATA = VENV / "share" / "segue-demo"
DISTRIBUTIONS = (".", "sdk")


class SetupError(Exception):
    """The set-up cannot go on; the text says why and what to do."""


def wanted() -> dict[str, str]:
    """Return what a finished set-up of this tree is: its place, and the digests of all that decides its content."""
    inputs = [ROOT / "requirements" / name for name in (*LOCKS, DATA_LOCK)]
    inputs += [ROOT / folder / "pyproject.toml" for folder in DISTRIBUTIONS]
    state = {"venv": str(VENV)}
    for path in inputs:
        if not path.is_file():
            raise SetupError(f"{path.relative_to(ROOT)} is missing: is this a whole clone?")
        state[str(path.relative_to(ROOT))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return state


def finished() -> dict[str, str]:
    """Return what the last finished set-up wrote; empty when there is none, or when its Python no longer runs."""
    try:
        state = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(state, dict) or state.get("venv") != str(VENV) or not python_runs():
        return {}
    return state


def python_runs() -> bool:
    """Tell whether the interpreter of the environment starts (its base may have been removed since)."""
    try:
        return subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(*command: str | Path) -> None:
    """Run a command of the set-up and show what it prints; raise SetupError when it fails."""
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), check=False)
    if done.returncode != 0:
        raise SetupError(f"`{' '.join(str(part) for part in command)}` ended with exit code {done.returncode}")


def clean_environment() -> dict[str, str]:
    """Return the environment without what would make pip install elsewhere or see foreign packages."""
    leaks = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"}
    kept = {name: value for name, value in os.environ.items() if name not in leaks}
    # Root is usual in containers; pip warns about it for no use inside an environment of our own.
    return kept | {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def pip(*arguments: str) -> None:
    """Run pip of the environment; only warnings and errors are shown."""
    run(PYTHON, "-m", "pip", "--quiet", *arguments)


def install(target: dict[str, str]) -> None:
    """Install the locked packages (hashes checked) and both distributions as editable ones, then stamp."""
    STAMP.unlink(missing_ok=True)
    pip("install", "--require-hashes", *(f"--requirement=requirements/{name}" for name in LOCKS))
    editable = [f"--editable=./{folder}" for folder in DISTRIBUTIONS]
    pip("install", "--no-deps", "--no-build-isolation", *editable)
    pip("check")
    shutil.rmtree(DATA, ignore_errors=True)
    wheel_only = ("--no-deps", "--only-binary=:all:", f"--target={DATA}")
    pip("install", "--require-hashes", *wheel_only, f"--requirement=requirements/{DATA_LOCK}")
    STAMP.write_text(json.dumps(target, indent=2) + "\n", encoding="utf-8")


def setup() -> None:
    """Bring the environment to what the locks say."""
    target = wanted()
    state = finished()
    if state == target:
        return
    if not state:
        print(f"Making .venv with Python {sys.version.split()[0]} (about a minute)", flush=True)
        if VENV.is_symlink() or VENV.is_file():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(VENV)
        run(sys.executable, "-m", "venv", VENV)
    else:
        print("Bringing .venv up to date with the locks", flush=True)
    install(target)


def main() -> int:
    """Set up under a lock of this clone; exit code 1 with one clear line when it cannot."""
    with (ROOT / ".setup-lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            setup()
        except (SetupError, OSError) as error:
            print(f"make setup: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
