"""Settings: which source wins, and what is said about one that cannot be."""

from __future__ import annotations

import typing
from pathlib import Path

import pytest
from msgspec import Meta

from segue.config import CONFIG_FILE, Settings, load
from segue.model.errors import Invalid


def write(folder: Path, text: str) -> dict[str, object]:
    (folder / CONFIG_FILE).write_text(text, encoding="utf-8")
    return {"data": str(folder)}


def test_without_any_source_everything_is_default() -> None:
    found = load(environment={}, file=False)
    assert found.settings == Settings()
    assert {each.origin for each in found.listed} == {"default"}
    assert [each.name for each in found.listed] == list(Settings.__struct_fields__)
    assert found.warnings == ()


def test_the_later_source_wins(tmp_path: Path) -> None:
    flags = write(tmp_path, "port = 1\nmax_wait_s = 2\nbacklog = 3\n")
    environment = {"SEGUE_PORT": "11", "SEGUE_MAX_WAIT_S": "12"}
    found = load(flags=flags | {"port": 21, "host": None}, environment=environment)
    assert (found.settings.port, found.settings.max_wait_s, found.settings.backlog) == (21, 12, 3)
    origins = {each.name: each.origin for each in found.listed}
    assert origins["port"] == "command line"
    assert origins["max_wait_s"] == "environment SEGUE_MAX_WAIT_S"
    assert origins["backlog"] == f"file {tmp_path / CONFIG_FILE}"
    assert origins["host"] == "default"


def test_the_folder_itself_may_come_from_the_environment(tmp_path: Path) -> None:
    write(tmp_path, "port = 1\n")
    assert load(environment={"SEGUE_DATA": str(tmp_path)}).settings.port == 1


def test_every_setting_says_what_it_is() -> None:
    for each in load(environment={}, file=False).listed:
        assert len(each.about.split()) >= 3, each.name
    for name, hint in typing.get_type_hints(Settings, include_extras=True).items():
        assert isinstance(typing.get_args(hint)[1], Meta), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("port", "8080.5"),
        ("port", ""),
        ("port", "http"),
        ("log_level", "loud"),
        ("host", ""),
        ("grace_s", "-1"),
        ("grace_s", "nan"),
        ("max_body_mb", "0"),
        ("max_body_mb", "1025"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_origin(name: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        load(environment={f"SEGUE_{name.upper()}": value}, file=False)
    assert f"Setting {name} (environment SEGUE_{name.upper()}) is {value!r}" in caught.value.detail


@pytest.mark.parametrize("text", ['port = "1"', "port = 1.5", "port = true", "host = 1", "port = 1979-05-27"])
def test_the_file_has_types_of_its_own(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match=CONFIG_FILE):
        load(flags=write(tmp_path, text), environment={})


@pytest.mark.parametrize("text", ["prt = 1", "[server]\nport = 1", "port = 1\nport = 2", "port", 'data = "x"'])
def test_a_file_that_cannot_be_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match=CONFIG_FILE):
        load(flags=write(tmp_path, text), environment={})


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(Invalid, match=CONFIG_FILE):
        load(flags={"data": str(tmp_path)}, environment={})


def test_what_looks_like_a_setting_and_is_none_is_warned_of() -> None:
    found = load(environment={"SEGUE_PROT": "1", "SEGUE_CI": "1", "PORT": "1"}, file=False)
    assert len(found.warnings) == 1
    assert "SEGUE_PROT" in found.warnings[0]
    with pytest.raises(Invalid, match="prot"):
        load(flags={"prot": 1}, environment={}, file=False)


def test_secrets_are_masked_everywhere() -> None:
    found = load(environment={"SEGUE_TOKEN": "sgt_hush"}, file=False)
    assert found.settings.token == "sgt_hush"
    assert "hush" not in repr(found.listed)
    [empty] = [each for each in load(environment={}, file=False).listed if each.name == "token"]
    assert empty.value == ""
