"""What the commands print stands in tools/README.md: each is run, and the page says the same.

Numbers, codes, ports and widths differ from run to run and are compared as such. The transcripts
of boards at a cable are kept true by tests/pico/test_bench.py, those of the console and of the
courier by tests/tools/test_console.py and tests/flow/test_courier.py.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from phonehome_tools.cable.board import open_board
from phonehome_tools.cable.files import send_files
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.desk import TOKEN_VARIABLE
from phonehome_tools.fleet.receiver import Receiver
from tests.fakes.appliance import Appliance, heartbeat
from tests.fakes.cabled import CabledBoard

PHONEHOME = Path(sys.executable).with_name("phonehome")
PAGE = "tools/README.md"
PORT = "/dev/ttyACM0"
PROGRAM = b"import time\nprint('the application starts')\nwhile True:\n time.sleep(1)\n"
DESK = "http://127.0.0.1:8470"


class Terminal:
    """Runs commands in a folder; `names` are shown instead of what differs here."""

    def __init__(self, folder, environment, names):
        self._folder = folder
        self._environment = {**os.environ, **environment, "COLUMNS": "110", "NO_COLOR": "1"}
        self._names = names
        self.blocks = []

    def types(self, *lines, typed=""):
        """A block of the page: these commands, all of which must be good."""
        told = []
        for line in lines:
            words = line
            for real, shown in self._names.items():
                words = words.replace(shown, real)
            done = subprocess.run(
                [PHONEHOME, *words.split()],
                cwd=self._folder,
                env=self._environment,
                input=typed,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
            told.append(f"$ phonehome {line}\n{done.stdout}{done.stderr}".rstrip())
        text = "\n".join(told)
        for real, shown in self._names.items():
            text = text.replace(real, shown)
        self.blocks.append(text)


def plain(text):
    """A transcript without what differs from run to run."""
    text = re.sub(r"[0-9a-f]{8,}", "#", text)
    lines = [re.sub(r"[\d.,:-]*\d", "#", line) for line in text.splitlines()]
    return [re.sub(r"[\s─━]+", " ", line).strip() for line in lines]


def shown_on(page):
    """The transcripts of a page: each begins with a command."""
    found = re.findall(r"^```text\n(\$ phonehome .*?)^```", page, re.MULTILINE | re.DOTALL)
    return [text.rstrip() for text in found]


def expect_shown(blocks, project):
    """Each block is on the page."""
    page = [plain(text) for text in shown_on((project / PAGE).read_text())]
    lacks = [text for text in blocks if plain(text) not in page]
    assert not lacks, "\n\n".join(["not in the page as it is printed:", *lacks])


def events_in(block):
    """What a virtual appliance told of itself, whatever the order."""
    return {line.split()[3] for line in block.splitlines()[1:]}


@pytest.fixture
def products(project, tmp_path):
    """A folder with a product file and its pictures, to work in."""
    source = project / "shared/products"
    shutil.copy(source / "washer.toml", tmp_path)
    shutil.copytree(source / "pictures", tmp_path / "pictures")
    return tmp_path


def test_product_package_decode_and_pin(products, project):
    """What works without a receiver."""
    message = Appliance().message([heartbeat(seq=7)])
    (products / "heartbeat.bin").write_bytes(message)
    terminal = Terminal(products, {}, {})
    terminal.types("product check washer.toml", "product build washer.toml -o washer.ph")
    terminal.types("package build -o index")
    terminal.types("decode heartbeat.bin")
    terminal.types("pin", typed="271828\n")
    expect_shown(terminal.blocks, project)


def test_logs(tmp_path, project):
    """A board at a cable, whatever is on it."""
    with CabledBoard(tmp_path / "flash.img") as board:
        with open_board(board.port) as cable:
            send_files(cable, {"/main.py": PROGRAM})
        terminal = Terminal(tmp_path, {}, {board.port: PORT})
        terminal.types(f"logs {PORT} --reset --duration 2s")
    expect_shown(terminal.blocks, project)


async def test_a_receiver_and_its_people(products, project):
    """What works on a receiver, over its API or beside it."""
    async with Children() as children:
        receiver = Receiver(products / "receiver", children)
        await receiver.start()
        environment = {
            TOKEN_VARIABLE: receiver.token,
            "PHONEHOME_STORE_URL": f"sqlite:///{products / 'receiver' / 'receiver.db'}",
        }
        terminal = Terminal(products, environment, {receiver.http: DESK})
        sim = f"sim --server {DESK} --product washer --fault leak@2s --duration 8s"
        await asyncio.to_thread(terminal.types, sim)
        (shown,) = (x for x in shown_on((project / PAGE).read_text()) if sim in x)
        assert events_in(shown) <= events_in(terminal.blocks.pop())
        for lines in (
            ["admin devices"],
            [f"broker config -o broker --server {DESK} --plain"],
            ["backup store.backup", "restore store.backup --check"],
        ):
            words = [f"{x} --server {DESK}" if x.startswith("admin") else x for x in lines]
            await asyncio.to_thread(terminal.types, *words)
        await receiver.stop()
    expect_shown(terminal.blocks, project)
