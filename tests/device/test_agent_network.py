# cpython-only
"""The agent under MicroPython on networks that do not answer, or do not exist."""

import asyncio
from pathlib import Path

import pytest

from phonehome_wire import registry
from tests.flow.proxy import pass_on

RADIO = Path(__file__).parents[1] / "fakes" / "radio"
NOWHERE = "http://receiver.invalid:80"


class Air:
    """What the board's Wi-Fi is in."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def turn(self, state: str) -> None:
        """Have the network there (`up`) or not."""
        new = self.file.with_suffix(".new")
        new.write_text(state)
        new.rename(self.file)


@pytest.fixture
def air(tmp_path, micropython_environment):
    """A radio for the boards of this test; nothing is in the air."""
    found = Air(tmp_path / "air")
    found.turn("down")
    path = micropython_environment["MICROPYPATH"]
    micropython_environment["MICROPYPATH"] = f"{path}:{RADIO}"
    micropython_environment["RADIO"] = str(found.file)
    yield found
    micropython_environment["MICROPYPATH"] = path


@pytest.fixture
async def proxy():
    """Put a server before another one; `serve(reader, writer)` is what it does."""
    servers, serving = [], set()

    async def start(serve) -> int:
        async def serve_one(reader, writer) -> None:
            serving.add(asyncio.current_task())
            try:
                await serve(reader, writer)
            finally:
                writer.close()

        servers.append(await asyncio.start_server(serve_one, "127.0.0.1", 0))
        return servers[-1].sockets[0].getsockname()[1]

    yield start
    for server in servers:
        server.close()
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


def with_wifi(board):
    """A board that has one network to join."""
    board.settings["wifi"] = {"ssid": "home", "password": "secret"}
    return board


async def test_nothing_is_looked_up_without_an_address(make_board, air):
    """While the Wi-Fi is not joined no name is asked for; told once, not every ten seconds."""
    board = with_wifi(make_board(NOWHERE))
    await board.start()
    await board.event("backoff", phase="offline")
    air.turn("up")
    await board.event("link", is_up=True)
    await board.event("backoff", phase="dns")
    offline = [event for event in board.events if event.get("phase") == "offline"]
    assert len(offline) == 1


async def test_reports_leave_when_the_wifi_is_there(serve, make_board, air):
    """Offline is no reason to come back late: the first report goes out when it is joined."""
    served = await serve()
    board = with_wifi(make_board(f"http://127.0.0.1:{served.port}"))
    await board.start()
    await board.event("backoff", phase="offline")
    air.turn("up")
    await board.event("acked")
    assert served.receiver.records(registry.RTYPE_HELLO)


async def test_a_wifi_that_lets_nothing_through_is_joined_again(make_board, air):
    """It says that it is joined and nothing ever answers: the radio is switched off and on."""
    air.turn("up")
    board = with_wifi(make_board(NOWHERE))
    await board.start()
    left = board.events.index(await board.event("radio", is_active=False))
    assert [e["phase"] for e in board.events[:left] if e["event"] == "backoff"] == ["dns"] * 3
    await board.event("radio", count=2, is_active=True)
    await board.event("link", count=2, is_up=True)


async def test_a_dead_connection_costs_one_deadline(serve, make_board, proxy):
    """A kept connection that swallows everything is given up for a new one, and nothing else."""
    served = await serve()
    connections = []

    async def swallow_the_second_report(reader, writer) -> None:
        connections.append(writer)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", served.port)
        try:
            if len(connections) == 1:
                up_writer.write(await reader.read(65536))
                writer.write(await up_reader.read(65536))
                while await reader.read(65536):
                    pass
            else:
                await asyncio.gather(pass_on(up_reader, writer), pass_on(reader, up_writer))
        finally:
            up_writer.close()

    board = make_board(f"http://127.0.0.1:{await proxy(swallow_the_second_report)}")
    await board.start()
    await board.event("acked")
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)
    await board.event("acked", count=2)
    assert len(connections) == 2
    assert not any(event["event"] == "backoff" for event in board.events)


async def test_an_answer_that_drips_is_given_up(make_board, proxy):
    """A byte now and then does not keep the agent waiting longer than one deadline."""
    is_closed = asyncio.Event()

    async def drip(reader, writer) -> None:
        await reader.read(65536)
        while not reader.at_eof():
            writer.write(b"H")
            try:
                await asyncio.wait_for(reader.read(1), 1)
            except TimeoutError:
                continue
        is_closed.set()

    board = make_board(f"http://127.0.0.1:{await proxy(drip)}")
    await board.start()
    await board.event("backoff", phase="receive")
    await is_closed.wait()
