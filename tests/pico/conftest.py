"""Emulated Picos, the flash they start with, and a real receiver that they phone home to."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.home import draw_device
from phonehome_tools.fleet.receiver import Receiver
from phonehome_tools.pico import settings
from tests.flow.proxy import pass_on

BOARD = Path(__file__).parent / "board"
ON_BOARD = ("washing.py", "hanging.py")
# The host as the emulated network shows it.
HOST = "10.0.0.1"


def pytest_sessionstart() -> None:
    """These tests never skip: where something is missing, they say what and fail."""
    lacks = settings.missing()
    if lacks:
        pytest.exit("\n".join(["the emulated Pico cannot run:", *lacks]), returncode=1)


class Washer:
    """A registered washer: who it is, and what is on its flash."""

    def __init__(self, folder: Path, device: str, key: bytes, modules: dict[str, bytes]) -> None:
        self.device = device
        self.key = key
        self._folder = folder
        self._modules = modules

    def image(
        self,
        machine: settings.Machine,
        files: Mapping[str, bytes] = MappingProxyType({}),
        **config: Any,
    ) -> Path:
        """A flash image for a machine; `config` are settings of phonehome.json."""
        from phonehome_tools.pico.image import Flash

        ca = config.get("ca")
        if ca:
            files = {**files, ca: (self._folder / Path(ca).name).read_bytes()}
        product = find_product("washer").device_half
        flash = Flash(self.device, self.key, product, self._modules, config, files)
        return flash.write(self._folder / "flash.img", machine)


@pytest.fixture(scope="session")
def modules() -> dict[str, bytes]:
    """Everything of ours that a board runs, compiled."""
    from phonehome_tools.pico import image

    return {
        **image.agent_modules(),
        **image.umqtt_modules(),
        **image.model_modules("washer"),
        **image.compiled({name: BOARD / name for name in ON_BOARD}),
    }


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    """A running receiver without devices."""
    async with Children() as children:
        found = Receiver(tmp_path / "receiver", children)
        await found.start()
        yield found


@pytest.fixture
async def washer(tmp_path: Path, receiver: Receiver, modules: dict[str, bytes]) -> Washer:
    """A washer that the receiver knows."""
    device = draw_device()
    async with receiver.desk() as desk:
        key = await desk.add_device(device, "washer", "emulated")
    return Washer(tmp_path, device, key, modules)


@pytest.fixture
async def tls_front() -> AsyncIterator[Callable[..., Any]]:
    """Put a server with TLS before a plain one; call it with a context and a port."""
    servers = []

    async def front(context: Any, port: int) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
            up = asyncio.create_task(pass_on(reader, up_writer))
            await pass_on(up_reader, writer)
            up.cancel()
            up_writer.close()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        servers.append(server)
        return server.sockets[0].getsockname()[1]

    yield front
    for server in servers:
        server.close()


def last(lines: list[str], name: str) -> dict[str, Any]:
    """The newest event of a name that a board told."""
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return [event for event in told if event["event"] == name][-1]
