"""Activities: who did what. Written when something was done, and never changed."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from segue.control.paging import Page, number_cursor, page
from segue.ports.activity import Activity, ActivityFilter, ActivityLog, NewActivity
from segue.ports.outside import Clock

_LONGEST = 500


class Activities:
    """Note what was done, and look at it."""

    def __init__(self, log: ActivityLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def note(
        self,
        by: str,
        action: str,
        *,
        kind: str = "system",
        about: str = "",
        detail: Mapping[str, object] | None = None,
        address: str = "",
    ) -> None:
        """Note something that was done. `kind` says what `by` names: a user, a token, or a part of the system."""
        texts = {name: str(value)[:_LONGEST] for name, value in (detail or {}).items() if value is not None}
        await self._log.note(
            NewActivity(
                at=self._clock.now(),
                by=by[:_LONGEST],
                kind=kind,
                action=action,
                about=about[:_LONGEST],
                detail=texts,
                address=address[:_LONGEST],
            )
        )

    async def find(self, wanted: ActivityFilter, cursor: str | None) -> Page[Activity]:
        """Activities, newest first."""
        before = number_cursor(cursor) or None
        found = await self._log.activities(replace(wanted, before=before, limit=wanted.limit + 1))
        return page(found, wanted.limit, lambda one: str(one.seq))
