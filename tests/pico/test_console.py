"""Somebody types at a real firmware while the washer runs, with the watchdog on."""

import hashlib
import json
import re
import subprocess
import sys
import time

from phonehome_tools.pico import settings
from phonehome_tools.pico.board import CTRL_C, PicoBoard

MAIN = b"import hanging\n\nhanging.live()\n"
SALT = bytes(range(16))
PIN = "471147"
ITERATIONS = 100
STORED = hashlib.pbkdf2_hmac("sha256", PIN.encode(), SALT, ITERATIONS).hex()
WORK = "import time; time.sleep(12); print('worked')"
ANSWER_S = 60
# What sessions may leave on the heap: names of their words, which the firmware keeps for ever.
# With the first ones its table of names doubles to 1,280, which takes 8 KB; later ones find room.
FIRST_LEFT_BYTES, MAX_LEFT_BYTES = 12_288, 4096


class Typist:
    """Types at the console of a board that is left alone."""

    def __init__(self, pico):
        self._serial = pico._expect_console().serial

    def until(self, pattern):
        """What comes up to a match of this pattern."""
        said = b""
        deadline = time.monotonic() + ANSWER_S
        while not (match := re.search(pattern, said)):
            assert time.monotonic() < deadline, said[-400:]
            said += self._serial.read(self._serial.in_waiting or 1)
        return match

    def type(self, line):
        """Type a line and Enter."""
        self._serial.write(line.encode() + b"\r")

    def answer(self, line):
        """What a command answers, up to the next prompt."""
        self.type(line)
        return self.until(rb"\n([^\n]*\n)*ph> ")[0].decode()

    def ask(self, line):
        """The answer as JSON."""
        self.type(line + " --json")
        return json.loads(self.until(rb'\n(\{"command": [^\n]*\})\r\n')[1])

    def give_pin(self, pin):
        """Try to unlock; the answer."""
        self.type("unlock --json")
        self.until(rb"PIN: ")
        self.type(pin)
        return json.loads(self.until(rb'\n(\{"command": [^\n]*\})\r\n')[1])


def image_of(washer, **config):
    """A washer whose main.py lives, on a board without a network."""
    pin = f"pbkdf2-sha256${ITERATIONS}${SALT.hex()}${STORED}"
    files = {"/main.py": MAIN}
    config = {"server": "http://10.0.0.1:1", "pin": pin, **config}
    return washer.image(settings.pico(), files, **config)


def use(typist):
    """What a field tester types in five minutes."""
    assert len(typist.ask("sensors")["sensors"]) == 16
    assert "faults" in typist.ask("faults")
    assert "want one of" in typist.ask("freeze E99")["error"]
    checks = {row["name"]: row["result"] for row in typist.ask("selftest")["checks"]}
    assert (checks["flash"], checks["watchdog"]) == ("ok", "ok")
    typist.answer("test fault E21 1s")
    assert typist.ask("queue")["fault"] >= 1
    assert typist.ask("config")["pin"] == "***"


def free_of(typist):
    """Bytes free on the board's heap."""
    return typist.ask("heap")["heap_free_bytes"]


def until_left(typist, before, most):
    """Wait until no more than this is missing on the heap: what was loaded has gone."""
    deadline = time.monotonic() + ANSWER_S
    while (left := before - free_of(typist)) > most:
        assert time.monotonic() < deadline, left  # of the board's time much more than the test


def test_commands_while_the_washer_runs(washer):
    """Answers are true, a test is told and ends, and what was loaded for them goes again."""
    with PicoBoard(settings.pico(), image_of(washer), is_left_alone=True) as pico:
        typist = Typist(pico)
        typist.answer("")
        status = typist.ask("status")
        assert status["device"] == washer.device
        assert (status["product"], status["application"]) == ("washer", "runs")
        before = free_of(typist)
        assert "wrong" in typist.give_pin("000000")["error"]
        assert typist.give_pin(PIN)["unlocked"] is True
        use(typist)
        until_left(typist, before, FIRST_LEFT_BYTES)
        settled = free_of(typist)
        use(typist)
        until_left(typist, settled, MAX_LEFT_BYTES)
        typist._serial.write(b"\x04")  # leaves, and is back
        typist.type("y" * 4000)
        typist.until(rb"too long")
        assert typist.ask("version")["product"] == "washer"


def test_a_console_that_hangs_is_bitten_and_named(washer):
    """`test hang` ends in a watchdog reset that says what it was."""
    with PicoBoard(settings.pico(), image_of(washer, pin=""), is_left_alone=True) as pico:
        typist = Typist(pico)
        typist.answer("")
        typist.answer("test hang")
        typist.until(rb'"event": "boot"')
        told = typist.ask("reset-reason")
        assert (told["reset"], told["name"]) == ("watchdog", "test hang")


def test_mpremote_gets_in_beside_the_console(washer):
    """In the middle of a command mpremote gets its prompt and works for longer than the dog."""
    board = PicoBoard(settings.pico(), image_of(washer), is_paced=True, is_left_alone=True)
    with board as pico:
        typist = Typist(pico)
        typist.answer("")
        typist.type("sensors watch")
        typist.until(rb"water_level=")
        typist._serial.write(CTRL_C)
        typist.until(rb"KeyboardInterrupt")
        with pico.lend_console() as address:
            said = [remote(address, script) for script in ("kept = 1", WORK, "print(kept)")]
    assert said == ["", "worked", "1"]  # a reset would have lost what was kept


def remote(address, script):
    """What a developer's mpremote prints for a script, without a soft reset."""
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", address, "resume", "exec", script],
        capture_output=True,
        text=True,
        timeout=ANSWER_S,
        check=False,
    )
    return done.stdout.strip() + done.stderr.strip()
