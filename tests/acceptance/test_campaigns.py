"""Each campaign in a short form, through the script that `make campaign` runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from campaign.network import why_not
from campaign.places import may_mount
from campaign.processes import ROOT
from segue.adapters.postgres.schema import newest
from tests.postgres import needs_postgres
from tests.skipping import NOT_APPLICABLE, needs_command, strict

pytestmark = pytest.mark.timeout(300)


def start(folder: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    """Start a campaign whose data and logs are kept in a folder with a space in its name."""
    clean = {name: value for name, value in os.environ.items() if name not in {"ONLY", "FAULTS", "SEED"}}
    return subprocess.Popen(
        [ROOT / "campaign" / "run", *arguments, "--keep", str(folder / "with a space")],
        env=clean | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def play(folder: Path, *arguments: str, **settings: str) -> dict[str, Any]:
    """Play one campaign; its line, which has to say that all is well."""
    process = start(folder, *arguments, **settings)
    printed, complained = process.communicate()
    assert printed, complained
    line: dict[str, Any] = json.loads(printed.splitlines()[-1])
    assert line["problems"] == [], complained
    assert (line["lost"], line["doubled"], line["balanced"], process.returncode) == (0, 0, True, 0), printed
    assert line["accepted"] > 0
    assert line["repeated_calls"] >= 0
    assert running_in(folder) == []
    return line


def running_in(folder: Path) -> list[str]:
    """The command lines of all processes that have the folder in theirs."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if str(folder) in line]


def test_kill(tmp_path: Path) -> None:
    line = play(tmp_path, ONLY="kill", FAULTS="2", SEED="4")
    assert (line["campaign"], line["faults"], line["seed"]) == ("kill", 2, 4)
    assert line["notes"]["lives"] == 3
    assert line["audits"] >= 3
    assert line["messages"] == 5 * line["accepted"]


def test_kill_while_branches_come_together(tmp_path: Path) -> None:
    line = play(tmp_path, ONLY="kill-joins", FAULTS="1", SEED="5")
    assert line["messages"] == 11 * line["accepted"]


def test_kill_on_postgresql(tmp_path: Path) -> None:
    needs_postgres()
    line = play(tmp_path, "kill", "--store", "postgres", "--faults", "3", "--seed", "6")
    assert line["notes"]["database_killed"] + line["notes"]["connections_cut"] > 0
    assert line["messages"] == 5 * line["accepted"]


def test_kill_with_rabbitmq(tmp_path: Path) -> None:
    needs_postgres()
    needs_command("rabbitmq-server", "rabbitmq-server")
    line = play(tmp_path, "kill", "--store", "rabbitmq", "--faults", "1", "--seed", "2")
    assert line["messages"] == 5 * line["accepted"]


def test_several_processes_of_which_any_is_killed(tmp_path: Path) -> None:
    needs_postgres()
    line = play(tmp_path, "cluster", "--faults", "3" if strict() else "2", "--seed", "6")
    assert line["notes"]["ticks"] > 0
    assert line["notes"]["lives"] >= 5


def test_hosts_that_vanish_and_are_cut_off(tmp_path: Path) -> None:
    """Each is noticed, its work goes on elsewhere, and it comes back; who was cut off with stale work."""
    _needs_hosts()
    cases = ("vanished", "cut") if strict() else ("cut",)
    line = play(tmp_path, "hosts", *(word for case in cases for word in ("--case", case)), "--seed", "3")
    notes = line["notes"]
    for case in cases:
        assert notes[case] == 1
        assert notes[f"{case}_noticed_s"] > 0
    assert notes["ticks"] > 0


def test_hosts_that_are_cut_off_from_rabbitmq(tmp_path: Path) -> None:
    _needs_hosts()
    needs_command("rabbitmq-server", "rabbitmq-server")
    cases = ("broker_slow", "isolated") if strict() else ("isolated",)
    line = play(tmp_path, "hosts-rabbitmq", *(word for case in cases for word in ("--case", case)), "--seed", "3")
    assert line["notes"]["isolated"] == 1
    assert line["notes"]["isolated_noticed_s"] > 0


def _needs_hosts() -> None:
    needs_postgres()
    needs_command("ip", "iproute2")
    why = why_not()
    if why:
        pytest.skip(f"{NOT_APPLICABLE}: no network of one's own can be made here ({why})")


