"""What happens by itself after a commit, said a second time: messages meet, called instances end, callers go on.

A part of the account. It knows from the drawing who may still come, and from nothing else.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from segue.model.graph import Bodies, NodeKind
from segue.model.ids import child_id
from segue.model.message import Child, Outcome, Place
from segue.model.versions import InstanceState

if TYPE_CHECKING:
    from segue.testing.simulation.account import Account, Known, Run
    from segue.testing.simulation.drawing import Drawing

_BACK = {
    InstanceState.FINISHED: "called-finished",
    InstanceState.FAILED: "called-failed",
    InstanceState.CANCELLED: "called-cancelled",
}


class Meetings:
    """Looks at the instances that the last commit touched."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._arrival = 0

    def look(self, at: int) -> None:
        """Bring the account to what must be so now."""
        for id_ in list(self._account.touched):
            run = self._account.runs.get(id_)
            if run is not None and any(known.scope for known in run.live.values()):
                while self._meet(run, at):
                    pass
        for id_ in list(self._account.touched):
            run = self._account.runs.get(id_)
            if run is not None and not run.live and run.ended is None:
                self._account.end(run, at)
                self._call_back(run, at)

    # -- joins --------------------------------------------------------------------------------------------------------

    def _meet(self, run: Run, at: int) -> bool:
        """Whether something ended that others may have waited for."""
        drawing = self._account.versions[run.version].drawing
        waiting = sorted({known.scope for known in run.live.values() if known.place is Place.JOINING})
        for scope in waiting:
            inside = [known for known in run.live.values() if known.scope.startswith(scope)]
            here = [known for known in inside if known.place is Place.JOINING and known.scope == scope]
            for node in sorted({known.node for known in here}):
                met = [known for known in here if known.node == node]
                others = [known for known in inside if known not in met]
                if not any(drawing.may_come(known.node, node) for known in others):
                    self._join(drawing, scope, met, others, at)
        return self._abandon(run, drawing)

    def _join(self, drawing: Drawing, scope: str, met: list[Known], others: list[Known], at: int) -> None:
        account, node = self._account, drawing.nodes[met[0].node]
        flows = [flow.id for flow in drawing.graph.flows]
        first = min(met, key=attrgetter("born"))
        ordered = sorted(met, key=lambda known: (_place(flows, known.reason_code), known.born))
        is_part = node.kind is NodeKind.SUB_PROCESS
        stays = bool(others) and not is_part
        child = Child(
            id=child_id(first.id, node.id, len(met)),
            node=node.id,
            body=_one_body(node.meeting.bodies if node.meeting else Bodies.MERGE, [known.body for known in ordered]),
            headers=_one_head(ordered),
            scope=scope if stays else scope[: scope.rstrip("/").rfind("/") + 1],
        )
        for known in met:
            account.go(known, Outcome.JOINED, (child.id,) if known is first else ())
        account.runs[first.instance].last = Outcome.JOINED
        self._came_together(account.be_born(child, first, at))
        if is_part:
            for known in others:
                account.cancel(known)

    def _abandon(self, run: Run, drawing: Drawing) -> bool:
        """Nothing is left in a sub-process but who watches it: that ends. Whether there was such a one."""
        scopes = set()
        for known in run.live.values():
            path = ""
            for piece in known.scope.split("/")[:-1]:
                path += piece + "/"
                if piece[0] == "s":
                    scopes.add(path)
        for scope in sorted(scopes):
            place = int(scope.split("/")[-2][1:].split(".")[0])
            part = drawing.graph.nodes[place].id
            inside = [known for known in run.live.values() if known.scope.startswith(scope)]
            if inside and all(drawing.nodes[known.node].attached_to == part for known in inside):
                for known in inside:
                    self._account.cancel(known)
                return True
        return False

    # -- calls --------------------------------------------------------------------------------------------------------

    def _call_back(self, run: Run, at: int) -> None:
        scope = run.start.scope
        if not scope or run.ended is None:
            return
        caller = self._account.live.get(scope.split(".", 1)[1].rstrip("/"))
        if caller is None or caller.place is not Place.CALLING:
            return
        self._account.touched[caller.instance] = None
        body, headers = run.said
        if run.ended is InstanceState.FINISHED:
            caller.body = body or caller.body
            caller.headers = dict(caller.headers) | _without_engines(headers)
        caller.reason_code = _BACK[run.ended]
        caller.place, caller.entered, caller.due = Place.QUEUED, at, 0
        self._account.enter_queue(caller)
        self._came_together(caller)

    def _came_together(self, known: Known) -> None:
        """What goes on by itself after one commit has no order among itself."""
        self._arrival = self._arrival or known.arrival
        known.arrival = self._arrival


def _place(flows: Sequence[str], flow: str | None) -> int:
    return flows.index(flow) if flow in flows else 0


def _one_head(ordered: Sequence[Known]) -> dict[str, str]:
    """The headers of all; of the engine's own only those that tell where the message comes from."""
    headers: dict[str, str] = {}
    for known in ordered:
        headers |= _without_engines(known.headers)
    first = ordered[0]
    above = first.headers.get("parent-id", "")
    if "process-id" in first.headers and above not in {"", first.instance}:
        headers |= {"process-id": above, "parent-id": ""}
    return headers


def _without_engines(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in _ENGINES}


_ENGINES = frozenset({"process-id", "parent-id", "previous-node-id"})


def _one_body(bodies: Bodies, ordered: Sequence[bytes]) -> bytes:
    if bodies is Bodies.MERGE:
        if len(set(ordered)) == 1:
            return ordered[0]
        read = [_read(body) for body in ordered]
        if all(isinstance(facts, dict) for facts in read):
            laid: dict[str, Any] = {}
            for facts in read:
                laid |= facts
            return json.dumps(laid, separators=(",", ":")).encode()
    return b"[" + b",".join(_in_list(body) for body in ordered) + b"]"


_NOT_JSON = object()


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return _NOT_JSON


def _in_list(body: bytes) -> bytes:
    if _read(body) is not _NOT_JSON:
        return body
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = b64encode(body).decode()
    return json.dumps(text).encode()
