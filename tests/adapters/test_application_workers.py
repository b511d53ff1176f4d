"""Workers asked about applications in both ways of addressing, and those that answer nonsense or refuse."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from segue.adapters.worker_directory import HttpApplicationWorkers
from segue.model.errors import WorkerRefused, WorkerTrouble
from segue.model.workers import Worker

LISTED = {"items": [{"key": "shop", "name": "Shop", "authorization_type": "basic", "application_type": "webhook"}]}
FORMS = {
    "f": {
        "key": "f",
        "publicName": "Form",
        "fields": [
            {"key": "p", "type": "password", "value": "leaked"},
            {"key": "c", "type": "selectbox", "choices": {"0": "a", "2": "b"}},
        ],
    }
}


class Sdk:
    """A worker that has its name in the paths, or not, and notes what it was asked."""

    def __init__(self, *, named: bool) -> None:
        self.named = named
        self.asked: list[tuple[str, str, Any]] = []
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        tail = "/sdk/crm%201" if named else ""
        at = f"/applications/shop/users/ann{tail}"
        self.answers["GET", f"/applications{tail}"] = (200, LISTED)
        self.answers["GET", f"/applications/shop{tail}"] = (200, LISTED["items"][0] | {"syncMethods": ["states"]})
        self.answers["GET", at] = (200, LISTED["items"][0] | {"authorized": "yes", "applicationSettings": FORMS})
        for method, path in (
            ("POST", f"{at}/install"),
            ("PUT", f"{at}/settings"),
            ("PUT", f"{at}/password"),
            ("PUT", f"{at}/changeState"),
            ("DELETE", f"{at}/uninstall"),
            ("GET", f"{at}/authorize/token"),
            ("POST", f"/webhook{at}/subscribe"),
            ("POST", f"/webhook{at}/unsubscribe"),
            ("POST", f"/applications/shop{tail}/sync/states"),
        ):
            self.answers[method, path] = (201, {})
        self.answers["GET", f"{at}/authorize"] = (200, {"authorizeUrl": "https://other.example/a?b=c"})
        self.answers["POST", f"/applications{tail}/limits"] = (200, {"0": "ann|shop;1;2", "2": "", "3": None})

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as told; 404 in HTML for everything else, as Express does."""
        body = await request.text()
        path = request.raw_path.partition("?")[0]
        self.asked.append((request.method, request.raw_path, json.loads(body) if body else None))
        status, value = self.answers.get((request.method, path), (404, None))
        if value is None:
            return web.Response(status=status, text="<h1>Not found</h1>", content_type="text/html")
        return web.json_response(value, status=status)


@pytest.fixture(params=[True, False], ids=["named", "plain"])
async def sdk(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Sdk, Worker]]:
    made = Sdk(named=request.param)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield made, Worker(name="crm 1", url=f"http://127.0.0.1:{port}", headers={"x-key": "1"})
    await runner.cleanup()


@pytest.fixture
def asking() -> HttpApplicationWorkers:
    return HttpApplicationWorkers()


async def test_what_it_offers(asking: HttpApplicationWorkers, sdk: tuple[Sdk, Worker]) -> None:
    _, worker = sdk
    [listed] = await asking.applications(worker)
    assert (listed.worker, listed.key, listed.kind, listed.installable, listed.methods) == (
        "crm 1", "shop", "webhook", True, ()
    )  # fmt: skip
    assert (await asking.application(worker, "shop")).methods == ("states",)
    installed = await asking.installed(worker, "shop", "ann")
    [form] = installed.forms
    assert (installed.authorized, installed.enabled, installed.user) == (True, False, "ann")
    assert [field.value for field in form.fields] == [True, None]
    assert form.fields[1].choices == ("a", "b")
    assert await asking.limits(worker, "ann", ["shop"]) == ["ann|shop;1;2"]
    assert await asking.authorize(worker, "shop", "ann", "/x?y") == "https://other.example/a?b=c"


async def test_what_it_is_told(asking: HttpApplicationWorkers, sdk: tuple[Sdk, Worker]) -> None:
    made, worker = sdk
    await asking.install(worker, "shop", "ann")
    await asking.save_settings(worker, "shop", "ann", {"f": {"c": "a"}})
    await asking.save_password(worker, "shop", "ann", "f", "p", "pass")
    await asking.set_enabled(worker, "shop", "ann", enabled=True)
    await asking.authorized(worker, "shop", "ann", {"code": "a b", "state": "s"})
    await asking.subscribe(worker, "shop", "ann", "made", "orders", "in")
    await asking.unsubscribe(worker, "shop", "ann", "made", "orders")
    assert (await asking.call(worker, "shop", "states", {"x": 1})).body == b"{}"
    await asking.uninstall(worker, "shop", "ann")
    bodies = {path.partition("?")[0].rpartition("/")[2]: body for _, path, body in made.asked}
    assert bodies["settings"] == {"f": {"c": "a"}}
    assert bodies["password"] == {"formKey": "f", "fieldKey": "p", "password": "pass"}
    assert bodies["changeState"] == {"enabled": True}
    assert bodies["subscribe"] == {"name": "made", "topology": "orders", "node": "in"}
    who = {"user": "ann", "name": "shop"} | ({"sdk": "crm 1"} if made.named else {})
    for callback in ("afterInstallCallback", "afterEnableCallback", "afterUninstallCallback"):
        assert bodies[callback] == who
    assert any(path.endswith("/authorize/token?code=a+b&state=s") for _, path, _ in made.asked)
    assert sum(path == "/applications/sdk/crm%201" for _, path, _ in made.asked) == 1


async def test_a_refusal_and_an_answer_that_is_none(asking: HttpApplicationWorkers, sdk: tuple[Sdk, Worker]) -> None:
    made, worker = sdk
    [(method, path)] = [known for known in made.answers if known[1].endswith("/install")]
    said = "Error occurred: no such applicationError: no such application\n    at /secret/path.js:7"
    made.answers[method, path] = (400, {"status": "Error", "message": said})
    with pytest.raises(WorkerRefused) as refused:
        await asking.install(worker, "shop", "ann")
    assert refused.value.detail == "Worker 'crm 1' refused: no such application"
    for status, value in ((500, {"message": "x"}), (404, None), (302, {})):
        made.answers[method, path] = (status, value)
        with pytest.raises(WorkerTrouble):
            await asking.install(worker, "shop", "ann")
    [(method, path)] = [known for known in made.answers if known[1].endswith("/authorize")]
    made.answers[method, path] = (200, {"else": 1})
    with pytest.raises(WorkerTrouble, match="unexpected"):
        await asking.authorize(worker, "shop", "ann", "/x")


async def test_a_worker_that_is_away(asking: HttpApplicationWorkers) -> None:
    with pytest.raises(WorkerTrouble, match="could not be reached"):
        await asking.applications(Worker(name="w", url="http://127.0.0.1:1"))
