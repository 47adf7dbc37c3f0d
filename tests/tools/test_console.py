"""`phonehome console` against a running agent at a serial cable, typed at on a terminal."""

import re
import subprocess
import sys

import pexpect
import pytest

from phonehome_tools.console.charts import Charts, spark
from phonehome_tools.console.stream import MAX_LINE, Said, Stream
from phonehome_tools.courier.store import Store
from phonehome_tools.pin import hash_pin
from tests.fakes.board import DEVICE
from tests.fakes.typed_at import TypedAtBoard

PIN = "471147"
STORED = hash_pin(PIN, bytes(16), iterations=50)
PATIENCE_S = 40
COMMAND = [sys.executable, "-m", "phonehome_tools.cli", "console"]


@pytest.fixture
def make(micropython, micropython_environment, tmp_path):
    """A board with settings."""

    def start(**settings):
        return TypedAtBoard(micropython, micropython_environment, tmp_path, **settings)

    return start


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A home of its own, and a terminal that does not answer questions about its cursor."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")
    monkeypatch.setenv("TERM", "xterm")


def pipe(board, *lines):
    """What a script gets for its lines, and the exit code."""
    done = subprocess.run(
        [*COMMAND, board.port],
        input="".join(line + "\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


class Person:
    """Somebody at a terminal of 80 by 24."""

    def __init__(self, board):
        self.terminal = pexpect.spawn(
            COMMAND[0],
            [*COMMAND[1:], board.port],
            timeout=PATIENCE_S,
            encoding="utf-8",
            dimensions=(24, 80),
        )
        self.terminal.expect_exact("Ctrl-D leaves")
        self.terminal.expect_exact("ph>")

    def see(self, text):
        """Wait until it is on the screen."""
        self.terminal.expect_exact(text)

    def type(self, text):
        """Type, without Enter."""
        self.terminal.send(text)

    def leave(self):
        """Ctrl-D; the exit code."""
        self.type("\x04")
        return self.end()

    def end(self):
        """Wait for the end; the exit code."""
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        return self.terminal.exitstatus


def test_a_script_types_lines_and_gets_answers(make, environment):
    """Each answer is printed, without echo and prompts; an error among them is exit code 1."""
    with make() as board:
        code, said, _ = pipe(board, "version", "status --json")
        assert code == 0
        assert f"device: {DEVICE.hex()}\n" in said
        assert '{"command": "status"' in said
        assert "ph>" not in said and "\nversion\n" not in said
        code, said, _ = pipe(board, "freeze E99")
        assert code == 1
        assert "error: freeze 'E99'" in said


def test_a_script_gives_the_pin_as_the_next_line(make, environment):
    """It is asked for once; nothing shows it."""
    with make(pin=STORED) as board:
        code, said, complaint = pipe(board, "clear all", PIN, "unlock")
        assert code == 0
        assert "cleared: 0\n" in said and "unlocked: yes\n" in said
        assert PIN not in said + complaint


def test_an_export_is_kept_as_it_appears(make, environment):
    """What waits on the board is in the store of push-reports, whole, when the prompt is back."""
    with make() as board:
        board.flow.write_text("2.0")
        code, said, _ = pipe(board, "test sensor flow 2.5 1s", "export")
        assert code == 0
        assert "#PH1 " in said
        kept = re.search(r"^kept: (\d+) records of " + DEVICE.hex(), said, re.MULTILINE)
        assert kept and int(kept[1]) >= 2
        assert [held.device for held in Store().reports()] == [DEVICE.hex()]


def test_no_board_is_told_with_a_hint(make, environment, tmp_path):
    """A port that is not there, one where no console answers: exit code, one line, one hint."""
    done = subprocess.run(
        [*COMMAND, str(tmp_path / "no-port")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 2
    with make(console=False) as board:
        code, _, complaint = pipe(board, "status")
        assert code == 1
        assert "no console answers" in complaint and "'console' false" in complaint


def test_a_person_types_completes_and_comes_back(make, environment):
    """Tab completes commands and codes, the arrow brings a line back in the next talk, too."""
    with make() as board:
        person = Person(board)
        person.type("rese\t")
        person.see("reset-reason")
        person.type("\r")
        person.see("unexpected_resets: 0")
        person.type("freeze E\t")
        person.see("E21")
        person.type("\r")
        person.see("code: E21")
        assert person.leave() == 0
        person = Person(board)
        person.type("\x1b[A\r")
        person.see("code: E21")
        assert person.leave() == 0


def test_ctrl_c_gives_up_a_line_and_hurts_nothing(make, environment):
    """What was typed is gone, the application goes on, the next line is answered."""
    with make() as board:
        person = Person(board)
        person.type("restart\x03")
        person.type("version\r")
        person.see("product: bench")
        assert person.leave() == 0
        assert pipe(board, "status --json")[0] == 0


def test_watching_draws_charts_until_enter(make, environment):
    """The newest values are bars below; a change is seen, and another size of the window."""
    with make() as board:
        person = Person(board)
        person.type("sensors watch\r")
        person.see("▅")
        board.flow.write_text("6.5")
        person.see("6.5")
        person.see("▁")
        person.terminal.setwinsize(10, 30)
        person.see("flow")
        person.type("\r")
        person.type("heap\r")
        person.see("heap_largest_bytes")
        assert person.leave() == 0


def test_the_pin_is_asked_for_and_hidden(make, environment, tmp_path):
    """Stars on the screen, nothing in the history, locked again behind Ctrl-D."""
    with make(pin=STORED) as board:
        for _ in range(2):
            person = Person(board)
            person.type("unlock\r")
            person.see("PIN:")
            person.type(PIN + "\r")
            person.see("unlocked: yes")
            assert person.leave() == 0
            assert PIN not in person.terminal.before
        assert PIN not in (tmp_path / "state/phonehome/console.history").read_text()


def test_a_paste_of_4_kb_is_answered(make, environment):
    """A hundred lines at once: each is answered, none is lost, and the terminal lives."""
    with make() as board:
        person = Person(board)
        person.type("".join(f"nothing-{number:03}-{'x' * 27}\r" for number in range(100)))
        person.see("nothing-099")
        person.type("version\r")
        person.see("product: bench")
        assert person.leave() == 0


def test_a_pulled_cable_ends_it(make, environment):
    """One line and a hint, exit code 4, and a terminal that is left as it was."""
    with make(pull_after=120) as board:
        person = Person(board)
        person.type("freeze E21\r")
        person.type("version\r" * 20)
        person.see("the board went away")
        assert person.end() == 4


def test_the_transcript_on_the_page_is_true(make, environment, project):
    """Every command that tools/README.md shows gets the answer shown there, but for numbers."""
    page = (project / "tools/README.md").read_text()
    shown = page.split("$ phonehome console /dev/ttyACM0\n")[1].split("```")[0]
    with make(server="http://192.0.2.1:1", heartbeat_s=300, pin=STORED) as board:
        pipe(board, "version")  # the agent has started
        said = "".join(
            f"ph> {line}\n" + pipe(board, line, PIN)[1].split("error: '471147'")[0]
            for line in re.findall(r"^ph> (.+)$", shown, re.MULTILINE)
        )
    assert plain(shown.replace("PIN: ******\n", "")) == plain(said), said


def plain(text):
    """Text of the console without numbers and without what the application prints."""
    lines = [re.sub(r"-?\d+(\.\d+)?", "#", line) for line in text.splitlines()]
    return [
        re.sub(" +", " ", line) for line in lines if not line.startswith("{") or "command" in line
    ]


def test_noise_does_not_stop_a_talk():
    """Bytes that are no UTF-8 are shown as such; what follows is read."""
    stream = Stream()
    assert stream.feed(b"\xff\xfe\x00garbage\r\nph> ")[-1] == Said("prompt")
    assert stream.feed(b"ready\r\n") == [Said("line", "ready")]
    assert len(stream.feed(b"x" * 3 * MAX_LINE)) >= 1


def test_a_stream_is_the_same_byte_by_byte():
    """However the line cuts it, the same is said; an echo is said once, by who typed it."""
    data = b"ph> status\r\ndevice: 1\r\nph> unlock\r\nPIN: \r\nunlocked: yes\r\nph> \r\nph> >>> "
    said = []
    for size in (1, 3, 7, len(data)):
        stream, found = Stream(), []
        for line in ("status", "unlock", "", ""):
            stream.expect_echo(line)
        for at in range(0, len(data), size):
            found += stream.feed(data[at : at + size])
        said.append(found)
    assert said[0] == said[1] == said[2] == said[3]
    kinds = [one.text or one.kind for one in said[0]]
    assert kinds == [
        *("prompt", "device: 1", "prompt", "pin", "unlocked: yes", "prompt", "prompt", "repl")
    ]


def test_charts_fit_the_window():
    """The least is the lowest bar, the greatest the highest, gaps are gaps, lines are no wider."""
    assert spark([0.0, 1.0, None, 0.5], 10) == "▁█ ▅"
    assert spark([3.0, 3.0], 1) == "▅"
    assert spark([None], 5) == " "
    charts = Charts()
    for number in range(200):
        rows = [{"name": f"s{i}", "value": number % 7, "unit": "mm"} for i in range(5)]
        charts.take({"sensors": rows})
    lines = charts.lines(40, 3)
    assert len(lines) == 3 and all(len(line) <= 40 for line in lines)
    assert lines[-1] == "... 3 more; name some"
