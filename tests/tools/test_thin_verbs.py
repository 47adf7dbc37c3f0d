"""`phonehome run`, `logs` and `reset` on a board at a pseudo-terminal."""

import signal
import subprocess
import sys
import threading

import pytest

from phonehome_tools.cable.board import open_board
from phonehome_tools.cable.files import send_files
from phonehome_tools.cli import main
from tests.fakes.cabled import CabledBoard


@pytest.fixture
def board(tmp_path):
    """A board with a main.py that says when it starts."""
    with CabledBoard(tmp_path / "flash.img") as cabled:
        with open_board(cabled.port) as cable:
            send_files(cable, {"/main.py": b"print('started')\n"})
        yield cabled


def test_a_program_runs_without_being_installed(board, capsys, tmp_path):
    """Its output is ours, and nothing of it stays."""
    program = tmp_path / "program.py"
    program.write_text("import os\nprint('here', os.listdir('/'))\n")
    assert main(["run", board.port, str(program)]) == 0
    assert "here ['main.py']" in capsys.readouterr().out


def test_an_exception_is_the_exit_code(board, capsys, tmp_path):
    """The traceback of the board goes to the standard error."""
    program = tmp_path / "program.py"
    program.write_text("print('so far')\n1 / 0\n")
    assert main(["run", board.port, str(program)]) == 1
    said = capsys.readouterr()
    assert "so far" in said.out and "ZeroDivisionError" in said.err


def test_words_that_do_not_fit(board, capsys, tmp_path):
    """A missing file, and more boards than one."""
    assert main(["run", board.port, str(tmp_path / "none.py")]) == 2
    program = tmp_path / "program.py"
    program.write_text("1\n")
    assert main(["run", board.port, "/dev/ttyNONE", str(program)]) == 2
    assert "one board at a time" in capsys.readouterr().err


def test_a_board_is_reset_and_its_lines_are_shown(board, capsys):
    """What it prints from its start on, until the time is over."""
    assert main(["logs", board.port, "--reset", "--duration", "2s"]) == 0
    assert "started" in capsys.readouterr().out.splitlines()
    assert main(["reset", board.port]) == 0


def test_ctrl_c_ends_the_lines(board, tmp_path):
    """Nobody has to wait for the end of a day."""
    ticking = b"import time\nwhile True:\n print('tick')\n time.sleep_ms(100)\n"
    with open_board(board.port) as cable:
        send_files(cable, {"/main.py": ticking})
        cable.reset()
    with CabledBoard(tmp_path / "other.img", device="00000000000000ff") as other:
        words = [sys.executable, "-m", "phonehome_tools.cli", "logs", board.port, other.port]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert "tick" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130


def test_lines_of_several_boards_have_their_ports(board, capsys, tmp_path):
    """Nobody wonders which one it was."""
    with CabledBoard(tmp_path / "other.img", device="00000000000000ff") as other:
        ports = [board.port, other.port]

        def restart() -> None:
            for one in (board, other):
                one.power_off()
                one.power_on()

        threading.Timer(0.5, restart).start()
        assert main(["logs", *ports, "--duration", "3s"]) == 0
    said = capsys.readouterr().out
    assert all(f"{port}: " in said for port in ports)
