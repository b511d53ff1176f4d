"""A real engine of containers for tests: Podman with runc serves the Docker Engine API, as root, without systemd.

Images stay in a cache folder from run to run: the base is made by `tools/test-services`, and of the image of Segue only
what is made of our own source is built anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.skipping import NOT_APPLICABLE, needs_command
from tests.source.tree import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segue-tests" / "containers"
BASE = "localhost/segue-test-base"
IMAGE = "localhost/segue-test:latest"
# Soft and hard limits are equal: the API of Podman 4.3 takes one for the other.
CONF = """
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""


class Podman:
    """Podman with a storage of its own, and its service of the Docker Engine API."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "engine.sock"
        self._folder = folder
        self._service: subprocess.Popen[bytes] | None = None
        conf = folder / "containers.conf"
        conf.write_text(CONF.format(files=min(20_000, _most_files())))
        self._environment = {**os.environ, "CONTAINERS_CONF": str(conf)}
        self._command = ["podman", "--root", str(CACHE / "root"), "--runroot", str(CACHE / "run")]

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """What a command of Podman prints."""
        done = subprocess.run(
            [*self._command, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"podman {' '.join(arguments)}: {done.stderr[-3000:]}")
        return done.stdout.strip()

    def start(self) -> None:
        """Serve the API."""
        with (self._folder / "log").open("ab") as log:
            self._service = subprocess.Popen(
                [*self._command, "system", "service", "--time=0", self.url],
                env=self._environment,
                stderr=log,
                stdout=log,
            )
        while not self._answers():
            assert self._service.poll() is None, (self._folder / "log").read_text()
            time.sleep(0.02)  # not synchronisation: whether it answers has to be asked again and again

    def stop(self) -> None:
        """Serve it no more; containers go on."""
        service, self._service = self._service, None
        if service is not None:
            service.kill()
            service.wait()

    def containers(self, *labels: str) -> list[dict[str, Any]]:
        """What the engine says of all containers with these labels, by its own API: a command costs much more."""
        found = []
        chosen = quote(json.dumps({"label": list(labels)}))
        for each in self._get(f"/containers/json?all=true&filters={chosen}"):
            with contextlib.suppress(LookupError):  # one may go meanwhile
                found.append(self._get(f"/containers/{each['Id']}/json"))
        return found

    def _get(self, path: str) -> Any:
        connection = http.client.HTTPConnection("engine", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.socket))
        connection.request("GET", f"/v4.0.0/libpod{path}")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise LookupError(path)
        return json.loads(body)

    def try_out(self) -> None:
        """Skip the test where the kernel or what is around this machine lets no container run."""
        try:
            self("run", "--rm", BASE, "true")
        except AssertionError as refusal:
            pytest.skip(f"{NOT_APPLICABLE}: no container runs on this machine: {refusal}")

    def build(self) -> None:
        """Build the image by the Dockerfile of the repository."""
        with tempfile.TemporaryDirectory(dir=self._folder) as context:
            _copy(Path(context))
            certificates = ["--volume=/etc/ssl/certs:/etc/ssl/certs:ro"]
            if Path("/etc/pip.conf").exists():
                certificates.append("--volume=/etc/pip.conf:/etc/pip.conf:ro")
            build = (
                "build", "--quiet", "--pull=never", "--network=host", "--format=docker", *certificates,
                f"--build-arg=BASE={BASE}", f"--file={context}/containers/Dockerfile",
            )  # fmt: skip
            # A name for what the image is made from, or it would be thrown away as left over, and be made anew.
            self(*build, "--target=segue", f"--tag={IMAGE}-made", context)
            self(*build, f"--tag={IMAGE}", context)
        self("image", "prune", "--force", check=False)  # a build that was killed may hold one

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0


@contextmanager
def podman() -> Iterator[Podman]:
    """The engine with the image of this source; one test process at a time has it."""
    needs_command("podman", "podman")
    needs_command("runc", "runc")
    if os.getuid() != 0:
        pytest.skip(f"{NOT_APPLICABLE}: only root runs containers here")
    if not (CACHE / "base").exists():
        pytest.skip(
            f"{NOT_APPLICABLE}: there is no base of images; tools/test-services makes it where that can be done"
        )
    folder = Path(tempfile.mkdtemp(prefix="segue-podman-"))
    engine = Podman(folder)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            engine("rm", "--all", "--force", "--volumes", "--time=0")  # of a run that was cut short
            engine("volume", "prune", "--force")
            engine.try_out()
            engine.build()
            engine.start()
            yield engine
        finally:
            engine("rm", "--all", "--force", "--volumes", "--time=0", check=False)
            engine.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _copy(context: Path) -> None:
    """The files of the repository that the image is made of; where the admin is not built, a page stands for it."""
    for name in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "NOTICE",
        "CHANGELOG.md",
        ".dockerignore",
        "src",
        "containers",
    ):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, context / name)
    for name in ("requirements/runtime.txt", "requirements/build.txt", "tools/hatch_build.py"):
        (context / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, context / name)
    page = context / "src/segue/web/static/index.html"
    if not page.exists():
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("<!doctype html><title>Segue</title>")


def _most_files() -> int:
    import resource  # noqa: PLC0415

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
