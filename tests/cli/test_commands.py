"""The commands, against a server that the installed command started."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import SEGUE, Result, Server, Starting, Worker, segue
from tests.files import chain, drawn, user_task, without_action

GROUPS = {
    (): "serve config deploy check start top audit backup process version instance queue trash task operation message"
    " worker token user sender rule notice limit control-service service migrate",
    ("process",): "list create move",
    ("version",): "publish enable disable retire diff",
    ("instance",): "list show cancel",
    ("queue",): "list",
    ("trash",): "list causes show edit resend discard",
    ("limit",): "list set remove",
    ("service",): "list restart deployer members",
    ("operation",): "begin list show pause resume cancel",
    ("task",): "list show accept reject",
    ("message",): "deliver",
    ("worker",): "add list remove actions check",
    ("sender",): "add list test remove",
    ("rule",): "add list remove",
    ("notice",): "list show resend",
    ("token",): "create list revoke",
    ("user",): "create list",
}
COMMANDS = [(*group, name) for group, names in GROUPS.items() for name in names.split()]


@pytest.fixture(scope="module")
def deployed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server with `orders` (a chain of two), `failing` and `tasks`, all enabled."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "orders.bpmn").write_text(chain("echo", "echo"))
    (folder / "failing.bpmn").write_text(chain("refuse"))
    (folder / "tasks.bpmn").write_text(user_task())
    done = server.segue("deploy", *(str(file) for file in sorted(folder.iterdir())), "--enable")
    assert done.code == 0, done.err
    return server


def started(server: Server, process: str, *options: str) -> Result:
    return server.segue("start", process, "--json", *options)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    found = segue(*command, "--help")
    assert found.code == 0
    assert "Usage: segue" in found.out
    assert "--help" in found.out


def test_there_are_no_other_commands() -> None:
    for group, names in GROUPS.items():
        listed = segue(*group, "--help").out
        shown = {
            line.split()[1]
            for line in listed.partition("Commands")[2].splitlines()
            if line.startswith("│ ") and line[2] != " "
        }
        assert shown == set(names.split()), group


def test_the_exit_codes_are_explained() -> None:
    assert "Exit codes" in segue("--help").out
    assert segue("--no-such").code == 2
    assert segue("start").code == 2


def test_the_version_is_printed() -> None:
    assert segue("--version").out.startswith("segue 0.")


def test_help_loads_nothing_heavy() -> None:
    heavy = "fastapi,pydantic,sqlalchemy,uvicorn,lxml,aiohttp,cryptography,cel,rich,segue.runtime,segue.adapters"
    code = f"import sys; import segue.cli.app; print([name for name in '{heavy}'.split(',') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "segue", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == subprocess.run([SEGUE, "--version"], capture_output=True, text=True, check=True).stdout


# -- talking to a server ----------------------------------------------------------------------------------------------


def test_no_server_is_code_3_and_one_sentence() -> None:
    found = segue("process", "list", "--url", "http://127.0.0.1:1")
    assert (found.code, found.out) == (3, "")
    assert found.err.startswith("segue: No server answers at http://127.0.0.1:1")
    assert found.err.count("\n") == 1


def test_no_or_wrong_token_is_code_4(server: Server) -> None:
    assert segue("process", "list", "--url", server.url).code == 4
    found = segue("process", "list", "--url", server.url, "--token", "sgt_wrong")
    assert (found.code, "not known" in found.err) == (4, True)


def test_a_scope_that_is_missing_is_code_4(server: Server) -> None:
    made = segue("token", "create", "--data", str(server.data), "--name", "r", "--scope", "read", "--json").json
    assert made["scopes"] == ["read"]
    assert segue("process", "list", "--url", server.url, "--token", made["token"]).code == 0
    found = segue("process", "create", "x", "--url", server.url, "--token", made["token"])
    assert (found.code, "scope edit" in found.err) == (4, True)


def test_an_address_that_is_none_is_refused() -> None:
    assert segue("process", "list", "--url", "nonsense").code == 1


def test_what_is_not_segue_is_said(worker: Worker) -> None:
    found = segue("process", "list", "--url", worker.url)
    assert (found.code, "is not Segue" in found.err) == (3, True)


# -- deploy, check ----------------------------------------------------------------------------------------------------


def test_deploy_prints_version_and_findings(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "Order Flow.bpmn"
    file.write_text(chain("echo"))
    done = server.segue("deploy", str(file))
    assert (done.code, done.out) == (0, "Order-Flow version 1 disabled\n")
    again = server.segue("deploy", str(file), "--enable", "--json").json
    assert {key: again[key] for key in ("process", "version", "state", "unchanged")} == {
        "process": "Order-Flow",
        "version": 1,
        "state": "enabled",
        "unchanged": True,
    }
    file.write_text(chain("echo", "echo"))
    assert server.segue("deploy", str(file), "--process", "Order-Flow").out == "Order-Flow version 2 disabled\n"


def test_deploy_of_a_file_with_errors_stays_a_draft_and_stops(server: Server, tmp_path: Path) -> None:
    (tmp_path / "bad.bpmn").write_text(without_action())
    (tmp_path / "good.bpmn").write_text(chain("echo"))
    done = server.segue("deploy", str(tmp_path / "bad.bpmn"), str(tmp_path / "good.bpmn"), "--enable")
    assert (done.code, done.out) == (1, "bad version 1 draft\n")
    assert "error no-action [t1]" in done.err
    names = [each["name"] for each in server.segue("process", "list", "--json").json]
    assert "good" not in names


def test_deploy_of_what_is_no_process(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.bpmn").write_text("hello")
    done = server.segue("deploy", str(tmp_path / "x.bpmn"))
    assert (done.code, done.out) == (1, "")
    assert "segue: " in done.err
    assert server.segue("deploy", str(tmp_path / "none.bpmn")).code == 1
    assert server.segue("deploy", "a", "b", "--process", "x").code == 1


def test_deploy_assigns_actions(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "assigned.bpmn"
    file.write_text(without_action())
    assert server.segue("deploy", str(file)).code == 1
    done = server.segue("deploy", str(file), "--assign", "t1=connector:w/echo", "--enable")
    assert done.code == 0, done.err
    assert started(server, "assigned", "--wait").json["state"] == "finished"
    assert file.read_text() == without_action()
    assert server.segue("deploy", str(file), "--assign", "nonsense").code == 1
    assert server.segue("deploy", str(file), "--assign", "none=custom:w/x").code == 1


def test_check_reads_without_a_server(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.bpmn", tmp_path / "bad.bpmn"
    good.write_text(chain("echo"))
    bad.write_text(without_action())
    assert segue("check", str(good)).code == 0
    found = segue("check", str(good), str(bad))
    assert found.code == 1
    assert f"{bad}:" in found.err
    report = segue("check", str(bad), "--json")
    assert report.code == 1
    assert report.json[0]["file"] == str(bad)
    assert "no-action" in {finding["code"] for finding in report.json[0]["findings"]}
    assert segue("check", str(tmp_path / "none.bpmn")).code == 1


# -- start, instances, queues -----------------------------------------------------------------------------------------


def test_start_prints_the_instance_and_waits_when_asked(deployed: Server) -> None:
    done = deployed.segue("start", "orders", "--data", '{"a": 1}', "--wait")
    assert done.code == 0
    instance, state = done.out.split()
    assert state == "finished"
    shown = deployed.segue("instance", "show", instance)
    assert "finished" in shown.out
    failing = deployed.segue("start", "failing", "--wait")
    assert (failing.code, failing.out.split()[1]) == (1, "failed")
    waiting = deployed.segue("start", "tasks", "--wait", "--wait-seconds", "1")
    assert (waiting.code, waiting.out.split()[1]) == (1, "running")


def test_start_takes_its_body_from_a_file_or_stdin(deployed: Server, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"from": "file"}')
    deployed.segue("start", "orders", "--data", f"@{tmp_path / 'body.json'}", "--wait")
    assert worker.seen[-1][1]["body"] == '{"from": "file"}'
    deployed.segue("start", "orders", "--data", "@-", "--wait", stdin='{"from": "stdin"}')
    assert worker.seen[-1][1]["body"] == '{"from": "stdin"}'
    assert deployed.segue("start", "orders", "--data", "@none").code == 1
    assert deployed.segue("start", "orders", "--data", "{no json").code == 1
    assert deployed.segue("start", "none").err == "segue: no process is named 'none'\n"
    assert deployed.segue("start", "orders", "--node", "begin").code == 0


def test_start_with_a_key_starts_once(deployed: Server) -> None:
    first = started(deployed, "orders", "--key", "k 1").json
    assert started(deployed, "orders", "--key", "k 1").json == first


def test_instances_are_listed_and_cancelled(deployed: Server) -> None:
    instance = started(deployed, "tasks").json["instance"]
    listed = deployed.segue("instance", "list", "--process", "tasks", "--state", "running", "--json").json
    assert instance in [each["id"] for each in listed]
    assert instance in deployed.segue("instance", "list").out
    assert deployed.segue("instance", "cancel", instance).out == f"{instance} cancelled\n"
    assert deployed.segue("instance", "cancel", instance).code == 1
    assert deployed.segue("instance", "show", instance, "--json").json["state"] == "cancelled"
    assert deployed.segue("instance", "show", "none").code == 1


def test_queues_are_listed(deployed: Server) -> None:
    assert deployed.segue("queue", "list", "--json").json == []
    assert deployed.segue("queue", "list").code == 0


def test_many_messages_are_handled_in_the_background(deployed: Server) -> None:
    for number in range(3):
        deployed.segue("start", "failing", "--data", f'{{"x": {number}}}', "--wait")
    [group] = deployed.segue("trash", "causes", "--process", "failing", "--json").json
    assert group["cause"] in deployed.segue("trash", "causes").out
    begun = deployed.segue("operation", "begin", "discard", "--cause", group["cause"], "--wait", "--json").json
    assert (begun["state"], begun["done"], begun["total"]) == ("done", group["count"], group["count"])
    assert begun["id"] in deployed.segue("operation", "list").out
    assert f"{group['count']} done" in deployed.segue("operation", "show", begun["id"]).out
    assert deployed.segue("operation", "pause", begun["id"]).code == 1
    assert deployed.segue("trash", "causes", "--process", "failing", "--json").json == []


def test_a_paused_operation_goes_on_or_is_cancelled(deployed: Server) -> None:
    begun = deployed.segue("operation", "begin", "resend", "--text", "never", "--merge", '{"a": 1}', "--json").json
    assert begun["change"] == {"merge": {"a": 1}}
    for wrong in (["--merge", "{"], ["--merge", "[1]"], []):
        assert deployed.segue("operation", "begin", "resend", *wrong).code == 1


# -- trash, tasks -----------------------------------------------------------------------------------------------------


def test_a_message_in_trash_is_corrected_and_sent_back(deployed: Server, worker: Worker) -> None:
    message = started(deployed, "failing", "--wait").json["message"]
    assert message in deployed.segue("trash", "list", "--process", "failing").out
    shown = deployed.segue("trash", "show", message)
    assert "no such customer" in shown.out
    edited = deployed.segue(
        "trash", "edit", message, "--data", '{"x": "corrected"}', "--header", "segue-by: me", "--json"
    )
    assert edited.json["headers"]["segue-by"] == "me"
    assert deployed.segue("trash", "resend", message).out == "resent\n"
    assert deployed.segue("trash", "resend", message).code == 1
    assert deployed.segue("trash", "edit", message).code == 1


def test_trash_is_handled_by_conditions(deployed: Server) -> None:
    for _ in range(3):
        started(deployed, "failing", "--wait")
    found = len(deployed.segue("trash", "list", "--process", "failing", "--json").json)
    assert found >= 3
    done = deployed.segue("trash", "discard", "--process", "failing")
    assert done.out == f"{found} discarded, 0 gone meanwhile\n"
    assert deployed.segue("trash", "list", "--process", "failing", "--json").json == []
    assert deployed.segue("trash", "resend", "--process", "failing", "--json").json == {
        "done": 0,
        "gone": 0,
        "more": False,
    }
    assert deployed.segue("trash", "discard").code == 1
    assert deployed.segue("trash", "resend", "id", "--process", "failing").code == 1
    assert deployed.segue("trash", "show", "none").code == 1


def test_a_message_is_sent_to_another_version(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "moving.bpmn"
    file.write_text(chain("refuse"))
    server.segue("deploy", str(file), "--enable")
    message = started(server, "moving", "--wait").json["message"]
    file.write_text(chain("echo"))
    server.segue("deploy", str(file))
    assert server.segue("trash", "resend", message, "--to-version", "2").code == 0
    [moved] = server.segue("instance", "list", "--process", "moving", "--version", "2", "--json").json
    assert moved["origin"]


def test_tasks_are_accepted_and_rejected(deployed: Server, worker: Worker) -> None:
    first, second = (started(deployed, "tasks").json["message"] for _ in range(2))
    deployed.tasks(first, second)
    assert first in deployed.segue("task", "list", "--process", "tasks").out
    assert "approve" not in deployed.segue("task", "show", first).err
    assert deployed.segue("task", "accept", first, "--data", '{"ok": "by hand"}').out == "accepted\n"
    assert deployed.segue("task", "reject", second).out == "rejected\n"
    assert deployed.segue("task", "reject", second).code == 1


def test_messages_are_delivered_to_who_waits(deployed: Server, tmp_path: Path) -> None:
    event = '<messageEventDefinition messageRef="M"/>'
    inside = f'<startEvent id="start"/><intermediateCatchEvent id="paid">{event}</intermediateCatchEvent>'
    file = tmp_path / "paying.bpmn"
    file.write_text(drawn(inside + "{start > paid}", '<message id="M" name="paid"/>'))
    deployed.segue("deploy", str(file), "--enable")
    instance = started(deployed, "paying").json["instance"]
    assert deployed.segue("message", "deliver", "paid", "--key", "nobody's").code == 1
    assert deployed.segue("message", "deliver", "paid", "--data", "no json").code == 1
    for _ in range(100):
        reached = deployed.segue("message", "deliver", "paid", "--data", '{"sum": 1}', "--json")
        if reached.code == 0:
            break
    assert [each["instance"] for each in reached.json["delivered"]] == [instance]


# -- workers, tokens, users, versions ---------------------------------------------------------------------------------


def test_workers_are_added_listed_and_removed(server: Server, worker: Worker) -> None:
    assert server.segue("worker", "add", "crm", worker.url, "--header", "X-Key: hush").code == 0
    listed = server.segue("worker", "list")
    assert "crm" in listed.out
    assert "x-key" in listed.out
    assert "hush" not in listed.out
    assert server.segue("worker", "add", "crm", "nonsense").code == 1
    assert server.segue("worker", "add", "crm", worker.url, "--header", "nonsense").code == 1
    assert server.segue("worker", "remove", "crm").code == 0
    assert server.segue("worker", "remove", "crm").code == 1


def test_a_token_is_alone_on_stdout_and_works_at_once(server: Server) -> None:
    made = segue("token", "create", "--data", str(server.data), "--name", "ci", "--scope", "read", "--scope", "start")
    assert made.out.startswith("sgt_")
    assert made.out.count("\n") == 1
    token = made.out.strip()
    assert segue("process", "list", "--url", server.url, "--token", token).code == 0
    [found] = [each for each in server.segue("token", "list", "--json").json if each["name"] == "ci"]
    assert found["scopes"] == ["start", "read"]
    assert "ci" in segue("token", "list", "--data", str(server.data)).out
    assert server.segue("token", "revoke", found["id"], "--url", server.url).code == 0
    assert segue("process", "list", "--url", server.url, "--token", token).code == 4


def test_a_token_is_revoked_in_the_folder(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    segue("token", "create", "--data", data, "--name", "a")
    [found] = segue("token", "list", "--data", data, "--json").json
    assert segue("token", "revoke", found["id"], "--data", data).code == 0
    assert segue("token", "list", "--data", data, "--json").json == []
    assert segue("token", "revoke", found["id"], "--data", data).code == 1
    assert segue("token", "create", "--data", data, "--name", "a", "--scope", "root").code == 1


def test_a_user_is_made_with_a_password_from_stdin(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    made = segue("user", "create", "--data", data, "--email", "Anna@Example.org", stdin="long enough\n")
    assert (made.code, made.out) == (0, "anna@example.org\n")
    again = segue("user", "create", "--data", data, "--email", "anna@example.org", stdin="long enough\n")
    assert (again.code, "already" in again.err) == (1, True)
    for email, password in (("nonsense", "long enough"), ("b@example.org", "short"), ("b@example.org", "")):
        assert segue("user", "create", "--data", data, "--email", email, stdin=f"{password}\n").code == 1
    listed = segue("user", "list", "--data", data, "--json")
    assert [each["email"] for each in listed.json] == ["anna@example.org"]
    assert "argon2" not in listed.out


def test_the_life_of_a_version(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "life.bpmn"
    file.write_text(chain("echo"))
    assert server.segue("process", "create", "life", "--folder", "a/b").out == "life\n"
    server.segue("deploy", str(file))
    for command, state in (("enable", "enabled"), ("disable", "disabled")):
        assert server.segue("version", command, "life", "1").out == f"life version 1 {state}\n"
    file.write_text(chain("echo", "echo"))
    server.segue("deploy", str(file))
    assert server.segue("version", "diff", "life", "1", "2").json["nodes"]["added"][0]["id"] == "t2"
    assert server.segue("version", "retire", "life", "1").out == "life version 1 retired\n"
    assert server.segue("version", "enable", "life", "1").code == 1
    assert server.segue("version", "publish", "life", "2").code == 1
    assert server.segue("process", "move", "life", "/c/d").out == "life c/d\n"
    assert server.segue("process", "move", "none", "c").code == 1
    [found] = [each for each in server.segue("process", "list", "--json").json if each["name"] == "life"]
    assert found["folder"] == "c/d"
    assert "life" in server.segue("process", "list").out


# -- audit, backup, config --------------------------------------------------------------------------------------------


def test_audit_of_a_server_and_of_its_folder_agree(deployed: Server) -> None:
    started(deployed, "orders", "--wait")
    online = deployed.segue("audit", "--json")
    offline = segue("audit", "--data", str(deployed.data), "--json")
    assert (online.code, offline.code) == (0, 0)
    assert online.json == offline.json
    assert online.json["balanced"]
    fields = {"process", "version", "accepted", "produced", "consumed", "queued", "delayed", "waiting", "trash"}
    assert all(fields <= line.keys() for line in online.json["versions"])
    assert deployed.segue("audit").out.endswith("balanced\n")
    assert segue("audit", "--data", "x", "--url", "y").code == 1


def test_audit_of_what_is_no_folder(tmp_path: Path) -> None:
    found = segue("audit", "--data", str(tmp_path))
    assert (found.code, "is no data folder" in found.err) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_an_account_that_does_not_balance_is_code_1(starting: Starting, tmp_path: Path) -> None:
    (tmp_path / "tasks.bpmn").write_text(user_task())
    server = starting()
    server.segue("deploy", str(tmp_path / "tasks.bpmn"), "--enable")
    server.segue("start", "tasks")
    server.stop()
    with sqlite3.connect(server.data / "segue.db") as connection:
        connection.execute("DELETE FROM message")
    found = segue("audit", "--data", str(server.data), "--json")
    assert (found.code, found.json["balanced"]) == (1, False)
    assert "NOT balanced" in segue("audit", "--data", str(server.data)).out


def test_a_backup_made_while_the_server_runs_can_be_served_from(
    deployed: Server, starting: Starting, tmp_path: Path
) -> None:
    instance = started(deployed, "tasks").json["instance"]
    target = tmp_path / "copy"
    done = segue("backup", str(target), "--data", str(deployed.data))
    assert done.code == 0, done.err
    assert segue("audit", "--data", str(target), "--json").json["balanced"]
    copy = starting(target)
    assert copy.segue("instance", "show", instance, "--json").json["state"] == "running"
    assert copy.segue("worker", "list", "--json").json == deployed.segue("worker", "list", "--json").json
    assert segue("backup", str(target), "--data", str(deployed.data)).code == 1
    assert segue("backup", str(tmp_path / "y"), "--data", str(tmp_path / "none")).code == 1
    assert not (tmp_path / "y").exists()


def test_config_names_every_origin_and_masks_secrets(tmp_path: Path) -> None:
    (tmp_path / "segue.toml").write_text('port = 9000\nlog_level = "warning"\n')
    found = segue("config", "--data", str(tmp_path), "--json", SEGUE_PORT="9001", SEGUE_TOKEN="sgt_hush")
    settings = {each["name"]: (each["value"], each["origin"]) for each in found.json}
    assert settings["data"] == (str(tmp_path), "command line")
    assert settings["port"] == (9001, "environment SEGUE_PORT")
    assert settings["log_level"] == ("warning", f"file {tmp_path / 'segue.toml'}")
    assert settings["host"] == ("127.0.0.1", "default")
    assert settings["token"] == ("********", "environment SEGUE_TOKEN")
    assert "hush" not in found.out
    assert "hush" not in segue("config", "--data", str(tmp_path), SEGUE_TOKEN="sgt_hush").out


def test_json_is_json_also_when_it_holds_other_scripts(server: Server) -> None:
    server.segue("process", "create", "uni", "--folder", "Bestell\u00fcng \u6ce8\u6587")
    found = server.segue("process", "list", "--json")
    assert "\u6ce8\u6587" in found.out
    assert json.loads(found.out)
