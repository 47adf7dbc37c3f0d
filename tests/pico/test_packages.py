"""A board gets the agent from an index with mpremote's own command, and it runs."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from phonehome_tools.cli import main
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.home import FIRST_EPOCH, draw_device
from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from tests.pico.conftest import HOST
from tests.pico.test_network import port_of

INSTALL_S = 240
PARTS = ("phonehome-mqtt", "phonehome-rules")
RUN = """
import asyncio, gc
from phonehome import Agent

def told(name, **facts):
    heard.append(name)
    print(name, facts)

heard = []
agent = Agent("/product.ph", {config!r}, on_event=told)
for channel in agent.product.channels:
    agent.sensor(channel.name, lambda: 0)

async def live():
    await agent.start()
    while agent.outbox.depth or "acked" not in heard:
        await asyncio.sleep_ms(100)
    await agent.stop()

asyncio.run(live())
"""
PUT = "with open({path!r}, 'wb') as file: file.write({data!r})"


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    """What `phonehome package build` writes."""
    folder = tmp_path_factory.mktemp("index")
    assert main(["package", "build", "-o", str(folder)]) == 0
    return folder


def install(address: str, index: Path, *packages: str) -> str:
    """What a developer types."""
    words = ["connect", address, "mip", "install", "--index", str(index), *packages]
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", *words],
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(400)
async def test_an_empty_board_is_installed_and_phones_home(tmp_path, receiver, index):
    """Base, MQTT and umqtt.simple come over mip; the hello is acknowledged by a real receiver."""
    from phonehome_tools.pico.image import borrowed_modules, build_image

    machine = settings.pico_w()
    image = tmp_path / "flash.img"
    image.write_bytes(build_image(borrowed_modules(machine), machine.blocks))
    device = draw_device()
    async with receiver.desk() as desk:
        key = await desk.add_device(device, "washer", "installed")
    config = {
        "server": f"mqtt://{HOST}:{port_of(receiver.mqtt)}",
        "insecure": True,
        "device": device,
        "key": "/phonehome.key",
        "wifi": settings.wifi(),
        "settle_ms": 500,
    }
    files = {
        "/product.ph": find_product("washer").device_half,
        "/phonehome.key": bytes([FIRST_EPOCH]) + key,
    }
    with PicoBoard(machine, image, is_paced=True) as pico:
        with pico.lend_console() as address:
            assert await asyncio.to_thread(main, ["package", "check", str(index), address]) == 0
            said = await asyncio.to_thread(install, address, index, *PARTS)
        for path, data in files.items():
            pico.run(PUT.format(path=path, data=data))
        told = await asyncio.to_thread(pico.run, RUN.format(config=config))
    assert "Installing: /lib/phonehome/agent.mpy" in said
    assert "Installing: /lib/umqtt/simple.mpy" in said
    assert any(line.startswith("acked") for line in told)