def test_moves_to_postgresql_and_back(tmp_path: Path) -> None:
    needs_postgres()
    line = play(tmp_path, "migrate", "--faults", "1")
    notes = line["notes"]
    assert notes["moves"] == 2
    assert line["accepted"] >= 3 * 50
    for way in ("to_postgresql", "back"):
        assert notes[f"rows_{way}"] > notes[f"rows_in_pauses_{way}"] > 0
        assert notes[f"live_messages_{way}"] > 0
        assert notes[f"longest_pause_{way}_s"] > 0


def test_another_release_without_a_pause(tmp_path: Path) -> None:
    """The old code works, and starts, on the schema of the new one."""
    needs_postgres()
    line = play(tmp_path, "upgrade", "--faults", "2")
    assert (line["notes"]["unanswered_starts"], line["notes"]["refused_starts"]) == (0, 0)
    assert line["notes"]["schema"] > newest()


def test_switch_while_the_server_is_killed(tmp_path: Path) -> None:
    line = play(tmp_path, "switch-kill", "--faults", "20")
    assert line["notes"]["kills"] == 1
    assert sum(line["notes"][f"on_version_{n}"] > 0 for n in (1, 2, 3, 4)) > 1


def test_order(tmp_path: Path) -> None:
    line = play(tmp_path, "order", "--faults", "1")
    assert line["accepted"] == 500


def test_outage(tmp_path: Path) -> None:
    line = play(tmp_path, "outage", "--case", "closing", "--case", "500")
    assert line["notes"]["kinds"] == 2
    assert line["notes"]["sent_back_from_trash"] > 0


def test_batch(tmp_path: Path) -> None:
    line = play(tmp_path, "batch", "--faults", "1")
    assert (line["notes"]["items"], line["messages"]) == (2_000, 20_002)
    assert line["notes"]["peak_mb"] > 0


def test_trash(tmp_path: Path) -> None:
    line = play(tmp_path, "trash", "--faults", "1")
    assert (line["notes"]["causes"], line["notes"]["sent_back"], line["notes"]["operation"]) == (5, 400, "done")


def test_reports(tmp_path: Path) -> None:
    line = play(tmp_path, "reports", "--faults", "1")
    assert line["notes"]["reports"] == line["accepted"]
    assert line["notes"]["reports_repeated"] >= 0


def test_sinks(tmp_path: Path) -> None:
    line = play(tmp_path, "sinks", "--faults", "1")
    notes = line["notes"]
    assert notes["hook_told"] == line["accepted"]
    assert notes["mail_told"] > 0
    assert notes["late"] == notes["late_bulk"] + notes["late_bulk_dropped"]


def test_figures(tmp_path: Path) -> None:
    line = play(tmp_path, "figures", "--faults", "1")
    assert (line["accepted"], line["notes"]["looks"]) == (1_000, 5)
    assert line["notes"]["calls"] == 4_075


def test_limits(tmp_path: Path) -> None:
    line = play(tmp_path, "limits", "--faults", "1")
    assert line["notes"]["runs"] == 1


def test_disk(tmp_path: Path) -> None:
    """A full disk where this user may mount one, else one with errors: what the server does about both is the same."""
    full = "full disk, killed" if may_mount() else "disk errors"
    line = play(tmp_path, "disk", "--case", full, "--case", "read-only")
    assert line["faults"] == 2


def test_nothing_stays_behind_after_a_signal(tmp_path: Path) -> None:
    process = start(tmp_path, "kill")
    while not any("segue serve" in line for line in running_in(tmp_path)):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 130
    assert running_in(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["shipwreck"], {}, "there is no campaign 'shipwreck'; there are kill,"),
        ([], {"ONLY": "kill,storm"}, "there is no campaign 'storm'"),
        (["kill"], {"FAULTS": "many"}, "FAULTS has to be a whole number, and is 'many'"),
        (["kill", "--faults", "0"], {}, "at least one fault"),
        (
            ["kill"],
            {"STORE": "postgresql"},
            "STORE has to be one of embedded, postgres, several, rabbitmq, hosts, rabbitmq-hosts, and is 'postgresql'",
        ),
        (["disk", "--case", "flood"], {}, "there is no case 'flood'; there are full disk,"),
    ],
)
def test_what_is_not_known_is_said(tmp_path: Path, arguments: list[str], settings: dict[str, str], said: str) -> None:
    process = start(tmp_path, *arguments, **settings)
    printed, complained = process.communicate()
    assert (process.returncode, printed) == (2, "")
    assert said in complained
