"""A whole installation for each test: a receiver process, virtual boards, and a desk."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phonehome_tools.fleet.board import Board, board_setup, model_source
from phonehome_tools.fleet.catalog import find_product, products_folder
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.home import Home, Link
from phonehome_tools.fleet.receiver import Receiver
from phonehome_tools.fleet.rooms import rooms_folder
from tests.fakes.board import Board as BareBoard
from tests.flow.lossy import LossyFront

SHOW_MS = 200
# Generous: a deadline here only ends a test that would never end.
WITHIN_S = 60.0
QUICK = {"resolve_after_s": 1, "on_delay_ms": 500, "off_delay_ms": 500}


class Installation:
    """A receiver with quick off-rules, and the boards that were started against it."""

    def __init__(self, folder: Path, children: Children, products: Path) -> None:
        self.folder = folder
        self.children = children
        self.products = products
        self.receiver = Receiver(folder / "receiver", children, products)
        self.logs: dict[str, BoardLog] = {}

    async def add_board(
        self, desk: Desk, product: str, server: str, name: str = "", **settings: int
    ) -> "BoardLog":
        """Register a device, power it on, and follow it; `settings` are of phonehome.json."""
        name = name or product
        home = Home(self.folder / name)
        await home.register(desk, product, name)
        quick = {"heartbeat_s": 5, "settle_ms": 100, "gather_ms": 50}
        home.write_config(Link(server), **(quick | settings))
        entry = find_product(str(self.products / f"{product}.toml"))
        home.product_file.write_bytes(entry.device_half)
        board = Board(name, home, self.children)
        self.logs[name] = BoardLog(board, product)
        await self.logs[name].power_on()
        return self.logs[name]


class BoardLog:
    """One board with all that it told so far; `until` waits for what it will tell."""

    def __init__(self, board: Board, product: str) -> None:
        self.board = board
        self.device = board.home.device
        self.events = []
        self._product = product
        self._news = asyncio.Condition()
        self._following: asyncio.Task[None] | None = None

    async def power_on(self) -> None:
        """Start the interpreter; a board that was on before boots again."""
        setup = board_setup(self.board.home, model_source(self._product, 1), SHOW_MS)
        await self.board.start(setup)
        self._following = asyncio.create_task(self._follow())

    async def power_cut(self) -> None:
        """Kill the interpreter."""
        await self.board.kill()
        await asyncio.gather(self._following, return_exceptions=True)

    def count(self, name: str, **facts: object) -> int:
        """How many events with this name and these facts were told."""
        return sum(e.name == name and facts.items() <= e.facts.items() for e in self.events)

    async def until(self, name: str, times: int = 1, **facts: object) -> None:
        """Wait until an event was told so many times."""
        async with asyncio.timeout(WITHIN_S), self._news:
            await self._news.wait_for(lambda: self.count(name, **facts) >= times)

    async def until_empty(self) -> None:
        """Wait until the outbox is empty as the newest picture tells."""
        async with asyncio.timeout(WITHIN_S), self._news:
            seen = len(self.events)
            await self._news.wait_for(lambda: self._is_empty_since(seen))

    def _is_empty_since(self, seen: int) -> bool:
        states = [event for event in self.events[seen:] if event.name == "state"]
        return bool(states) and states[-1].facts["depth"] == 0

    async def _follow(self) -> None:
        async for event in self.board.events():
            async with self._news:
                self.events.append(event)
                self._news.notify_all()


async def until_ticket(desk: Desk, log: BoardLog, code: str, *states: str) -> dict:
    """The whole ticket with this code, once it is in one of these states; open without any."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            for ticket in await desk.tickets(log.device):
                if ticket["code"] == code and ticket["state"] in (states or ("open",)):
                    return await desk.ticket(ticket["id"])
            await asyncio.sleep(0.05)


@pytest.fixture(scope="session", autouse=True)
def rooms() -> None:
    """The agent is linked before the clock of a test begins."""
    rooms_folder()


@pytest.fixture
def quick_products(tmp_path: Path) -> Path:
    """The products with short delays and off-rules: tests wait for the path, not for physics."""
    folder = tmp_path / "products"
    folder.mkdir()
    for path in products_folder().glob("*.toml"):
        text = path.read_text()
        for name, value in QUICK.items():
            text = re.sub(rf"^{name} = [\d_]+", f"{name} = {value}", text, flags=re.MULTILINE)
        (folder / path.name).write_text(text)
    return folder


@pytest.fixture
async def installation(tmp_path: Path, quick_products: Path) -> AsyncIterator[Installation]:
    """A running receiver without devices."""
    async with Children() as children:
        found = Installation(tmp_path, children, quick_products)
        await found.receiver.start()
        yield found


@pytest.fixture
async def make_board(micropython, micropython_environment, tmp_path):
    """Boards in folders of their own; what still runs at the end is ended."""
    boards = []

    def make(server: str) -> BareBoard:
        folder = tmp_path / f"board{len(boards)}"
        folder.mkdir()
        boards.append(BareBoard(micropython, micropython_environment, folder, server))
        return boards[-1]

    yield make
    for board in boards:
        if board.process is not None:
            await board.kill()


@pytest.fixture
async def front(installation):
    """The lossy way to the receiver."""
    async with LossyFront(installation.receiver.http) as made:
        yield made
