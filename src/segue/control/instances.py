"""Instances: the runs of processes."""

from __future__ import annotations

from msgspec import Struct

from segue.control.paging import Page, page
from segue.model.errors import Conflict, NotFound
from segue.model.message import Consumed, LogLine, Message, Outcome, Record, Transition
from segue.model.versions import Instance, Step
from segue.ports.messages import MessageStore
from segue.ports.outside import Clock
from segue.ports.views import InstanceFilter, Views

# How often a cancel looks again when every message it saw had moved on before it could be settled.
_ATTEMPTS = 100
_DETAIL = 1000


class InstanceDetail(Struct, frozen=True, kw_only=True):
    """An instance with its live messages and the steps it has done, the first thousand of each."""

    instance: Instance
    messages: list[Message]
    steps: list[Step]


class Instances:
    """Look at instances, and end them."""

    def __init__(self, views: Views, messages: MessageStore, clock: Clock) -> None:
        self._views = views
        self._messages = messages
        self._clock = clock

    async def find(self, wanted: InstanceFilter) -> Page[Instance]:
        """Instances, newest first."""
        more = await self._views.instances(_with_limit(wanted, wanted.limit + 1))
        return page(more, wanted.limit, lambda instance: instance.id)

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
