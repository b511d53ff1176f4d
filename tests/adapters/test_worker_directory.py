"""Asking workers what they offer: ours, those that answer nonsense, and those that do not answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from segue.adapters.worker_directory import HttpWorkerDirectory
from segue.model.errors import Invalid, WorkerTrouble
from segue.model.graph import ActionKind
from segue.model.workers import OfferedAction, Worker
from segue.testing.nasty import Behaviour, NastyServer, Visit
from segue_sdk import Worker as SdkWorker
from segue_sdk.testing import serve
from tests.adapters.worker_http.certificates import Authority

CONNECTOR, CUSTOM, BATCH = ActionKind.CONNECTOR, ActionKind.CUSTOM, ActionKind.BATCH


def says(answers: dict[str, object], status: int = 200) -> Behaviour:
    """Answer each path with this as JSON, any other path with 404."""

    async def behaviour(visit: Visit) -> bool:
        await visit.server.note(visit.asked)
        known = visit.asked.path in answers
        body = json.dumps(answers[visit.asked.path]).encode() if known else b"<h1>Not found</h1>"
        head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status if known else 404, len(body))
        await visit.send(head + body)
        return False

    return behaviour


def teach(server: NastyServer, answers: dict[str, object], status: int = 200) -> None:
    for folder in ("connector", "custom-node", "batch"):
        server.behaviours[folder] = says(answers, status)


@pytest.fixture
async def server() -> AsyncIterator[NastyServer]:
    async with NastyServer() as nasty:
        yield nasty


@pytest.fixture
def worker(server: NastyServer) -> Worker:
    return Worker(name="crm", url=server.url("").rstrip("/"), headers={"authorization": "Bearer s3cret"})


@pytest.fixture
def directory() -> HttpWorkerDirectory:
    return HttpWorkerDirectory()


async def test_the_lists_of_a_worker(directory: HttpWorkerDirectory, server: NastyServer, worker: Worker) -> None:
    teach(
        server,
        {
            "/connector/list": [{"name": "b"}, {"name": "A", "app": "shop"}, {"name": "b", "more": 1}],
            "/custom-node/list": [{"name": "c", "app": None}],
            "/batch/list": [{"name": "b", "app": ""}],
        },
    )
    assert await directory.list_actions(worker) == [
        OfferedAction(name="b", kind=BATCH),
        OfferedAction(name="A", kind=CONNECTOR, application="shop"),
        OfferedAction(name="b", kind=CONNECTOR),
        OfferedAction(name="c", kind=CUSTOM),
    ]
    assert await directory.check_worker(worker) is None
    assert all(b"authorization: Bearer s3cret" in asked.head for asked in server.asked)
    assert all(asked.head.startswith(b"GET ") for asked in server.asked)


async def test_a_slash_at_the_end_of_the_address_is_no_second_one(
    directory: HttpWorkerDirectory, server: NastyServer, worker: Worker
) -> None:
    teach(server, {"/connector/list": []})
    assert await directory.check_worker(Worker(name="crm", url=worker.url + "/")) is None


@pytest.mark.parametrize(
    ("listed", "what"),
    [
        ({"items": []}, "no list of actions"),
        (["name"], "no list of actions"),
        ([{"title": "x"}], "name"),
        ([{"name": 5}], r"\$\[0\]\.name"),
        ([{"name": "a"}, {"name": ""}], r"without a name, at \[1\]"),
        ([{"name": "a", "app": ["b"]}], "app"),
        ("nothing", "no list of actions"),
        (None, "no list of actions"),
    ],
)
async def test_nonsense_is_named(
    directory: HttpWorkerDirectory, server: NastyServer, worker: Worker, listed: object, what: str
) -> None:
    teach(server, {"/connector/list": listed, "/batch/list": [], "/custom-node/list": []})
    with pytest.raises(WorkerTrouble, match=what) as caught:
        await directory.list_actions(worker)
    assert "'crm'" in caught.value.detail
    assert "GET /connector/list" in caught.value.detail
    assert await directory.check_worker(worker) == caught.value.detail


async def test_one_missing_list_spoils_all(directory: HttpWorkerDirectory, server: NastyServer, worker: Worker) -> None:
    teach(server, {"/connector/list": [{"name": "a"}], "/batch/list": []})
    with pytest.raises(WorkerTrouble, match=r"status 404 \(GET /custom-node/list\)"):
        await directory.list_actions(worker)


async def test_a_refusal_is_passed_on(directory: HttpWorkerDirectory, server: NastyServer, worker: Worker) -> None:
    teach(server, {"/connector/list": {"message": "Who are you?\n  at line 5"}}, status=401)
    assert await directory.check_worker(worker) == (
        "Worker 'crm' answered with HTTP status 401: Who are you? (GET /connector/list)"
    )


@pytest.mark.parametrize(
    "behaviour",
    ["not-http", "half-body", "close-at-once", "reset-at-once", "redirect", "no-content", "bare-html", "head-of-1-mb"],
)
async def test_a_server_that_misbehaves(
    directory: HttpWorkerDirectory, server: NastyServer, worker: Worker, behaviour: str
) -> None:
    for folder in ("connector", "batch"):
        server.behaviours[folder] = server.behaviours[behaviour]
    with pytest.raises(WorkerTrouble, match="crm"):
        await directory.list_actions(worker)
    assert "crm" in (await directory.check_worker(worker) or "")
    assert "crm" in (await directory.check_action(worker, CONNECTOR, "a") or "")
    assert {asked.path.split("/")[1] for asked in server.asked} <= {"connector", "batch"}


async def test_an_answer_without_end_is_cut_off(server: NastyServer, worker: Worker) -> None:
    server.behaviours["connector"] = server.behaviours["endless-body"]
    problem = await HttpWorkerDirectory(answer_limit=100_000).check_worker(worker)
    assert problem == "Worker 'crm' answered more than 100000 bytes (GET /connector/list)"
    await server.until_gone(1)


async def test_a_silent_worker(server: NastyServer, worker: Worker) -> None:
    server.behaviours["connector"] = server.behaviours["silent"]
    problem = await HttpWorkerDirectory(timeout_ms=50).check_worker(worker)
    assert problem == "Worker 'crm' did not answer within 0.05 s (GET /connector/list)"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[::g]", "nonsense", "ftp://crm", "http://crm:99999", ""])
async def test_an_address_where_nobody_is(directory: HttpWorkerDirectory, url: str) -> None:
    worker = Worker(name="crm", url=url)
    assert "'crm'" in (await directory.check_worker(worker) or "")
    with pytest.raises(WorkerTrouble, match="crm"):
        await directory.list_actions(worker)


async def test_headers_that_cannot_be_sent_are_not_repeated(
    directory: HttpWorkerDirectory, server: NastyServer, worker: Worker
) -> None:
    broken = Worker(name="crm", url=worker.url, headers={"x-key": "s3cret\r\nx: y"})
    problem = await directory.check_worker(broken)
    assert problem is not None
    assert "crm" in problem
    assert "s3cret" not in problem
    assert server.asked == []


async def test_our_own_sdk_is_understood(directory: HttpWorkerDirectory) -> None:
    sdk = SdkWorker("shop", secret="open sesame")

    @sdk.connector("create-contact", application="crm")
    def create(message: object) -> None:
        """Do nothing."""

    @sdk.custom("sort")
    def sort(message: object) -> None:
        """Do nothing."""

    @sdk.batch("split")
    def split(message: object) -> None:
        """Do nothing."""

    with serve(sdk) as served:
        worker = Worker(name="shop", url=served.url, headers={"authorization": "Bearer open sesame"})
        assert await directory.check_worker(worker) is None
        listed = await directory.list_actions(worker)
        assert listed == [
            OfferedAction(name="split", kind=BATCH),
            OfferedAction(name="create-contact", kind=CONNECTOR, application="crm"),
            OfferedAction(name="sort", kind=CUSTOM),
        ]
        for action in listed:
            assert await directory.check_action(worker, action.kind, action.name) is None
        problem = await directory.check_action(worker, BATCH, "sort")
        assert problem is not None
        assert "'shop'" in problem
        assert "sort" in problem
        stranger = Worker(name="shop", url=served.url)
        assert "401" in (await directory.check_worker(stranger) or "")


async def test_tls(tmp_path: Path, server: NastyServer) -> None:
    authority = Authority(tmp_path)
    async with NastyServer(tls=authority.server("127.0.0.1")) as secure:
        teach(secure, {"/connector/list": []})
        worker = Worker(name="crm", url=secure.url("").rstrip("/"))
        assert await HttpWorkerDirectory(ca_file=authority.file).check_worker(worker) is None
        assert "certificate" in (await HttpWorkerDirectory().check_worker(worker) or "").lower()


def test_a_ca_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="missing"):
        HttpWorkerDirectory(ca_file=tmp_path / "missing")
