"""The life of versions and which one takes a message."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.core.versions import CHANGES, check_change, choose_asked, choose_version
from segue.model.errors import Conflict, NoEnabledVersion, VersionNotFound
from segue.model.versions import Version, VersionState

DRAFT, OFF, ON, GONE = VersionState.DRAFT, VersionState.DISABLED, VersionState.ENABLED, VersionState.RETIRED
STEPS = {(DRAFT, OFF), (OFF, ON), (ON, OFF), (OFF, GONE), (ON, GONE)}


def version(number: int, state: VersionState) -> Version:
    return Version(
        id=number + 100, process="p", number=number, state=state, created=0, author="", note="", semantic_hash=""
    )


@pytest.mark.parametrize(("current", "wanted"), list(product(VersionState, VersionState)))
def test_every_step(current: VersionState, wanted: VersionState) -> None:
    if current is wanted:
        assert not check_change("p", 1, current, wanted)
    elif (current, wanted) in STEPS:
        assert check_change("p", 1, current, wanted)
    else:
        with pytest.raises(Conflict, match=f"Version 1 of 'p' is {current} and cannot become {wanted}"):
            check_change("p", 1, current, wanted)


def test_every_state_has_its_steps() -> None:
    assert set(CHANGES) == set(VersionState)


@given(st.lists(st.sampled_from(VersionState), max_size=8))
def test_the_highest_enabled_one_takes_new_messages(states: list[VersionState]) -> None:
    versions = [version(number, state) for number, state in enumerate(states, 1)]
    enabled = [one.number for one in versions if one.state is ON]
    if enabled:
        assert choose_version("p", reversed(versions)).number == max(enabled)
    else:
        with pytest.raises(NoEnabledVersion, match="No version of 'p' is enabled"):
            choose_version("p", versions)


def test_asked_for_by_number() -> None:
    versions = [version(1, OFF), version(2, ON), version(3, DRAFT), version(4, GONE)]
    assert choose_asked("p", versions, 1).id == 101
    assert choose_asked("p", versions, 2).id == 102
    for number in (3, 4):
        with pytest.raises(Conflict, match=f"Version {number} of 'p' is .* takes no messages"):
            choose_asked("p", versions, number)
    with pytest.raises(VersionNotFound, match="'p' has no version 5"):
        choose_asked("p", versions, 5)
