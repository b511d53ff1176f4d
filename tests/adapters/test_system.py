"""The system's clock, its randomness, and the key file."""

from __future__ import annotations

import multiprocessing
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.adapters.chance import SystemChance
from segue.adapters.clock import SystemClock
from segue.adapters.secrets_file import KEY_FILE, FileSecrets
from segue.model.errors import Invalid


def test_the_clock_tells_ms_since_the_epoch() -> None:
    before = time.time_ns() // 1_000_000
    now = SystemClock().now()
    assert before <= now <= time.time_ns() // 1_000_000


def test_the_clock_never_goes_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    instants = iter([5_000_000_000, 4_000_000_000, 6_000_000_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(instants))
    assert [clock.now() for _ in range(3)] == [5000, 5000, 6000]


def test_entropy_is_never_handed_out_twice() -> None:
    chance = SystemChance()
    seen = [chance.entropy(20) for _ in range(5000)]
    assert {len(each) for each in seen} == {20}
    assert len(set(seen)) == 5000
    assert len(chance.entropy(100_000)) == 100_000
    assert chance.entropy(0) == b""


def test_fractions_are_in_their_range_and_differ() -> None:
    chance = SystemChance()
    seen = [chance.fraction() for _ in range(1000)]
    assert all(0 <= each < 1 for each in seen)
    assert len(set(seen)) > 990


@given(st.binary(max_size=200))
def test_what_is_sealed_opens_again_and_tells_nothing(tmp_path_factory: pytest.TempPathFactory, plain: bytes) -> None:
    secrets = FileSecrets(tmp_path_factory.mktemp("key"))
    sealed = secrets.seal(plain)
    assert secrets.open(sealed) == plain
    assert secrets.seal(plain) != sealed
    if len(plain) > 8:
        assert plain not in sealed


def test_the_key_file_is_its_owner_s_alone_and_stays(tmp_path: Path) -> None:
    sealed = FileSecrets(tmp_path).seal(b"x")
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert FileSecrets(tmp_path).open(sealed) == b"x"
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_a_sealed_value_that_was_changed_does_not_open(tmp_path: Path) -> None:
    secrets = FileSecrets(tmp_path)
    sealed = secrets.seal(b"plain text")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Invalid, match="stored secret"):
            secrets.open(bytes(changed))
    for cut in (b"", sealed[:20], sealed[:-1]):
        with pytest.raises(Invalid, match="stored secret"):
            secrets.open(cut)


def test_another_key_does_not_open_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    sealed = FileSecrets(tmp_path / "a").seal(b"x")
    with pytest.raises(Invalid, match=KEY_FILE):
        FileSecrets(tmp_path / "b").open(sealed)


@pytest.mark.parametrize("content", [b"", b"segue-key-1:", b"segue-key-1:AAAA", b"x" * 44, b"segue-key-1:***", b"\xff"])
def test_a_file_that_is_no_key_is_named_and_left(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(Invalid, match=KEY_FILE):
        FileSecrets(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == content


def test_a_key_that_others_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    FileSecrets(tmp_path)
    assert caplog.text == ""
    (tmp_path / KEY_FILE).chmod(0o640)
    FileSecrets(tmp_path)
    assert "chmod 600" in caplog.text


def _make(folder: Path, start: object, sealed: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    sealed.put(FileSecrets(folder).seal(b"x"))  # type: ignore[attr-defined]


def test_two_that_make_the_key_at_once_have_the_same(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, sealed = context.Barrier(4), context.Queue()
    made = [context.Process(target=_make, args=(tmp_path, start, sealed)) for _ in range(4)]
    for process in made:
        process.start()
    values = [sealed.get(timeout=60) for _ in made]
    for process in made:
        process.join(60)
    assert [FileSecrets(tmp_path).open(value) for value in values] == [b"x"] * 4
