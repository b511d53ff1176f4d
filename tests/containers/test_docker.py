"""The deployer `docker` against a real engine, a real PostgreSQL and the real server: a life in containers."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.testing.postgres import Cluster
from tests.cli.conftest import Server, Worker, segue, serve, worker
from tests.containers.podman import IMAGE, Podman, podman
from tests.files import chain

__all__ = ["worker"]

# An image is built first, the first time with all its packages.
pytestmark = pytest.mark.timeout(600)
SECRET = "a-very-secret-password"


@pytest.fixture(scope="module")
def engine() -> Iterator[Podman]:
    with podman() as found:
        yield found


def until(what: str, found: Callable[[], Any]) -> Any:
    """Ask again and again for what an engine, a database and servers will do by themselves."""
    give_up = time.monotonic() + 120
    while not (value := found()):
        assert time.monotonic() < give_up, what
        time.sleep(0.2)  # not synchronisation: what others do has to be asked for again and again
    return value


class House:
    """An installation on PostgreSQL whose control services run in containers."""

    def __init__(self, folder: Path, cluster: Cluster, engine: Podman) -> None:
        self.folder = folder / "data"
        self.engine = engine
        cluster.sql("CREATE DATABASE boxes")
        cluster.sql(f"CREATE ROLE boxer LOGIN PASSWORD '{SECRET}'")
        cluster.sql("ALTER DATABASE boxes OWNER TO boxer")
        self.settings = {
            "SEGUE_STORE": f"postgresql://boxer:{SECRET}@127.0.0.1:{cluster.port}/boxes",
            "SEGUE_DEPLOYER": "docker",
            "SEGUE_DOCKER_HOST": engine.url,
            "SEGUE_DOCKER_IMAGE": IMAGE,
            "SEGUE_DOCKER_NETWORK": "host",
            "SEGUE_DOCKER_CPUS": "1.5",
            "SEGUE_DOCKER_MEMORY_MB": "300",
            "SEGUE_OTLP_HEADERS": "authorization=a-secret-header",
        }
        made = segue("token", "create", "--data", str(self.folder), "--name", "test", **self.settings)
        self.token = made.out.strip()
        self.start()

    def start(self) -> None:
        self.server: Server = serve(self.folder, **self.settings)
        self.server.token = self.token

    def segue(self, *arguments: str) -> Any:
        done = self.server.segue(*arguments, "--json")
        assert done.code == 0, done.err
        return done.json

    def services(self) -> dict[int, Any]:
        """The control services that run, by version."""
        found = self.segue("service", "list")
        return {each["version"]: each for each in found if each["status"] == "running"}

    def boxes(self) -> dict[int, Any]:
        """The containers of the installation, by version."""
        return {
            int(each["Config"]["Labels"]["segue.version"]): each for each in self.engine.containers("segue.process")
        }

    def started(self) -> dict[int, tuple[str, str]]:
        """Which containers there are, and when each began to run."""
        return {version: (each["Id"], each["State"]["StartedAt"]) for version, each in self.boxes().items()}

    def running(self, *versions: int) -> dict[int, Any]:
        """Wait until these versions run, and no others."""
        return until(f"{versions} to run", lambda: found if set(found := self.services()) == set(versions) else None)

    def works(self) -> None:
        assert self.segue("start", "orders", "--data", '{"a": 1}', "--wait")["state"] == "finished"

    def publish(self, *actions: str, enable: bool = True) -> None:
        file = self.folder / "orders.bpmn"
        file.write_text(chain(*actions))
        self.segue("deploy", str(file), "--process", "orders", *(["--enable"] if enable else []))


@pytest.fixture
def house(tmp_path: Path, cluster: Cluster, engine: Podman, worker: Worker) -> Iterator[House]:
    made = House(tmp_path, cluster, engine)
    made.segue("worker", "add", "w", worker.url)
    yield made
    made.server.process.kill()
    made.server.process.communicate(timeout=10)


def test_a_life_in_containers(house: House) -> None:
    house.publish("echo")
    publishing_starts_a_container(house)
    nothing_secret_is_seen(house)
    enabling_and_disabling_leave_it_alone(house)
    one_that_is_killed_comes_back(house)
    versions_run_side_by_side_and_go_when_they_retire(house)
    the_engine_may_be_away(house)
    the_server_may_be_away(house)
    it_moves(house)


def publishing_starts_a_container(house: House) -> None:
    [service] = house.running(1).values()
    box = house.boxes()[1]
    assert (service["deployer"], service["container"], service["shared"]) == ("docker", box["Name"], False)
    assert service["container"].startswith("segue-orders-v1-")
    house.works()
    found = until("figures", lambda: each if (each := house.services()[1])["cpu"] and each["handled"] else None)
    assert 10_000_000 < found["memory"] < 300 << 20
    assert [lane["name"] for lane in found["lanes"]] == ["begin", "echo", "end"]
    assert "is ready" in house.engine("logs", service["container"])
    assert house.engine("healthcheck", "run", service["container"]) == ""


def nothing_secret_is_seen(house: House) -> None:
    box = house.boxes()[1]
    shown = json.dumps(box)
    key = (house.folder / "segue.key").read_text().strip().removeprefix("segue-key-1:")
    for secret in (SECRET, key, "a-secret-header"):
        assert secret not in shown
    assert box["HostConfig"]["Memory"] == 300 << 20
    assert box["HostConfig"]["NanoCpus"] == 1_500_000_000
    assert box["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert box["HostConfig"]["ReadonlyRootfs"] is True
    assert not box["EffectiveCaps"]
    status = Path(f"/proc/{box['State']['Pid']}/status").read_text()
    assert "Uid:\t10001\t10001\t10001\t10001" in status
    files = Path(box["Mounts"][0]["Source"])
    modes = {file.name: (file.stat().st_mode & 0o777, file.stat().st_uid) for file in files.iterdir()}
    assert {"segue.toml", "segue.key", "store-password"} <= set(modes)
    assert set(modes.values()) == {(0o400, 10_001)}


def enabling_and_disabling_leave_it_alone(house: House) -> None:
    before = house.started()
    house.segue("version", "disable", "orders", "1")
    house.segue("version", "enable", "orders", "1")
    house.works()
    assert house.started() == before


def one_that_is_killed_comes_back(house: House) -> None:
    [(box, began)] = house.started().values()
    os.kill(house.boxes()[1]["State"]["Pid"], signal.SIGKILL)
    until(
        "the engine to start it again",
        lambda: house.started()[1] != (box, began) and house.boxes()[1]["State"]["Pid"],
    )
    until("the restart to be seen", lambda: house.running(1)[1]["restarts"] == 1)
    assert house.started()[1][0] == box
    house.engine("kill", box)  # this the engine takes as somebody's wish
    until("the deployer to start it again", lambda: house.running(1)[1]["restarts"] == 2)
    house.engine("rm", "--force", "--time=0", box)
    until("another container", lambda: house.running(1)[1]["restarts"] == 3)
    assert house.started()[1][0] != box
    house.works()


def versions_run_side_by_side_and_go_when_they_retire(house: House) -> None:
    first = house.started()[1]
    volume = house.boxes()[1]["Mounts"][0]["Name"]
    house.publish("echo", "echo")
    house.running(1, 2)
    assert house.started()[1] == first
    house.works()
    house.segue("version", "disable", "orders", "1")
    house.segue("version", "retire", "orders", "1")
    until("its container to go", lambda: set(house.boxes()) == {2})
    house.running(2)
    assert volume not in house.engine("volume", "ls", "--quiet").split()


def the_engine_may_be_away(house: House) -> None:
    before = house.started()
    house.engine.stop()
    house.works()  # containers go on without it
    until(
        "the trouble to be told", lambda: "does not answer" in (house.segue("service", "list")[0]["last_error"] or "")
    )
    house.publish("echo", "echo", "echo")
    house.engine.start()
    house.running(2, 3)  # published while it was away
    assert house.started()[2] == before[2]
    until(
        "the trouble to be over",
        lambda: house.running(2, 3)[2]["last_error"] is None or "answer" not in str(house.services()[2]["last_error"]),
    )
    house.works()


def the_server_may_be_away(house: House) -> None:
    before = house.started()
    assert house.server.stop()[0] == 0
    assert house.started() == before
    house.start()
    house.running(2, 3)
    assert house.started() == before
    house.works()
    restarted = house.running(2, 3)[3]
    house.segue("service", "restart", restarted["id"])
    until("a restart by hand", lambda: house.running(2, 3)[3]["restarts"] == restarted["restarts"] + 1)
    assert house.started()[2] == before[2]
    assert house.started()[3][1] != before[3][1]


def it_moves(house: House) -> None:
    house.segue("service", "deployer", "orders", "inline")
    until("no containers", lambda: not house.boxes())
    until("tasks", lambda: {each["deployer"] for each in house.running(2, 3).values()} == {"inline"})
    house.works()
    house.segue("service", "deployer", "orders", "default")
    until("containers", lambda: {each["deployer"] for each in house.running(2, 3).values()} == {"docker"})
    assert set(house.boxes()) == {2, 3}
    house.works()
