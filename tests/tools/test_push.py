"""`phonehome push` on a board at a pseudo-terminal: what is sent, what is refused, what stays."""

import json
from pathlib import Path

import pytest
from littlefs import LittleFS

from phonehome_tools.cable.board import open_board
from phonehome_tools.cable.errors import RefusedError, UsageError
from phonehome_tools.cable.files import digest, read_hashes, send_files
from phonehome_tools.cli import main
from phonehome_tools.installing import staging
from phonehome_tools.installing.bundle import choose_parts, make_bundle
from phonehome_tools.installing.switching import MAIN, MARK, TODO, pack
from phonehome_tools.packaging.firmware import Firmware
from tests.fakes.cabled import CabledBoard
from tests.tools.boards import APP, installed, provision, write_app

BLOCK, PICO_W_BLOCKS = 4096, 212
CIRCUITPYTHON = b"""
import sys


class Implementation:
    name, version, _mpy, _machine = "circuitpython", (9, 2, 0, ""), 0x306, "Feather"


class System:
    implementation, platform, modules, stdin = Implementation, "rp2040", sys.modules, sys.stdin


sys.modules["sys"] = System
"""


@pytest.fixture
def board(tmp_path):
    """A blank board with the flash of a Pico W."""
    with CabledBoard(tmp_path / "flash.img", blocks=212) as cabled:
        yield cabled


@pytest.fixture
def app(tmp_path):
    """An application."""
    return str(write_app(tmp_path))


def push(capsys, *words):
    """(exit code, the one object of --json or None, what it complained)."""
    code = main(["push", *words, "--json"])
    said = capsys.readouterr()
    told = json.loads(said.out) if said.out else []
    return code, told[0] if told else None, said.err


def test_a_blank_board_is_installed_and_a_second_push_copies_nothing(board, app, capsys):
    """The agent says who it is after each; only the first sends files."""
    code, first, _ = push(capsys, board.port, "--product", "washer", "--app", app)
    assert code == 0 and first["state"] == "not provisioned" and first["copied"] > 80
    provision(board.port)
    code, second, _ = push(capsys, board.port, "--product", "washer", "--app", app)
    assert code == 0 and second["copied"] == 0 and second["state"] == "started"
    assert second["agent"].startswith("phonehome ")
    assert second["bytes_sent"] < first["bytes_sent"] / 20
    bundle = make_bundle("washer", Path(app))
    assert installed(board.port) == {path: digest(data) for path, data in bundle.files.items()}


def test_only_what_differs_is_sent_and_old_modules_go(board, app, capsys, tmp_path):
    """A new application is one file; a module that the agent has no longer is removed."""
    push(capsys, board.port, "--product", "washer", "--app", app, "--parts", "base")
    with open_board(board.port) as cable:
        send_files(cable, {"/lib/_c/gone.mpy": b"M", "/data.txt": b"mine"})
    other = write_app(tmp_path, APP + "# changed\nprint('new')\n")
    code, told, _ = push(capsys, board.port, "--app", str(other), "--parts", "base")
    assert (code, told["copied"], told["removed"]) == (0, 1, 1)
    with open_board(board.port) as cable:
        assert list(read_hashes(cable, ["/lib/_c/gone.mpy", "/data.txt"])) == ["/data.txt"]


def test_an_application_as_source_takes_the_place_of_the_compiled_one(board, app, capsys):
    """Two applications beside each other would leave it to chance which one runs."""
    push(capsys, board.port, "--product", "washer", "--app", app, "--parts", "base")
    code, told, _ = push(capsys, board.port, "--app", app, "--source", "--parts", "base")
    assert (code, told["copied"], told["removed"]) == (0, 1, 1)
    there = installed(board.port)
    assert "/app.py" in there and "/app.mpy" not in there


def test_a_foreign_main_is_not_written_over(board, app, capsys):
    """Somebody's program stays until they say --replace."""
    with open_board(board.port) as cable:
        send_files(cable, {"/main.py": b"print('mine')\n"})
    words = (board.port, "--product", "washer", "--app", app, "--parts", "base")
    code, _, complaint = push(capsys, *words)
    assert code == 3 and "/main.py was not made by phonehome push" in complaint
    assert list(installed(board.port)) == ["/main.py"]
    assert push(capsys, *words, "--replace")[0] == 0
    assert installed(board.port)["/main.py"] == digest(MAIN.encode())


def test_a_full_flash_is_told_and_nothing_changes(tmp_path, app, capsys):
    """It is said before anything is sent how much is wanted and how much is free."""
    with CabledBoard(tmp_path / "small.img", blocks=40) as cabled:
        code, _, complaint = push(capsys, cabled.port, "--product", "washer", "--app", app)
        assert (
            code == 1 and "the flash is full" in complaint and "nothing was changed" in complaint
        )
        assert installed(cabled.port) == {}


def test_a_flash_that_fills_up_meanwhile_is_cleared(board, app, capsys, monkeypatch):
    """Where the file system needs more than was thought, what was copied goes away again."""
    monkeypatch.setattr("phonehome_tools.installing.staging.read_space", lambda _: (4096, 9, 999))
    with open_board(board.port) as cable:
        cable.run("with open('/big', 'wb') as f:\n for _ in range(198): f.write(bytes(4096))", 60)
    code, _, complaint = push(capsys, board.port, "--product", "washer", "--app", app)
    assert code == 1 and "what was sent is removed again" in complaint
    assert installed(board.port) == {}


