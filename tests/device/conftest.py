"""Boards under MicroPython and a receiver that they phone home to."""

import pytest
from aiohttp import web

from tests.fakes.board import DEVICE, KEY, Board
from tests.fakes.receiver import FakeReceiver, make_app


class Served:
    """A fake receiver and where it listens."""

    def __init__(self, receiver: FakeReceiver, port: int) -> None:
        self.receiver = receiver
        self.port = port


@pytest.fixture
async def serve():
    """Start a receiver on a free port; call it with a TLS context to have HTTPS."""
    runners = []

    async def start(context=None, port: int = 0) -> Served:
        receiver = FakeReceiver(DEVICE, KEY)
        runner = web.AppRunner(make_app(receiver), shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=context)
        await site.start()
        return Served(receiver, runner.addresses[0][1])

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def make_board(micropython, micropython_environment, tmp_path):
    """Make boards; whatever still runs at the end of the test is ended."""
    boards = []

    def make(server: str) -> Board:
        folder = tmp_path / f"board{len(boards)}"
        folder.mkdir()
        boards.append(Board(micropython, micropython_environment, folder, server))
        return boards[-1]

    yield make
    for board in boards:
        if board.process is not None:
            await board.kill()
