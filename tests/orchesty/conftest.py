"""One stage for all tests of this folder: they use actions and processes of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.orchesty.packages import install
from tests.orchesty.stage import Stage
from tests.orchesty.stage import stage as make_stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with make_stage(tmp_path_factory.mktemp("orchesty") / "data", install()) as made:
        yield made
