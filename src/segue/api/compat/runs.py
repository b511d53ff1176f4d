"""Starting by the original's routes: by id, by name, with a user, and by a webhook's address."""

from __future__ import annotations

from typing import Any

import msgspec

from segue.api.calls import Answer, Call, json_answer
from segue.api.compat.credentials import caller_of
from segue.api.gate import Gate
from segue.api.hooks import HookDesk
from segue.api.start import Intake
from segue.control.published import Published
from segue.model.errors import Invalid, NodeNotFound, NoEnabledVersion, NotFound, ProcessNotFound
from segue.model.start import Accepted
from segue.model.versions import Version, VersionState
from segue.runtime.accept import Acceptor, StartRequest

_LONGEST_USER = 200
_PREVIOUS = {b"previous-correlation-id": "previous-correlation-id"}


class Runs:
    """The routes below /topologies and /webhook/topologies."""

    def __init__(self, published: Published, acceptor: Acceptor, gate: Gate, intake: Intake, desk: HookDesk) -> None:
        self._published = published
        self._acceptor = acceptor
        self._gate = gate
        self._intake = intake
        self._desk = desk

    async def answer(self, call: Call) -> Answer:
        """Answer one request. Raises SegueError."""
        match call.parts:
            case ("topologies", topology, "nodes", node, "run"):
                return await self._by_id(call, topology, node, None)
            case ("topologies", topology, "nodes", node, "user", user, "run"):
                return await self._by_id(call, topology, node, user)
            case ("topologies", topology, "nodes", node, "run-by-name"):
                return await self._by_name(call, topology, node, None)
            case ("topologies", topology, "nodes", node, "user", user, "run-by-name"):
                return await self._by_name(call, topology, node, user)
            case ("topologies", topology, "nodes", node, "token", token, "run"):
                return await self._by_webhook(call, topology, node, token)
            case ("webhook", "topologies", topology, "nodes", node, "token", token, *end) if end in ([], ["run"]):
                return await self._by_webhook(call, topology, node, token)
            case ("topologies", _, "invalidate-cache"):
                # Nothing is cached that would be out of date.
                await caller_of(call, self._gate, "start")
                return json_answer({"cache": 0})
        raise NotFound("Nothing is here")

    async def _by_id(self, call: Call, topology: str, node: str, user: str | None) -> Answer:
        _check_post(call)
        from_ui = b"uirun=true" in call.query.lower()
        await caller_of(call, self._gate, "operate" if from_ui else "start")
        version = await self._version(topology, from_ui)
        if version is None:
            raise NotFound(f"Topology with key '{topology[:100]}' not found!")
        try:
            return await self._run(call, version.process, node, version.number, user, by_hand=from_ui)
        except NodeNotFound:
            raise NotFound(f"Node with key '{node[:100]}' not found!") from None

    async def _by_name(self, call: Call, topology: str, node: str, user: str | None) -> Answer:
        _check_post(call)
        await caller_of(call, self._gate, "start")
        try:
            return await self._run(call, topology, node, None, user)
        except (ProcessNotFound, NodeNotFound, NoEnabledVersion):
            raise NotFound(_no_node(topology, node)) from None

    async def _by_webhook(self, call: Call, topology: str, node: str, token: str) -> Answer:
        document = await self._desk.webhooks.by_place(topology, node, token)
        if document is None:
            raise NotFound(_no_node(topology, node))
        return await self._desk.take(call, document, _started)

    async def _version(self, topology: str, from_ui: bool) -> Version | None:
        """The version that workers know under this id, if it takes new messages."""
        if not (topology.isascii() and topology.isdecimal() and len(topology) < 16):
            return None
        version = await self._published.version(int(topology))
        if version is None or (version.state is not VersionState.ENABLED and not from_ui):
            return None
        return version

    async def _run(
        self, call: Call, process: str, node: str, version: int | None, user: str | None, *, by_hand: bool = False
    ) -> Answer:
        self._intake.check()
        body = await call.body()
        said = _checked(body) if _is_json(call) else None
        headers = {name: value for key, name in _PREVIOUS.items() if (value := call.header(key))}
        who = user or _user_of(said) or call.header(b"user")
        if who:
            if len(who) > _LONGEST_USER or not who.isprintable():
                raise Invalid("user: is too long, or has characters that cannot be printed")
            headers["user"] = who
        request = StartRequest(process=process, node=node, version=version, body=body, headers=headers, by_hand=by_hand)
        return _started(await self._acceptor.start(request))


def _check_post(call: Call) -> None:
    if call.method != "POST":
        raise NotFound("Nothing is here")


def _is_json(call: Call) -> bool:
    return (call.header(b"content-type") or "").partition(";")[0].strip().lower() == "application/json"


def _checked(body: bytes) -> Any:
    """What the body says. Raises Invalid unless it is a JSON object or array."""
    try:
        said = msgspec.json.decode(body)
        body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("Content is not valid!") from None
    if not isinstance(said, dict | list):
        raise Invalid("Content is not valid!")
    return said


def _user_of(said: Any) -> str | None:
    user = said.get("user") if isinstance(said, dict) else None
    return user if isinstance(user, str) and user else None


def _no_node(topology: str, node: str) -> str:
    return f"Topology with name '{topology[:100]}' and node with name '{node[:100]}' not found!"


def _started(accepted: Accepted) -> Answer:
    return json_answer({"state": "ok", "started": 1, "correlation_id": accepted.instance})
