"""The deployer `docker` where things go wrong, and what containers are given."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from segue.adapters.chance import SystemChance
from segue.adapters.clock import SystemClock
from segue.adapters.docker.deployer import DockerDeployer
from segue.adapters.docker.engine_api import EngineAddress, EngineApi, plain_log
from segue.adapters.docker.plan import Plan
from segue.adapters.docker.service import ContainerService
from segue.adapters.memory.store import MemoryStore
from segue.adapters.secrets_file import FileSecrets
from segue.bootstrap.containers import container_plan
from segue.config import Settings, load
from segue.model.errors import Invalid
from segue.model.services import DeployerKind, Member, Role, ServiceState, ServiceStatus
from segue.model.versions import Version, VersionState
from segue.runtime.herald import Herald
from segue.testing.contracts.store_world import ManualClock
from tests.adapters.docker.engine import FakeEngine

PLAN = Plan(files={"segue.toml": b"", "segue.key": b"k"}, key=b"k", image="segue:latest", memory_mb=100)
VERSION = Version(
    id=41,
    process="Orders & more",
    number=2,
    state=VersionState.ENABLED,
    created=1,
    author="",
    note="",
    semantic_hash="",
)
OURS = {**PLAN.labels, "segue.version-id": "99", "segue.fingerprint": "?"}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    made = FakeEngine(tmp_path)
    await made.start()
    yield made
    await made.stop()


@asynccontextmanager
async def deploying(engine: FakeEngine, plan: Plan = PLAN) -> AsyncIterator[tuple[DockerDeployer, ContainerService]]:
    """A deployer with one service, which looks all the time."""
    herald = Herald(MemoryStore(ManualClock()))
    deployer = DockerDeployer(
        EngineApi(EngineAddress(engine.url)), plan, clock=SystemClock(), chance=SystemChance(), herald=herald,
        poll_s=0.01, spared_s=0.0,
    )  # fmt: skip
    service = deployer.deploy(VERSION)
    await service.begin()
    await deployer.begin()
    try:
        yield deployer, service
    finally:
        await service.leave(0)
        await deployer.close()
        await herald.stop(0)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)  # not synchronisation: what the deployer will do has to be asked for


async def test_a_container_is_made_with_files_for_its_user_alone(engine: FakeEngine) -> None:
    async with deploying(engine):
        await until(engine.running)
    [box] = engine.boxes.values()  # it goes on
    assert box["files"] == {".": (0o700, 10_001), "segue.key": (0o400, 10_001), "segue.toml": (0o400, 10_001)}
    assert box["name"].startswith("segue-orders-more-v2-")
    assert box["wanted"]["HostConfig"]["Memory"] == 100 << 20
    assert box["wanted"]["Env"] == ["SEGUE_DATA=/data"]
    assert box["wanted"]["Cmd"] == ["control-service", "--version", "41", "--container", box["name"]]


async def test_it_is_found_again(engine: FakeEngine) -> None:
    async with deploying(engine) as (_, service):
        await until(lambda: engine.running() and service.state().container)  # its start is over for both
    before = dict(engine.boxes)
    async with deploying(engine) as (_, service):
        await until(lambda: service.state().container)
        assert engine.boxes == before
        await service.stop(0)
    assert engine.boxes == {}


async def test_one_with_other_settings_is_replaced(engine: FakeEngine) -> None:
    async with deploying(engine) as (_, service):
        await until(lambda: engine.running() and service.state().container)
    [before] = engine.boxes
    async with deploying(engine, replace(PLAN, files={**PLAN.files, "segue.toml": b"log_level = 'debug'"})):
        await until(lambda: engine.running() and before not in engine.boxes)
    assert len(engine.boxes) == 1


async def test_an_image_that_is_missing_is_named_and_waited_for(engine: FakeEngine) -> None:
    engine.images.clear()
    async with deploying(engine) as (_, service):
        await until(lambda: service.state().last_error)
        assert service.state().last_error == "the image segue:latest is not there; build it or pull it"
        assert service.state().status is ServiceStatus.RESTARTING
        engine.images["segue:latest"] = "sha256:two"
        await until(engine.running)


async def test_an_engine_that_is_away_is_named_and_waited_for(engine: FakeEngine) -> None:
    await engine.stop()
    async with deploying(engine) as (_, service):
        await until(lambda: service.state().last_error)
        assert "does not answer" in (service.state().last_error or "")
        await engine.start()
        await until(engine.running)
        await until(lambda: service.state().last_error is None)


async def test_what_could_not_be_made_whole_is_removed(engine: FakeEngine) -> None:
    engine.refuse["/archive"] = (400, "no room")
    async with deploying(engine) as (_, service):
        await until(lambda: service.state().last_error)
        assert "no room" in (service.state().last_error or "")
        assert engine.boxes == {}
        engine.refuse.clear()
        await until(engine.running)


async def test_one_that_ends_is_started_with_the_reason_told(engine: FakeEngine) -> None:
    async with deploying(engine) as (_, service):
        await until(lambda: service.state().container)
        [box] = engine.boxes.values()
        box["state"] = "exited"
        await until(lambda: service.state().restarts == 1)
        assert service.state().last_error == "the container ended with code 3: the last words"


async def test_one_that_is_unhealthy_is_restarted(engine: FakeEngine) -> None:
    async with deploying(engine) as (_, service):
        await until(lambda: service.state().container)
        [box] = engine.boxes.values()
        box["health"] = "unhealthy"
        await until(lambda: service.state().restarts == 1)
        assert service.state().last_error == "the container failed its health check"


async def test_only_what_is_ours_is_removed(engine: FakeEngine) -> None:
    strangers = [
        engine.add({}, "database"),
        engine.add({**OURS, "segue.installation": "another"}, "segue-other"),
        engine.add({**OURS, "segue.deployer": "segue-b"}, "segue-b-orders"),
    ]
    orphan = engine.add(OURS, "segue-old-v1")
    async with deploying(engine):
        await until(lambda: orphan not in engine.boxes)
        await until(lambda: len(engine.running()) == 4)
    assert set(strangers) <= set(engine.boxes)


async def test_it_runs_when_the_process_in_it_says_so(engine: FakeEngine) -> None:
    async with deploying(engine) as (deployer, service):
        await until(lambda: service.state().pid)
        assert service.state().status is ServiceStatus.RESTARTING
        told = ServiceState(
            version_id=41, process="p", version=2, status=ServiceStatus.RUNNING, since=1, restarts=0, last_error=None,
            lanes=(), handled=5, rate=2.0, cpu=0.1, memory=7,
        )  # fmt: skip
        here = Member(
            id="a", host="h", pid=1, roles=(Role.CONTROL,), release="1", started=SystemClock().now(), services=(told,),
            container=service.state().container,
        )  # fmt: skip
        deployer.hear([replace(here, started=5)])  # what ran before it in the same container
        assert service.state().status is ServiceStatus.RESTARTING
        deployer.hear([here])
        state = service.state()
        assert (state.status, state.handled, state.rate, state.memory) == (ServiceStatus.RUNNING, 5, 2.0, 7)
        assert state.deployer is DeployerKind.DOCKER
        deployer.hear([])
        assert (service.state().status, service.state().handled) == (ServiceStatus.RESTARTING, 5)


@pytest.mark.parametrize(
    ("host", "certificates", "says"),
    [
        ("/var/run/docker.sock", "", "write it as"),
        ("unix://docker.sock", "", "write it as"),
        ("http://host:2375", "", "write it as"),
        ("tcp://host", "", "write it as"),
        ("tcp://host:x", "", "write it as"),
        ("tcp://engine.example:2375", "", "without TLS"),
    ],
)
def test_addresses_that_make_no_sense_are_refused(host: str, certificates: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        EngineAddress(host, certificates)


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="docker_certs"):
        EngineAddress("tcp://engine.example:2376", str(tmp_path)).check()


def test_logs_are_read_framed_and_plain() -> None:
    assert plain_log(b"\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\x04\ntwo") == "one\ntwo"
    assert plain_log(b"as it is\n") == "as it is\n"
    assert plain_log(b"") == ""


def test_a_container_is_given_the_settings_and_the_files_that_they_name(tmp_path: Path) -> None:
    FileSecrets(tmp_path)
    authority = tmp_path / "ca.pem"
    authority.write_text("an authority")
    settings = Settings(
        data=str(tmp_path),
        store=f"postgresql://me:p%40ss@db.example/segue?sslmode=verify-full&sslrootcert={authority}",
        worker_ca=str(authority),
        log_hidden='a "quoted" \\ name',
        otlp_headers="authorization=secret",
        roles="control",
        deployer="docker",
        docker_host="unix:///x",
        docker_memory_mb=64,
    )
    plan = container_plan(settings)
    given = tomllib.loads(plan.files["segue.toml"].decode())
    assert given["store"].startswith("postgresql://me@db.example/segue?sslmode=verify-full&sslrootcert=/data/")
    assert plan.files[given["store_password_file"].removeprefix("/data/")] == b"p@ss\n"
    assert plan.files[given["worker_ca"].removeprefix("/data/")] == b"an authority"
    assert {"roles", "deployer", "data"}.isdisjoint(given)
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "segue.toml").write_bytes(plan.files["segue.toml"])
    read = load(flags={"data": str(tmp_path / "box")}, environment={}).settings
    assert (read.log_hidden, read.otlp_headers) == (settings.log_hidden, settings.otlp_headers)
    shown = str(plan.container(VERSION, "name", "sha256:one")) + repr(plan)
    for secret in ("p@ss", "p%40ss", "authorization", plan.key.decode()):
        assert secret not in shown


def test_a_fingerprint_knows_every_difference_and_tells_nothing() -> None:
    same = PLAN.fingerprint("sha256:one")
    assert replace(PLAN, files=dict(reversed(PLAN.files.items()))).fingerprint("sha256:one") == same
    others = [
        PLAN.fingerprint("sha256:two"),
        replace(PLAN, memory_mb=101).fingerprint("sha256:one"),
        replace(PLAN, key=b"other").fingerprint("sha256:one"),
        replace(PLAN, files={**PLAN.files, "segue.toml": b"x"}).fingerprint("sha256:one"),
        replace(PLAN, network="host").fingerprint("sha256:one"),
    ]
    assert len({same, *others}) == 6
