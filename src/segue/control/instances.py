"""Instances: the runs of processes."""

from __future__ import annotations

from msgspec import Struct

from segue.control.paging import Page, page
from segue.core.headers import begun_by_hand
from segue.core.searching import parse_match
from segue.core.versions import choose_asked
from segue.model.errors import Conflict, NodeNotFound, NotFound
from segue.model.ids import make_id
from segue.model.message import Consumed, LogLine, Message, Outcome, Record, Transition
from segue.model.start import Accepted, Headers, Start
from segue.model.versions import Instance, Step
from segue.ports.catalog import ProcessCatalog
from segue.ports.messages import MessageStore
from segue.ports.outside import Chance, Clock
from segue.ports.views import Content, Found, InstanceFilter, Views

# How often a cancel looks again when every message it saw had moved on before it could be settled.
_ATTEMPTS = 100
_DETAIL = 1000
# So long (ms) a search looks before it says how far it came.
_SEARCH_MS = 80


class Again(Struct, frozen=True, kw_only=True):
    """How to run an instance again from a node: at which version, and with what instead of what there was."""

    version: int | None = None
    body: bytes | None = None
    headers: Headers | None = None


class InstanceDetail(Struct, frozen=True, kw_only=True):
    """An instance with its live messages and the steps it has done, the first thousand of each."""

    instance: Instance
    messages: list[Message]
    steps: list[Step]


class Instances:
    """Look at instances, and end them."""

    def __init__(
        self, views: Views, messages: MessageStore, catalog: ProcessCatalog, clock: Clock, chance: Chance
    ) -> None:
        self._views = views
        self._messages = messages
        self._catalog = catalog
        self._clock = clock
        self._chance = chance

    async def find(self, wanted: InstanceFilter) -> Page[Instance]:
        """Instances, newest first."""
        more = await self._views.instances(_with_limit(wanted, wanted.limit + 1))
        return page(more, wanted.limit, lambda instance: instance.id)

    async def search(self, wanted: InstanceFilter, text: str) -> Found:
        """Instances with a message that holds what `text` says, newest first, as far as a moment lasts. Raises Invalid.

        The answer says how far was looked; asking on from there comes to an end.
        """
        return await self._views.search(wanted, parse_match(text), _SEARCH_MS)

    async def content(self, id: str, message: str) -> Content:
        """What a message of the instance held when it came to its node. Raises NotFound."""
        found = await self._views.message_content(id, message)
        if found is None:
            raise NotFound(f"Instance {id[:100]} has no message {message[:100]}")
        return found

    async def resend(self, id: str, message: str, how: Again) -> Accepted:
        """Begin a new instance at the node of one of this instance's messages, with what that held or with `how`.

        Raises NotFound; Conflict when nothing was kept of the message and no body is given; VersionNotFound,
        NodeNotFound, or Conflict for a version that cannot take it.
        """
        old = await self._instance(id)
        held = await self.content(id, message)
        body = held.body if how.body is None else how.body
        if body is None:
            raise Conflict("What this message held was not kept, so a body has to be given")
        number = old.version if how.version is None else how.version
        version = choose_asked(old.process, (await self._catalog.process(old.process)).versions, number)
        graph = (await self._catalog.content(version.id)).graph
        if all(node.id != held.node for node in graph.nodes):
            raise NodeNotFound(f"Version {number} of {old.process} has no node {held.node}")
        now = self._clock.now()
        entropy = self._chance.entropy(20)
        return await self._messages.accept(
            Start(
                process=old.process,
                instance=make_id(now, entropy[:10]),
                message=make_id(now, entropy[10:]),
                at=now,
                body=body,
                headers=begun_by_hand((held.headers or {}) if how.headers is None else how.headers),
                version=number,
                entry=held.node,
                origin=id,
            )
        )

    async def get(self, id: str) -> InstanceDetail:
        """Raises NotFound."""
        instance = await self._instance(id)
        return InstanceDetail(
            instance=instance,
            messages=await self._views.instance_messages(id, _DETAIL),
            steps=await self._views.instance_steps(id, _DETAIL),
        )

    async def cancel(self, id: str, by: str) -> Instance:
        """Consume all live messages of the instance as cancelled, in one transaction, and end it so.

        A call to a worker that is under way is not taken back; its answer changes nothing any more.
        Raises NotFound, or Conflict when the instance has ended already.
        """
        for _ in range(_ATTEMPTS):
            instance = await self._instance(id)
            if instance.finished is not None:
                raise Conflict(f"Instance {id} has ended already: it is {instance.state}", state=instance.state)
            live = await self._views.instance_messages(id, 1)
            if live and (await self._messages.settle([self._cancelling(live[0], by)]))[0]:
                return await self._instance(id)
        raise Conflict(f"Instance {id} moves too fast to be cancelled now; disable its version first, or try again")

    def _cancelling(self, message: Message, by: str) -> Transition:
        now = self._clock.now()
        return Transition(
            message=message,
            effect=Consumed(outcome=Outcome.CANCELLED, terminate=True),
            record=Record(taken=now),
            at=now,
            logs=(LogLine(level="info", text=f"Instance cancelled by {by}", at=now),),
            by=by,
        )

    async def _instance(self, id: str) -> Instance:
        instance = await self._views.instance(id)
        if instance is None:
            raise NotFound(f"There is no instance {id[:100]}")
        return instance


def _with_limit(wanted: InstanceFilter, limit: int) -> InstanceFilter:
    return InstanceFilter(
        process=wanted.process,
        version=wanted.version,
        state=wanted.state,
        since=wanted.since,
        until=wanted.until,
        before=wanted.before,
        limit=limit,
    )
