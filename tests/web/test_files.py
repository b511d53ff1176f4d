"""The admin's files: what is served where, under which policy, and what is left to the API."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest

from segue.web import AdminPages

PAGE = b'<html><meta name="nonce" content="%NONCE%"></html>'


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(PAGE)
    (folder / "assets" / "a-1.js").write_bytes(b"let a = 1;" * 200)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


async def ask(
    pages: AdminPages, path: str, method: str = "GET", encoding: str = ""
) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody reads a body here")

    headers = [(b"accept-encoding", encoding.encode())]
    await pages({"type": "http", "method": method, "path": path, "headers": headers}, receive, send)
    fields = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], fields, sent[1]["body"]


@pytest.mark.parametrize("path", ["/", "/processes", "/process/a%20b", "/trash", "/sign-in", "/instance/1"])
async def test_every_address_of_the_admin_answers_its_page(built: Path, path: str) -> None:
    pages = AdminPages(built)
    assert pages.owns(path)
    status, headers, body = await ask(pages, path)
    assert status == 200
    nonce = re.search(rb'content="([^"]+)"', body)
    assert nonce is not None
    assert f"'nonce-{nonce[1].decode()}'" in headers["content-security-policy"]
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/api/v1/audit", "/processes/a/start", "/metrics", "/docs/errors/x", "/x", "*", ""])
def test_the_rest_is_left_to_the_api(built: Path, path: str) -> None:
    assert AdminPages(built).owns(path) is (path == "")


async def test_no_two_pages_have_the_same_nonce(built: Path) -> None:
    pages = AdminPages(built)
    assert (await ask(pages, "/"))[2] != (await ask(pages, "/"))[2]


async def test_files_are_kept_by_the_browser_and_packed(built: Path) -> None:
    pages = AdminPages(built)
    status, headers, body = await ask(pages, "/assets/a-1.js", encoding="br, gzip")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == b"let a = 1;" * 200
    assert "immutable" in headers["cache-control"]
    assert headers["content-type"].startswith("text/javascript")
    assert (await ask(pages, "/assets/a-1.js"))[2] == b"let a = 1;" * 200
    assert (await ask(pages, "/assets/a-1.js", method="HEAD"))[2] == b""


@pytest.mark.parametrize("path", ["/assets/../../secret.txt", "/assets//secret.txt", "/assets/", "/assets/nothing.js"])
async def test_nothing_but_the_build_is_served(built: Path, path: str) -> None:
    assert (await ask(AdminPages(built), path))[0] == 404


async def test_without_a_build_it_says_what_to_do(tmp_path: Path) -> None:
    status, _, body = await ask(AdminPages(tmp_path / "nothing"), "/")
    assert status == 404
    assert b"make ui" in body
