"""The server as the command starts it: from the first start to its end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import SEGUE, Starting, Worker, segue
from tests.files import chain, user_task


def get(url: str, path: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def refused(*options: str, **environment: str) -> str:
    """Start a server that must not start; what it says, which is one sentence."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
    done = subprocess.run(
        [SEGUE, "serve", *options], capture_output=True, text=True, timeout=30, env=clean | environment, check=False
    )
    assert done.returncode == 1, done
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert lines[-1].startswith("segue: ")
    assert "Traceback" not in done.stderr
    return lines[-1]


def test_it_answers_when_it_says_that_it_is_ready(starting: Starting) -> None:
    server = starting()
    status, body = get(server.url, "/api/v1/health")
    assert (status, json.loads(body)["status"]) == (200, "ok")


def test_the_first_start_says_how_to_make_a_token_and_lets_nobody_in(starting: Starting) -> None:
    server = starting(with_token=False)
    assert get(server.url, "/api/v1/audit")[0] == 401
    code, err = server.stop()
    assert code == 0
    assert f"segue token create --data {server.data}" in err


def test_the_data_folder_is_its_owner_s_alone(starting: Starting) -> None:
    server = starting()
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.data / "segue.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(starting: Starting, number: int) -> None:
    server = starting()
    assert server.segue("process", "list").code == 0
    assert server.stop(number) == (0, "")
    assert server.segue("process", "list").code == 3


def test_what_was_accepted_is_there_after_a_restart(starting: Starting, tmp_path: Path) -> None:
    (tmp_path / "tasks.bpmn").write_text(user_task())
    first = starting()
    assert first.segue("deploy", str(tmp_path / "tasks.bpmn"), "--enable").code == 0
    started = first.segue("start", "tasks", "--json").json
    assert first.stop()[0] == 0
    second = starting()
    second.tasks(started["message"])
    assert second.segue("instance", "show", started["instance"], "--json").json["state"] == "running"
    assert second.segue("audit", "--json").json["balanced"]


def test_calls_in_flight_are_finished_before_it_ends(starting: Starting, tmp_path: Path, worker: Worker) -> None:
    (tmp_path / "orders.bpmn").write_text(chain("echo", "echo"))
    server = starting()
    server.segue("worker", "add", "w", worker.url)
    server.segue("deploy", str(tmp_path / "orders.bpmn"), "--enable")
    for _ in range(20):
        assert server.segue("start", "orders").code == 0
    assert server.stop() == (0, "")
    audit = segue("audit", "--data", str(server.data), "--json").json
    assert audit["balanced"]
    assert audit["versions"][0]["accepted"] == 20


def test_a_second_server_for_one_folder_says_who_holds_it(starting: Starting) -> None:
    server = starting()
    said = refused("--data", str(server.data), "--port", "0")
    assert str(server.process.pid) in said
    assert "in use" in said


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        assert f"Port {port}" in refused("--data", str(tmp_path / "d"), "--port", str(port))


def test_an_address_that_is_not_here_is_named(tmp_path: Path) -> None:
    segue("token", "create", "--data", str(tmp_path), "--name", "x")
    assert "192.0.2.1" in refused("--data", str(tmp_path), "--port", "0", "--host", "192.0.2.1")
    assert "no.such.host.invalid" in refused("--data", str(tmp_path), "--port", "0", "--host", "no.such.host.invalid")


def test_others_are_not_let_near_before_a_token_exists(tmp_path: Path) -> None:
    said = refused("--data", str(tmp_path / "d"), "--host", "0.0.0.0", "--port", "0")
    assert "before a token exists" in said
    assert "segue token create" in said


def test_listening_for_others_warns_of_the_missing_tls(starting: Starting) -> None:
    server = starting(None, "--host", "0.0.0.0")
    assert server.url.startswith("http://0.0.0.0:")
    code, err = server.stop()
    assert code == 0
    assert "without TLS" in err


def test_a_setting_that_cannot_be_is_named_with_its_origin(tmp_path: Path) -> None:
    data = tmp_path / "d"
    assert "SEGUE_MAX_BODY_MB" in refused("--data", str(data), SEGUE_MAX_BODY_MB="0")
    data.mkdir()
    (data / "segue.toml").write_text("prot = 1\n")
    said = refused("--data", str(data))
    assert "segue.toml" in said
    assert "prot" in said
    (data / "segue.toml").write_text("port = \n")
    assert "segue.toml" in refused("--data", str(data))


def test_settings_come_from_the_file_in_the_folder(starting: Starting, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "segue.toml").write_text("max_body_mb = 1\n")
    server = starting(data)
    (tmp_path / "tasks.bpmn").write_text(user_task())
    server.segue("deploy", str(tmp_path / "tasks.bpmn"), "--enable")
    (tmp_path / "big.txt").write_bytes(b"x" * (1 << 20))
    (tmp_path / "bigger.txt").write_bytes(b"x" * ((1 << 20) + 1))
    assert server.segue("start", "tasks", "--data", f"@{tmp_path / 'big.txt'}").code == 0
    refusal = server.segue("start", "tasks", "--data", f"@{tmp_path / 'bigger.txt'}")
    assert (refusal.code, "larger than" in refusal.err) == (1, True)


def test_an_unknown_setting_in_the_environment_is_warned_of(starting: Starting) -> None:
    server = starting(None, SEGUE_PROT="1")
    assert "SEGUE_PROT" in server.stop()[1]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "file" in refused("--data", str(tmp_path / "file" / "data"), "--port", "0")


def test_a_wrong_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "segue.key").write_text("nonsense")
    assert "segue.key" in refused("--data", str(tmp_path), "--port", "0")
