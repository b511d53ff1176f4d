"""The demo's systems as real services, started once for the tests that call them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from demo.children import Children
from demo.stage import Stage


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of fresh systems by name; they are ended after the module."""
    folder = tmp_path_factory.mktemp("systems")
    children = Children(folder)
    stage = Stage(children, folder / "data")
    try:
        asyncio.run(stage.start_systems())
        yield stage.systems
    finally:
        asyncio.run(children.stop())
