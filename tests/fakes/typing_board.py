"""A board under unix MicroPython behind a pseudo-terminal, and somebody who types at it."""

import json
import tty

# pexpect: what the field tests terminals with.
import pexpect

from tests.fakes.board import DEVICE, HEAP, KEY, MAIN

PROMPT = "ph> "
PATIENCE_S = 20


def write_settings(folder, **settings):
    """What the board of a test is; the path of its file. `flow` beside it is its sensor."""
    (folder / "flow").write_text("8.0")
    (folder / "key").write_bytes(b"\x01" + KEY)
    own = {
        "device": DEVICE.hex(),
        "server": "http://127.0.0.1:1",
        "insecure": True,
        "key": str(folder / "key"),
        "data": str(folder / "flash"),
        "settle_ms": 0,
        "gather_ms": 20,
        "heartbeat_s": 3600,
        "console": True,
        "flow": str(folder / "flow"),
    }
    path = folder / "settings.json"
    path.write_text(json.dumps({**own, **settings}))
    return path


class TypingBoard:
    """The test's board (tests/fakes/board_main.py) with its console on, in a folder of its own.

    A context manager; `type` sends a line and `answer` waits for what it gets.
    """

    def __init__(self, interpreter, environment, folder, **settings):
        self._interpreter, self._environment = str(interpreter), environment
        self.flow = folder / "flow"
        self._argv = ["-X", HEAP, str(MAIN), str(write_settings(folder, **settings))]
        self.terminal = None

    def __enter__(self):
        """Power on; the terminal is a raw one, as a serial line is, but for Ctrl-C."""
        self.terminal = pexpect.spawn(
            self._interpreter,
            self._argv,
            env=self._environment,
            timeout=PATIENCE_S,
            encoding="latin-1",
            preexec_fn=make_raw,
        )
        self.terminal.delaybeforesend = None
        self.terminal.expect('"event": "boot"')
        return self

    def __exit__(self, *_):
        """Power off."""
        self.terminal.close(force=True)

    def type(self, line):
        """Type a line and Enter."""
        self.terminal.send(line + "\r")

    def answer(self, line, prompt=PROMPT):
        """Type a line; the lines of its answer, without what the application prints."""
        self.type(line)
        self.terminal.expect_exact(line + "\n")
        self.terminal.expect_exact("\n" + prompt)
        lines = self.terminal.before.split("\n")
        return [line for line in lines if line and not line.startswith('{"event"')]

    def ask(self, line):
        """The answer to a line as JSON; there is exactly one line of it."""
        self.type(line + " --json")
        self.terminal.expect(r'\n(\{"command": [^\n]*\})\n')
        told = json.loads(self.terminal.match[1])
        self.terminal.expect_exact(PROMPT)
        return told

    def expect_event(self, name, **facts):
        """The next event of this name with these facts."""
        while True:
            self.terminal.expect(r"\n?(\{[^\n]*\})\n")
            event = json.loads(self.terminal.match[1])
            if event.get("event") == name and all(event.get(k) == facts[k] for k in facts):
                return event


def make_raw():
    """Make the standard input of this process a raw terminal that knows Ctrl-C."""
    import termios

    tty.setraw(0)
    mode = termios.tcgetattr(0)
    mode[3] |= termios.ISIG
    termios.tcsetattr(0, termios.TCSANOW, mode)
