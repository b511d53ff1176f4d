"""The life of a version, and which version takes a message."""

from __future__ import annotations

from collections.abc import Iterable

from segue.model.errors import Conflict, DraftChanged, NoEnabledVersion, VersionNotFound
from segue.model.events import EventKind
from segue.model.versions import Version, VersionState, revision_of

CHANGES: dict[VersionState, frozenset[VersionState]] = {
    VersionState.DRAFT: frozenset({VersionState.DISABLED}),
    VersionState.DISABLED: frozenset({VersionState.ENABLED, VersionState.RETIRED}),
    VersionState.ENABLED: frozenset({VersionState.DISABLED, VersionState.RETIRED}),
    VersionState.RETIRED: frozenset(),
}
"""The states that a version may go to from each state. Publishing is the step from draft to disabled."""

PUBLISHED = frozenset({VersionState.DISABLED, VersionState.ENABLED})
"""The states in which a version has a control service: it finishes what it began, whether it takes new messages or
not."""


RETIRED_CODE = "version-retired"
RETIRED_REASON = "The version was retired before this message was handled."
"""Why a message is in trash that lived in a version when it was retired."""


def change_event(current: VersionState, wanted: VersionState) -> EventKind:
    """Return what is told of a step in a version's life that `check_change` allows."""
    if current is VersionState.DRAFT:
        return EventKind.VERSION_PUBLISHED
    return _TOLD[wanted]


def check_change(process: str, number: int, current: VersionState, wanted: VersionState) -> bool:
    """Return whether there is something to change: False when the version is in the wanted state already.

    Raises Conflict for a step that the life of a version does not have.
    """
    if current is wanted:
        return False
    if wanted not in CHANGES[current]:
        raise Conflict(f"Version {number} of {process!r} is {current} and cannot become {wanted}")
    return True


def draft_changed(there: Version, source: bytes) -> DraftChanged:
    """The error for a change that was made from another state of this version (C6)."""
    what = f"The draft (version {there.number})" if there.state is VersionState.DRAFT else f"Version {there.number}"
    who = f" by {there.author}" if there.author else ""
    text = f"{what} of {there.process!r} was changed meanwhile{who}; nothing was saved over it"
    return DraftChanged(text, version=there.number, revision=revision_of(source), author=there.author, at=there.created)


def choose_version(process: str, versions: Iterable[Version]) -> Version:
    """Return the version that takes a new message by name: the highest enabled one (P4). Raises NoEnabledVersion."""
    enabled = [version for version in versions if version.state is VersionState.ENABLED]
    if not enabled:
        raise NoEnabledVersion(f"No version of {process!r} is enabled")
    return max(enabled, key=_number)


def choose_asked(process: str, versions: Iterable[Version], number: int) -> Version:
    """Return the version that was asked for by its number. Raises VersionNotFound, and Conflict if it cannot run."""
    for version in versions:
        if version.number == number:
            if version.state not in PUBLISHED:
                raise Conflict(f"Version {number} of {process!r} is {version.state} and takes no messages")
            return version
    raise VersionNotFound(f"{process!r} has no version {number}")


_TOLD = {
    VersionState.ENABLED: EventKind.VERSION_ENABLED,
    VersionState.DISABLED: EventKind.VERSION_DISABLED,
    VersionState.RETIRED: EventKind.VERSION_RETIRED,
}


def _number(version: Version) -> int:
    return version.number
