"""From a blank board to a device that phones home, with the commands that people type.

What they print stands in tools/README.md; numbers, ports and codes are compared as such.
"""

import asyncio
import json
import re
import time

import pytest

from phonehome_tools.cable.board import open_board
from phonehome_tools.cli import main
from phonehome_tools.fleet.desk import TOKEN_VARIABLE
from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from phonehome_tools.pico.image import borrowed_modules, build_image
from phonehome_tools.provisioning.order import WIFI_VARIABLE
from phonehome_tools.run import follow
from tests.pico.conftest import HOST
from tests.pico.test_network import port_of

TICKET_S = 60
PAGE = "tools/README.md"
PORT = "/dev/ttyACM0"
PROGRAM = "import machine\nprint(machine.freq())\n"


class Desk:
    """Somebody at a bench: types commands, and keeps what they printed as the page shows it."""

    def __init__(self, capsys, port, names):
        self._capsys = capsys
        self._names = {port: PORT, **names}
        self.transcript = []

    async def types(self, expect, *words):
        """Run a command, which ends with this exit code; return its standard output."""
        code = await asyncio.to_thread(main, [str(word) for word in words])
        said = self._capsys.readouterr()
        assert code == expect, said.out + said.err
        text = f"$ phonehome {' '.join(map(str, words))}\n{said.out}{said.err}"
        for real, shown in self._names.items():
            text = text.replace(real, shown)
        self.transcript.append(text.rstrip())
        return said.out


def plain(text):
    """A transcript without what differs from run to run: numbers, codes, QR codes, widths."""
    text = re.sub(r"code [0-9A-Z]{4}(-?[0-9A-Z]{4})+", "code #", text)
    text = re.sub(r"[0-9a-f]{16}|[0-9a-f]{4}(?:-[0-9a-f]{4}){3}", "#", text)
    return [
        re.sub(r"\s+", " ", re.sub(r"[\d.,:-]*\d", "#", line)).strip()
        for line in text.splitlines()
    ]


def blocks_of(page):
    """The transcripts of a page: each begins with the command."""
    found = re.findall(r"^```text\n(\$ phonehome .*?)^```", page, re.MULTILINE | re.DOTALL)
    return [plain(text.rstrip()) for text in found]


@pytest.mark.timeout(600)
async def test_from_a_blank_board_to_a_ticket(tmp_path, receiver, capsys, monkeypatch, project):
    """Doctor, push, provision, a fault that opens a ticket, and a push that copies nothing."""
    machine, wifi = settings.pico_w(), settings.wifi()
    image = tmp_path / "flash.img"
    image.write_bytes(build_image(borrowed_modules(machine), machine.blocks))
    monkeypatch.setenv(TOKEN_VARIABLE, receiver.token)
    monkeypatch.setenv(WIFI_VARIABLE, wifi["password"])
    monkeypatch.setenv("COLUMNS", "110")
    example = (project / "device/examples/bench.py").read_text()
    app = tmp_path / "bench.py"
    app.write_text(example.replace(", invert=True", ""))  # the emulated pin is high: the wire
    program = tmp_path / "freq.py"
    program.write_text(PROGRAM)
    server = f"http://{HOST}:{port_of(receiver.http)}"
    names = {
        str(tmp_path) + "/": "",
        receiver.http: "http://desk:8470",
        server: "http://desk:8470",
    }
    with PicoBoard(machine, image, is_paced=True) as pico, pico.lend_console() as port:
        bench = Desk(capsys, port, names)
        await bench.types(1, "doctor", port)
        await bench.types(0, "run", port, program)
        await bench.types(0, "push", port, "--product", "washer", "--app", app)
        words = ["--server", server, "--api", receiver.http, "--wifi", wifi["ssid"]]
        await bench.types(0, "provision", port, *words)
        await ticket(receiver)
        await bench.types(0, "doctor", port)
        await bench.types(0, "reset", port)
        told = json.loads(await bench.types(0, "push", port, "--json"))
        await bench.types(3, "provision", port, *words)
        claim = ["--count", 500, "--codes", 1, "-o", tmp_path / "phonehome.claim"]
        words = ["--server", receiver.http, "--product", "washer", *claim]
        await bench.types(0, "enroll-batch", *words)
    print("\n\n".join(bench.transcript))
    assert told[0]["copied"] == 0 and told[0]["state"] == "started"
    shown = blocks_of((project / PAGE).read_text())
    lacks = [text for text in bench.transcript if plain(text) not in shown]
    assert not lacks, "\n\n".join(["not in the page as it is printed:", *lacks])


async def ticket(receiver):
    """Wait until the fault of the example has opened a ticket."""
    deadline = time.monotonic() + TICKET_S
    async with receiver.desk() as desk:
        (device,) = [one["device"] async for one in desk.devices()]
        while time.monotonic() < deadline:
            if [one["code"] for one in await desk.tickets(device)] == ["E80"]:
                return
            await asyncio.sleep(0.5)
    pytest.fail("no ticket was opened")


def test_ctrl_c_interrupts_the_program_on_the_board(tmp_path, capsys, monkeypatch):
    """The program there ends, not only our waiting for it."""
    machine, image = settings.pico(), tmp_path / "flash.img"
    image.write_bytes(build_image(borrowed_modules(machine), machine.blocks))
    with (
        PicoBoard(machine, image) as pico,
        pico.lend_console() as port,
        open_board(port) as cable,
    ):
        output = cable.output

        def interrupted():
            """What Python does when somebody types Ctrl-C here, once the program runs."""
            monkeypatch.setattr(cable, "output", output)
            for piece in output():
                yield piece
                if piece == b"\n":
                    raise KeyboardInterrupt

        monkeypatch.setattr(cable, "output", interrupted)
        text = "import time\nprint('on')\nwhile True:\n time.sleep_ms(10)\n"
        assert follow(cable, text) == 130
        assert cable.ask("print(6 * 7)") == 42
    assert "KeyboardInterrupt" not in capsys.readouterr().err
