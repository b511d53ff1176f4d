"""A site for each test, in memory unless the module asks for more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.site import Site
from tests.site import site as make_site


@pytest.fixture
def store() -> str:
    """Where the site keeps what it knows; modules about what is stored ask for each of both."""
    return "memory"


@pytest.fixture
async def site(store: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with make_site(None if store == "memory" else tmp_path / "data") as made:
        yield made
