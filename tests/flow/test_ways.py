"""The desk sends a board another way: proven there, or the board comes back by itself."""

import asyncio
import contextlib
import os
import random
from pathlib import Path

import pytest

from phonehome_tools.fleet.postgresql import free_port
from tests.fakes.board import DEVICE, KEY
from tests.flow.conftest import WITHIN_S
from tests.flow.proxy import CuttingProxy
from tests.flow.test_orders import until

RADIO = Path(__file__).parents[1] / "fakes" / "radio"
CONFIG = f"/api/v1/devices/{DEVICE.hex()}/config"


@pytest.fixture
async def home(request, installation, make_board):
    """A desk, and a board that is known there and starts again whenever it ends."""
    receiver = installation.receiver
    async with receiver.desk() as desk:
        body = {"device": DEVICE.hex(), "product": "washer", "key": KEY.hex()}
        await desk._call("POST", "/api/v1/devices", json=body)
        board = make_board(receiver.http)
        board.settings.update(dog=True, watchdog_ms=5000, heartbeat_s=1, trial_s=4, dead_boots=0)
        if "air" in request.fixturenames:
            board.settings["wifi"] = {"ssid": "home", "password": "secret"}
        await board.start()
        keeping = asyncio.create_task(keep_on(board))
        yield desk, board
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def keep_on(board):
    """What a reset does."""
    while True:
        await board.process.wait()
        await board.kill()
        await board.start()


async def heard(board, name, count=1, **facts):
    """Wait until a board that may start again meanwhile has told this so often."""
    async with asyncio.timeout(WITHIN_S):
        while count > count_of(board, name, **facts):  # noqa: ASYNC110 - a reset tells nobody
            await asyncio.sleep(0.05)


def count_of(board, name, **facts):
    """How often it has told this."""
    return sum(e["event"] == name and facts.items() <= e.items() for e in board.events)


async def wish(desk, **values):
    """Wish for a configuration."""
    await desk._call("PUT", CONFIG, json={"values": values})


@pytest.mark.parametrize("transport", ["http", "mqtt"])
async def test_a_new_way_is_proven_and_stays(installation, home, transport):
    """Another address and another protocol: reset, heard there, kept, and there after a reset."""
    desk, board = home
    async with CuttingProxy(getattr(installation.receiver, transport)) as proxy:
        await wish(desk, server=proxy.address, gather_ms=33)
        await heard(board, "config", state="kept", version=1)
        assert count_of(board, "boot") == 2
        assert proxy.answers > 0
        os.kill(board.process.pid, 9)
        await heard(board, "boot", count=3)
        seen = proxy.answers
        await proxy.until_answers(seen + 3)
        found = await until(desk, CONFIG, lambda c: c["state"] == "applied")
        assert found["statuses"] == [
            {"name": "gather_ms", "status": "ok"},
            {"name": "server", "status": "ok"},
        ]


@pytest.mark.parametrize("kills", [0, 1, 4])
async def test_a_way_that_leads_nowhere_brings_it_back(home, kills):
    """Nobody answers there: the board comes back, also when it is killed in the middle of it."""
    desk, board = home
    draw = random.Random(kills)
    await heard(board, "acked")
    await wish(desk, server=f"http://127.0.0.1:{free_port()}", gather_ms=33)
    await heard(board, "boot", count=2)
    for _ in range(kills):
        await asyncio.sleep(draw.random())
        with contextlib.suppress(ProcessLookupError):  # it resets just now
            os.kill(board.process.pid, 9)
    found = await until(desk, CONFIG, lambda c: c["state"] == "reverted")
    assert (found["reported"], found["tries"]) == (0, 1)
    assert count_of(board, "backoff"), "it did try"


@pytest.fixture
def air(tmp_path, micropython_environment):
    """A radio for the board of this test, which finds one network: home."""
    path = micropython_environment["MICROPYPATH"]
    micropython_environment["MICROPYPATH"] = f"{path}:{RADIO}"
    (tmp_path / "air").write_text("up home")
    micropython_environment["RADIO"] = str(tmp_path / "air")
    yield tmp_path / "air"
    micropython_environment["MICROPYPATH"] = path


async def test_another_wifi(air, home):
    """One that is not there brings the board back to its own; one that is there is kept."""
    desk, board = home
    values = {"wifi_ssid": "new", "wifi_password": "a good password"}
    await heard(board, "acked")
    await wish(desk, **values)
    await until(desk, CONFIG, lambda c: c["state"] == "reverted")
    assert [event["phase"] for event in board.events if event["event"] == "backoff"] == ["offline"]
    swapped = air.with_suffix(".new")
    swapped.write_text("up new")
    await wish(desk, **values)
    await heard(board, "boot", count=4)
    swapped.rename(air)
    await heard(board, "config", state="kept", version=2)
    found = await until(desk, CONFIG, lambda c: c["state"] == "applied")
    assert found["values"]["wifi_password"] == "(set)"
    said = repr(board.events) + (board.flow.parent / "settings.json").read_text()
    assert "a good password" not in said
