"""`.ci/run` installs what is missing, once, and hands over to the tests with skips forbidden."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source.tree import ROOT

PYTHON = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
MAKE = '#!/bin/sh\necho "make $* with SEGUE_CI=$SEGUE_CI"\n'
APT = '#!/bin/sh\necho "apt-get $*"\n'
SUDO = '#!/bin/sh\nshift\n[ "$1" = true ] || echo "as root: $*"\nexec "$@"\n'
LOCKED_SUDO = "#!/bin/sh\nexit 1\n"
ROOT_ID = "#!/bin/sh\necho 0\n"
USER_ID = "#!/bin/sh\necho 1000\n"
# What the tests in the browser and with other people's servers need is there unless a test says otherwise.
BROWSER = {
    "chromium": "#!/bin/sh\n",
    "npm": "#!/bin/sh\n",
    "node": "#!/bin/sh\nexit 0\n",
    "rabbitmq_server": "#!/bin/sh\n",
    "javac": "#!/bin/sh\n",
    "mvn": "#!/bin/sh\n",
    "podman": "#!/bin/sh\n",
    "runc": "#!/bin/sh\n",
    "debootstrap": "#!/bin/sh\n",
    "ip": "#!/bin/sh\n",
    "prometheus": "#!/bin/sh\n",
}
# What `tools/test-services` gets is there already.
SERVICES = (
    "opensearch-2.19.6",
    "ferretdb-1.24.2",
    "otel-collector-0.109.0",
    "helm-3.18.6",
    "compose-go-2.4.9",
    "kubernetes-validate-1.37.0",
    "containers/base",
)
INSTALL = "apt-get install -y -qq --no-install-recommends"


def run(folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run it where these programs are all there is, beside the plainest tools."""
    for name in ("sh", "bash", "dirname", "env", "cat", "true", "mkdir"):
        (folder / name).symlink_to(shutil.which(name) or "")
    for name, text in (BROWSER | programs).items():
        file = folder / name.replace("_", "-")
        file.write_text(text)
        file.chmod(0o755)
    for service in SERVICES:
        (folder / "cache" / "segue-tests" / service).mkdir(parents=True)
    environment = {"PATH": str(folder), "SSL_CERT_FILE": "given", "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run([ROOT / ".ci/run"], env=environment, capture_output=True, text=True, check=False)


def test_nothing_is_installed_where_nothing_is_missing(tmp_path: Path) -> None:
    done = run(tmp_path, python3=PYTHON, make=MAKE)
    assert (done.returncode, done.stdout) == (0, "make test with SEGUE_CI=1\n"), done.stderr


@pytest.mark.parametrize(
    ("identity", "sudo"), [(ROOT_ID, LOCKED_SUDO), (USER_ID, SUDO)], ids=["as root", "through sudo"]
)
def test_what_is_missing_is_installed(tmp_path: Path, identity: str, sudo: str) -> None:
    done = run(tmp_path, make=MAKE, id=identity, sudo=sudo, apt_get=APT)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if not line.startswith("as root: ")]
    assert lines[0] == "Installing python3 python3-venv"
    assert [line.split()[:2] for line in lines[1:3]] == [["apt-get", "update"], ["apt-get", "install"]]
    assert lines[2] == f"{INSTALL} python3 python3-venv"
    assert lines[3:] == ["make test with SEGUE_CI=1"]


def test_a_node_that_is_too_old_counts_as_missing(tmp_path: Path) -> None:
    old = "#!/bin/sh\nexit 1\n"
    done = run(tmp_path, python3=PYTHON, make=MAKE, id=ROOT_ID, apt_get=APT, node=old)
    assert done.stdout.splitlines()[0] == "Installing nodejs npm"


@pytest.mark.parametrize(
    ("programs", "says"),
    [
        ({"id": ROOT_ID}, "missing: python3 python3-venv. This machine has no apt-get"),
        ({"id": USER_ID, "apt_get": APT}, "Run as root or with sudo"),
        ({"id": USER_ID, "apt_get": APT, "sudo": LOCKED_SUDO}, "Run as root or with sudo"),
    ],
    ids=["no apt-get", "no sudo", "sudo with a password"],
)
def test_what_cannot_be_installed_is_an_error(tmp_path: Path, programs: dict[str, str], says: str) -> None:
    done = run(tmp_path, make=MAKE, **programs)
    assert done.returncode == 1
    assert says in done.stderr
    assert "make test" not in done.stdout
