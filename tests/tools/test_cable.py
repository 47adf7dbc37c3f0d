"""The room of the serial line, against unix MicroPython at a real pseudo-terminal."""

import os
import pty
import select
import socket
import threading
import tty

import pytest

from phonehome_tools.cable import ports
from phonehome_tools.cable.board import find_ports, open_board
from phonehome_tools.cable.errors import GoneError, NoBoardError, ScriptError, UsageError
from phonehome_tools.cable.line import MAX_LINE_BYTES, open_line
from tests.fakes.cabled import CabledBoard

DEVICE = "e66038b713aabbcc"


@pytest.fixture
def board(tmp_path):
    """A board with an empty flash."""
    with CabledBoard(tmp_path / "flash.img", device=DEVICE) as cabled:
        yield cabled


@pytest.fixture
def terminal():
    """A port at which no board is: what we write to the first is read at the second."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for end in (master, slave):
        os.close(end)


def test_a_script_runs_and_answers(board):
    """The prompt is reached over a pseudo-terminal; values come back as Python's own."""
    with open_board(board.port) as cable:
        assert cable.ask("print(repr((1, 'a', b'\\x00')))") == (1, "a", b"\x00")
        assert cable.read_device() == DEVICE


def test_a_program_that_runs_is_interrupted(board):
    """Whatever main.py does, Ctrl-C gets the prompt."""
    with open_board(board.port) as cable:
        cable.run("with open('main.py', 'w') as f: f.write('while True: print(1)')")
        cable.reset()
    with open_board(board.port) as cable:
        assert cable.ask("print(6 * 7)") == 42


def test_an_exception_of_the_board_has_its_number(board):
    """A caller can tell a full flash from a missing file."""
    with open_board(board.port) as cable, pytest.raises(ScriptError) as caught:
        cable.run("open('nowhere')")
    assert caught.value.errno == 2
    assert "ENOENT" in str(caught.value)


def test_a_pulled_cable_is_told_as_that(tmp_path):
    """A board that goes away in the middle is no failed script."""
    with (
        CabledBoard(tmp_path / "flash.img", pull_after=60) as cabled,
        pytest.raises(GoneError, match="stopped answering"),
        open_board(cabled.port) as cable,
    ):
        cable.run("#" * 1000)


def test_a_port_in_use_is_named(board):
    """Two programs at one port would each get half of the bytes."""
    with (
        open_line(board.port),
        pytest.raises(NoBoardError, match="in use"),
        open_board(board.port),
    ):
        pass


@pytest.mark.parametrize(
    ("port", "text"),
    [
        ("/dev/ttyNONE", "no such port"),
        ("gopher://board", "no such kind of port"),
        ("socket://127.0.0.1:1", "nobody listens"),
    ],
)
def test_a_wrong_port_says_what_is_wrong(port, text):
    """Each kind of mistake has a text and a hint of its own."""
    with pytest.raises(NoBoardError, match=text) as caught, open_board(port):
        pass
    assert caught.value.hint


def test_a_port_without_a_board_says_so(terminal):
    """Silence ends at the deadline."""
    with pytest.raises(NoBoardError, match="no board answers"), open_board(terminal[1], 1):
        pass


def test_another_firmware_is_shown(terminal):
    """What answers without a prompt is quoted: somebody may know it."""
    master, port = terminal

    is_over = threading.Event()

    def talk() -> None:
        while not is_over.is_set():
            if select.select([master], [], [], 0.02)[0]:
                os.read(master, 100)
                os.write(master, b"ERR unknown command\r\n")

    other = threading.Thread(target=talk)
    other.start()
    try:
        with pytest.raises(NoBoardError, match="ERR unknown command"), open_board(port, 1):
            pass
    finally:
        is_over.set()
        other.join()


def test_lines_survive_noise(terminal):
    """A boot ROM at another baud rate is no reason to end; the line behind it is whole."""
    master, port = terminal
    with open_line(port) as line:
        os.write(master, b"\xff\xfe\x80rst:0x1\r\nready\r\n>>>")
        assert "rst:0x1" in line.read_line(5)
        assert line.read_line(5) == "ready"
        assert line.read_line(0.2) is None
        assert line.take_rest() == b">>>"


def test_an_endless_line_is_cut(terminal):
    """Nobody fills our memory without a line feed."""
    master, port = terminal
    with open_line(port) as line:
        sender = threading.Thread(target=os.write, args=(master, b"a" * MAX_LINE_BYTES + b"b\n"))
        sender.start()
        assert line.read_line(10) == "a" * MAX_LINE_BYTES
        assert line.read_line(10) == "b"
        sender.join()


def test_a_line_over_tcp_is_a_line():
    """A terminal server is a port like any other."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        name = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with open_line(name) as line:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"hello\r\n")
                assert line.read_line(5) == "hello"
                line.write_line("status")
                assert peer.recv(100) == b"status\r\n"
            with pytest.raises(GoneError):
                list(line.lines(5))


class FakePort:
    """What pyserial tells of a USB port."""

    def __init__(self, device: str, number: str, vid: int | None = 0x2E8A) -> None:
        self.device = device
        self.serial_number = number
        self.vid = vid


@pytest.fixture
def usb(monkeypatch):
    """Two boards on USB, and a modem of the mainboard."""
    found = [
        FakePort("/dev/ttyACM1", "B2"),
        FakePort("/dev/ttyACM0", "A1"),
        FakePort("/dev/ttyS0", "", None),
    ]
    monkeypatch.setattr(ports.list_ports, "comports", lambda: found)
    return found


@pytest.mark.parametrize(
    ("word", "port"),
    [
        ("a0", "/dev/ttyACM0"),
        ("u12", "/dev/ttyUSB12"),
        ("c3", "COM3"),
        ("COM7", "COM7"),
        ("/dev/cu.usbmodem1101", "/dev/cu.usbmodem1101"),
        ("port:/dev/ttyS3", "/dev/ttyS3"),
        ("id:B2", "/dev/ttyACM1"),
        ("rfc2217://rack:4000", "rfc2217://rack:4000"),
    ],
)
def test_names_are_those_of_mpremote(usb, word, port):
    """Linux, macOS, Windows, serial numbers, short cuts, terminal servers."""
    assert ports.resolve([word], str) == [port]


def test_the_only_board_needs_no_name(usb):
    """One board is meant; of several none is guessed."""
    with pytest.raises(UsageError, match="2 boards") as caught:
        ports.resolve([], str)
    assert "/dev/ttyACM0, /dev/ttyACM1" in caught.value.hint
    usb.pop(0)
    assert ports.resolve([], str, {}) == ["/dev/ttyACM0"]
    usb.pop(0)
    with pytest.raises(NoBoardError, match="no board is plugged in"):
        ports.resolve([], str, {})


def test_a_device_is_found_wherever_it_is(usb, board, monkeypatch):
    """An EUI-64 as a label writes it; ports that do not answer are passed over."""
    monkeypatch.setenv(ports.PORTS_VARIABLE, board.port)
    usb.pop(0)
    assert find_ports(["E6-60-38-B7-13-AA-BB-CC", board.port]) == [board.port]
    with pytest.raises(NoBoardError, match="no board says that it is 0000000000000001"):
        find_ports(["0000000000000001"])
