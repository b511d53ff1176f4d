"""OpenSearch and FerretDB (a server that speaks MongoDB's protocol): real receivers, killed and started again."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient

from segue.adapters.log_sinks.addresses import sinks
from segue.ports.log_sinks import LogSink
from segue.testing.contracts.log_sinks import LogSinkContract, SinkWorld, stored
from tests.log_sinks.programs import Program, ferretdb_command, free_port, opensearch_command, running

pytestmark = pytest.mark.timeout(240)


class _World:
    """A program, and a sink of its own place in it."""

    def __init__(self, program: Program, sink: LogSink) -> None:
        self.program = program
        self.sink = sink

    async def vanish(self) -> None:
        await asyncio.to_thread(self.program.kill)

    async def come_back(self) -> None:
        await asyncio.to_thread(self.program.start)


class OpenSearchWorld(_World):
    """A data stream of its own in OpenSearch."""

    def __init__(self, program: Program, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.index = f"segue-{uuid4().hex}"
        super().__init__(program, sinks(f"elastic+{self.url}?index={self.index}&link=https://logs/{{instance}}")[0])

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=30) as answer:
            return json.loads(answer.read())

    async def found(self) -> Sequence[Mapping[str, Any]]:
        await asyncio.to_thread(self.ask, f"{self.index}/_refresh")
        answer = await asyncio.to_thread(self.ask, f"{self.index}/_search?size=1000&sort=event.sequence")
        return [hit["_source"] for hit in answer["hits"]["hits"]]


class FerretWorld(_World):
    """A collection of its own in FerretDB."""

    def __init__(self, program: Program, port: int) -> None:
        self.collection = f"logs_{uuid4().hex}"
        self.url = f"mongodb://127.0.0.1:{port}/segue"
        super().__init__(program, sinks(f"{self.url}?collection={self.collection}")[0])

    async def found(self) -> Sequence[Mapping[str, Any]]:
        async with AsyncMongoClient[dict[str, Any]](self.url, tz_aware=True) as client:
            documents = [one async for one in client["segue"][self.collection].find().sort("event.sequence")]
        for one in documents:
            text = one["@timestamp"].isoformat(timespec="milliseconds")
            one["@timestamp"] = text.replace("+00:00", "Z")
        return documents


@pytest.fixture(scope="module")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, int]]:
    folder, port = tmp_path_factory.mktemp("opensearch"), free_port()
    with running(Program(opensearch_command(folder / "node", port), port, folder / "log")) as program:
        yield program, port


@pytest.fixture(scope="module")
def ferretdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, int]]:
    folder, port = tmp_path_factory.mktemp("ferretdb"), free_port()
    with running(Program(ferretdb_command(folder / "data", port), port, folder / "log")) as program:
        yield program, port


class TestOpenSearch(LogSinkContract):
    @pytest.fixture
    async def world(self, opensearch: tuple[Program, int]) -> AsyncIterator[SinkWorld]:
        world = OpenSearchWorld(*opensearch)
        yield world
        await world.sink.close()

    async def test_the_stream_has_the_types_that_the_template_says(self, world: OpenSearchWorld) -> None:
        await world.sink.send([stored(1, "an order")])
        mapping = await asyncio.to_thread(world.ask, f"{world.index}/_mapping")
        [index] = mapping.values()
        properties = index["mappings"]["properties"]
        assert properties["@timestamp"]["type"] == "date"
        assert properties["segue"]["properties"]["instance"]["type"] == "keyword"
        answer = await asyncio.to_thread(world.ask, f"{world.index}/_search?q=message:ORDER")
        assert answer["hits"]["total"]["value"] in {0, 1}


class TestFerretDB(LogSinkContract):
    @pytest.fixture
    async def world(self, ferretdb: tuple[Program, int]) -> AsyncIterator[SinkWorld]:
        world = FerretWorld(*ferretdb)
        yield world
        await world.sink.close()


def test_the_folder_of_the_source_is_where_it_is_looked_for() -> None:
    assert (Path(__file__).parent / "opensearch" / "OpenSearchNode.java").is_file()
