"""A board without a network, a laptop on its serial line: the whole visit on real firmware."""

import asyncio
import json
import time

from phonehome_tools.cable.line import open_line
from phonehome_tools.cli import main
from phonehome_tools.courier.dialogue import Dialogue
from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from tests.flow.conftest import until_ticket

MAIN = b"import washing; washing.wash_offline('leak')\n"
RESET = b"\x03\x03import machine; machine.reset()\r"
WITHIN_S = 60.0


def until_confirmed(port):
    """Wait until the board has told that its fault is confirmed, and its console answers."""
    with open_line(port) as line:
        for said in line.lines(WITHIN_S):
            if '"code": "E80"' in said and '"kind": 0' in said:
                return Dialogue(line).expect_console()
    raise AssertionError("no fault was confirmed")


def reset(port):
    """Press the button: by the prompt, because nobody can reach it."""
    with open_line(port) as line:
        line.write(RESET)
        deadline = time.monotonic() + WITHIN_S
        while '"event": "boot"' not in (line.read_line(1.0) or ""):
            assert time.monotonic() < deadline, "the board did not start again"


async def pull(capsys, *argv):
    """What `phonehome pull --json` told."""
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["pull", *map(str, argv), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


async def test_a_whole_visit_on_a_board(receiver, washer, tmp_path, capsys):
    """Fault, pull, reset, upload, a ticket, ack in the next boot; then nothing waits any more."""
    machine, carried = settings.pico(), tmp_path / "carried"
    image = washer.image(machine, {"/main.py": MAIN}, server="http://10.0.0.1:1", settle_ms=500)
    with PicoBoard(machine, image, is_paced=True, is_left_alone=True) as pico:
        with pico.lend_console() as port:
            device = await asyncio.to_thread(until_confirmed, port)
            first = await pull(capsys, port, "--no-upload", "--state", carried)
            await asyncio.to_thread(reset, port)
            push = ["push-reports", "--server", receiver.http, "--state", str(carried)]
            assert await asyncio.to_thread(main, push) == 0
            second = await pull(capsys, port, "--server", receiver.http, "--state", carried)
            last = await pull(capsys, port, "--no-upload", "--state", carried)
        async with receiver.desk() as desk:
            ticket = await until_ticket(desk, washer, "E80")
    assert device == washer.device
    assert first["records"] == first["waiting"] >= 3
    assert second["deleted"] == first["records"] + second["records"]
    assert ticket["occurrences"] >= 1 and ticket["freeze_frames"]
    assert (second["waiting"], second["remarks"]) == (0, [])
    assert last["records"] <= 2  # of the leak that goes on, never those that were acknowledged
    print(json.dumps([first, second]))