def test_a_read_only_flash_is_told(tmp_path, app, capsys):
    """The error is the flash's, not a missing file's."""
    with CabledBoard(tmp_path / "flash.img", blocks=212) as cabled, open_board(cabled.port):
        pass  # formatted
    with CabledBoard(tmp_path / "flash.img", is_read_only=True) as cabled:
        code, _, complaint = push(capsys, cabled.port, "--product", "washer", "--app", app)
    assert code == 1 and "read-only" in complaint


def test_a_board_needs_an_application(board, capsys):
    """An agent without one would only start again and again."""
    code, _, complaint = push(capsys, board.port, "--product", "washer", "--parts", "base")
    assert code == 1 and "give --app FILE" in complaint


def test_an_application_that_fails_is_quoted(board, capsys, tmp_path):
    """The board says why, and push does not call it good."""
    app = write_app(tmp_path, "raise ValueError('no pump')\n")
    words = (board.port, "--product", "washer", "--app", str(app))
    assert push(capsys, *words)[0] == 0
    provision(board.port)
    code, _, complaint = push(capsys, *words)
    assert code == 1 and "the application ended: ValueError: no pump" in complaint


def test_a_mistake_in_the_application_is_found_before_anything_is_sent(board, capsys, tmp_path):
    """The compiler on this side says the line."""
    app = write_app(tmp_path, "def broken(:\n")
    code, _, complaint = push(capsys, board.port, "--app", str(app))
    assert code == 1 and "line 1" in complaint and "nothing was sent" in complaint
    assert board.bytes_to_board == 0


def test_several_boards_at_once(board, app, capsys, tmp_path):
    """What one of them lacks stops no other; the exit code is that of the worst."""
    ports = [board.port, "/dev/ttyNONE"]
    words = ["push", *ports, "--product", "washer", "--app", app, "--parts", "base"]
    assert main(words) == 4
    said = capsys.readouterr()
    assert f"{board.port}: MicroPython" in said.out
    assert "/dev/ttyNONE: there is no such port" in said.err


def test_a_board_with_another_firmware_is_left_alone(board, app, capsys):
    """CircuitPython has a prompt like ours: it is asked what it is, and refused."""
    with open_board(board.port) as cable:
        send_files(cable, {"/boot.py": CIRCUITPYTHON})
        cable.reset()
    code, _, complaint = push(capsys, board.port, "--product", "washer", "--app", app)
    assert code == 3 and "Feather runs circuitpython 9.2.0: not MicroPython" in complaint
    assert "micropython.org/download" in complaint
    assert installed(board.port) == {}
    assert main(["doctor", board.port]) == 1
    assert "circuitpython 9.2.0" in capsys.readouterr().out


def test_a_pico_w_has_room_for_the_agent_and_its_archive():
    """The estimate is no less than what littlefs takes, and the whole agent fits twice so far."""
    files = make_bundle("washer", None).files
    flash = LittleFS(
        block_size=BLOCK, block_count=PICO_W_BLOCKS, prog_size=256, cache_size=1024, read_size=32
    )
    empty = flash.used_block_count
    for path, data in files.items():
        flash.makedirs(str(Path(path).parent), exist_ok=True)
        with flash.open(path, "wb") as file:
            file.write(data)
    folders = {str(Path(path).parent) for path in files} - {"/"}
    estimate = staging._blocks([len(data) for data in files.values()], BLOCK) + 2 * len(folders)
    assert flash.used_block_count - empty <= estimate
    archive = -(-len(pack(files)) // BLOCK)
    assert empty + estimate + archive + staging._SPARE_BLOCKS <= PICO_W_BLOCKS


@pytest.mark.parametrize(
    ("firmware", "text"),
    [
        (Firmware("circuitpython", (9, 2, 0), 6, "Feather", "rp2040"), "circuitpython 9.2.0: not"),
        (Firmware("micropython", (1, 22, 1), 6, "Pico", "rp2"), "MicroPython 1.22.1: too old"),
        (Firmware("micropython", (1, 30, 0), 7, "Pico", "rp2"), r"version 7, ours is 6"),
        (Firmware("micropython", (1, 26, 0), 0, "Pico", "rp2"), "version none, ours is 6"),
    ],
)
def test_firmware_that_does_not_fit_is_refused(firmware, text):
    """Each with what it is, and what to do."""
    with pytest.raises(RefusedError, match=text) as caught:
        firmware.expect_fit(6)
    assert caught.value.hint and caught.value.code == 3


def test_parts_are_chosen_by_name():
    """A word that is none names those that are."""
    assert choose_parts("base") == []
    assert choose_parts("mqtt,rules") == ["phonehome-mqtt", "phonehome-rules"]
    with pytest.raises(UsageError, match="no part 'smoke'") as caught:
        choose_parts("mqtt,smoke")
    assert "sensors" in caught.value.hint


def test_main_is_known_by_its_first_line():
    """What push looks for is what push writes, and it finishes the list that push makes."""
    assert MAIN.startswith(MARK) and f'finish("{TODO}")' in MAIN
