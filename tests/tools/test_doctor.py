"""`phonehome doctor`: one row for each thing that can be wrong, with what to do about it."""

import json
from datetime import UTC, datetime

import pytest

from phonehome_tools.cable.board import open_board
from phonehome_tools.cable.files import send_files
from phonehome_tools.cli import main
from phonehome_tools.doctoring.asking import Facts, ask_board
from phonehome_tools.doctoring.judging import BAD, GOOD, LOOK, judge
from phonehome_tools.packaging.firmware import Firmware
from tests.fakes.cabled import CabledBoard
from tests.tools.boards import DEVICE, provision, write_app

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
HEALTHY = {
    "heap_free": 200_000,
    "heap_size": 233_000,
    "flash_block": 4096,
    "flash_blocks": 212,
    "flash_free": 120,
    "write_errno": 0,
    "clock": (2026, 11, 27, 12, 0, 30),
    "network": (True, True, "10.0.0.7", -61),
    "reset_cause": "PWRON_RESET",
    "is_running": False,
    "is_hidden": False,
    "is_main_ours": True,
    "has_main": True,
    "has_app": True,
    "has_product": True,
    "is_cut_short": False,
    "has_config": True,
    "config_error": "",
    "server": "https://desk.example:8470",
    "device": "",
    "ssid": "HOME",
    "is_insecure": False,
    "ca": "ca.der",
    "has_ca": True,
    "has_claim": False,
    "key_bytes": 33,
    "key_epoch": 1,
    "has_next_key": False,
}
PICO = Firmware("micropython", (1, 26, 1), 6, "Raspberry Pi Pico W with RP2040", "rp2")


def rows(firmware=PICO, agent="", reset="", files=120, differing=0, lacking=(), **changed):
    """Findings by name, of a healthy board but for what is named."""
    more = {**HEALTHY, **changed}
    facts = Facts("a0", firmware, DEVICE, agent, reset, files, differing, lacking, more)
    return {one.name: one for one in judge(facts, NOW, "0.1.0")}


@pytest.mark.parametrize("reason", ["watchdog", "brown_out", "crash", "panic", "out_of_memory"])
def test_a_reset_that_nobody_wanted_is_one_to_look_at(reason):
    """The row says where to read more; the agent's own words are kept."""
    found = rows(reset=f"reset {reason}, certainty sure, boot 3")["last reset"]
    assert (found.state, found.value) == (LOOK, f"reset {reason}, certainty sure, boot 3")
    assert "console" in found.advice


def test_a_healthy_board_has_nothing_to_do():
    """All rows are good and none gives advice."""
    found = rows(reset="reason commanded, certainty sure")
    assert {one.state for one in found.values()} == {GOOD}
    assert not any(one.advice for one in found.values())
    assert found["last reset"].value == "reason commanded, certainty sure"
    assert {"board", "firmware", "flash", "heap", "mpy version", "agent", "clock"} <= set(found)
    assert {"Wi-Fi", "key", "last reset"} <= set(found)


@pytest.mark.parametrize(
    ("changed", "row", "state", "text"),
    [
        ({"heap_free": 60_000}, "heap", LOOK, "58 KB free"),
        ({"flash_free": 20}, "flash", LOOK, "80 KB free"),
        ({"write_errno": 30}, "flash", BAD, "read-only"),
        ({"write_errno": 28}, "flash", BAD, "error 28"),
        ({"flash_block": 512, "flash_free": 900}, "flash", LOOK, "FAT"),
        ({"heap_free": 20_000, "is_running": True}, "heap", LOOK, "with the agent"),
        ({"files": 0}, "agent", BAD, "none"),
        ({"differing": 3}, "agent", LOOK, "another build: 3 of 120 files differ"),
        ({"agent": "phonehome 0.0.9", "differing": 3}, "agent", LOOK, "0.0.9, 0.1.0 is here"),
        ({"agent": "phonehome 0.1.0", "differing": 3}, "agent", LOOK, "0.1.0: 3 of 120 files"),
        ({"is_hidden": True}, "agent", BAD, "hides"),
        ({"is_cut_short": True}, "push", LOOK, "cut short"),
        ({"has_app": False}, "application", BAD, "no app"),
        ({"is_main_ours": False}, "application", LOOK, "not that of push"),
        ({"has_config": False}, "settings", BAD, "none"),
        ({"config_error": "not JSON"}, "settings", BAD, "not JSON"),
        ({"server": ""}, "server", BAD, "none"),
        ({"is_insecure": True}, "server", LOOK, "not verified"),
        ({"has_ca": False}, "server", BAD, "not there"),
        ({"device": "0" * 16}, "device", BAD, "another board's"),
        ({"key_bytes": -1}, "key", BAD, "none"),
        ({"key_bytes": 32}, "key", BAD, "32 bytes, not 33"),
        ({"key_bytes": -1, "has_claim": True}, "key", LOOK, "claim"),
        ({"has_next_key": True}, "key", GOOD, "waits for its ack"),
        ({"network": None}, "Wi-Fi", BAD, "no radio for HOME"),
        ({"network": (True, False, "", None)}, "Wi-Fi", LOOK, "not joined"),
        ({"network": (False, False, "", None), "ssid": ""}, "Wi-Fi", LOOK, "no network is set"),
        ({"clock": (2021, 1, 1, 0, 0, 5)}, "clock", LOOK, "not set: 2021-01-01"),
        ({"clock": (2021, 1, 1, 0, 0, 5)}, "clock", LOOK, "certificates"),
        ({"clock": (2021, 1, 1, 0, 0, 5), "server": "http://desk"}, "clock", LOOK, "without TLS"),
        ({"clock": (2026, 11, 27, 11, 0, 0)}, "clock", LOOK, "2026-11-27 11:00:00 no harm"),
        ({"lacking": ("http", "tls")}, "agent", BAD, "without http, tls, which its settings ask"),
    ],
)
def test_what_is_wrong_has_a_row_and_advice(changed, row, state, text):
    """Each thing that can be wrong stands in its row with what it is."""
    found = rows(**changed)[row]
    assert found.state == state
    assert text in f"{found.value} {found.advice}"
    assert found.advice or state == GOOD


@pytest.mark.parametrize(
    ("firmware", "row"),
    [
        (Firmware("circuitpython", (9, 2, 0), 6, "Feather", "rp2040"), "firmware"),
        (Firmware("micropython", (1, 22, 0), 6, "Pico", "rp2"), "firmware"),
        (Firmware("micropython", (1, 30, 0), 7, "Pico", "rp2"), "mpy version"),
    ],
)
def test_another_firmware_is_bad(firmware, row):
    """What the agent cannot run on is told with where to get what it can."""
    found = rows(firmware)[row]
    assert found.state == BAD and found.advice


def test_a_board_is_asked_over_its_line(tmp_path, capsys):
    """A blank board, then one that is installed and provisioned; no secret leaves it."""
    secret = "correct horse"
    with CabledBoard(tmp_path / "flash.img", blocks=212) as cabled:
        assert main(["doctor", cabled.port, "--json"]) == 1
        (told,) = json.loads(capsys.readouterr().out)
        states = {one["name"]: one["state"] for one in told["findings"]}
        assert states["agent"] == states["settings"] == states["key"] == BAD
        app = str(write_app(tmp_path))
        assert main(["push", cabled.port, "--product", "washer", "--app", app]) == 0
        provision(cabled.port, wifi={"ssid": "HOME", "password": secret})
        with open_board(cabled.port) as board:
            send_files(board, {"/phonehome.key": b"\x01" + b"K" * 32})
            board.reset()
        capsys.readouterr()
        facts = ask_board(cabled.port)
        assert main(["doctor", cabled.port]) == 1  # no radio for the network that is set
        said = capsys.readouterr().out
    assert facts.device == DEVICE and facts.more["key_epoch"] == 1
    assert "epoch 1" in said and "this board has no Wi-Fi" in said
    assert secret not in repr(facts) + said and "KKK" not in repr(facts) + said


def test_a_port_without_a_board_is_told(capsys):
    """The exit code says that there is none."""
    assert main(["doctor", "/dev/ttyNONE"]) == 4
    assert "no such port" in capsys.readouterr().err
