"""What a storm passes over: the real receiver as a process, a real Mosquitto, certificates."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.receiver import Receiver
from tests.cloud.brokers import Mosquitto
from tests.fakes.authority import FakeAuthority
from tests.storm.carrying import Connections, carry_both, hang_up

# A device in a hurry: days of reports in minutes.
UNBOUNDED = (
    "[intake]\nkey_per_s = 100000\nkey_burst = 100000\n"
    "address_per_s = 100000\naddress_burst = 100000\n"
)
HOST = "localhost"


@dataclass
class Site:
    """A receiver and the ports that lead to it, by the name of the certificate shown there."""

    receiver: Receiver
    targets: dict[str, int]
    ca: Path | None = None
    rotate: Callable[[], None] | None = None


@contextlib.asynccontextmanager
async def site(folder: Path, scheme: str) -> AsyncIterator[Site]:
    """A running receiver for devices that speak http, https, mqtt or mqtts."""
    async with contextlib.AsyncExitStack() as stack:
        children = await stack.enter_async_context(Children())
        broker = ""
        if scheme.startswith("mqtt"):
            mosquitto = Mosquitto(folder)
            await mosquitto.start()
            stack.push_async_callback(mosquitto.stop)
            broker = mosquitto.url
        receiver = Receiver(folder / "receiver", children, broker=broker)
        await receiver.start(UNBOUNDED)
        port = urlsplit(broker or receiver.http).port or 0
        if not scheme.endswith("s"):
            yield Site(receiver, {"right": port})
            return
        ends = TLSEnds(folder, port)
        await stack.enter_async_context(ends)
        yield Site(receiver, ends.ports, ends.ca, ends.rotate)


class TLSEnds:
    """Ends TLS before a port, once with the right certificate and once as each impostor."""

    def __init__(self, folder: Path, port: int) -> None:
        self._port = port
        self._right = FakeAuthority(folder)
        other = FakeAuthority(folder, "somebody else")
        self._contexts = {
            "right": self._right.server_context(HOST),
            "other CA": other.server_context(HOST),
            "expired": self._right.server_context(HOST, -1),
            "other name": self._right.server_context("elsewhere.example"),
        }
        self._servers: list[asyncio.Server] = []
        self._running = Connections()
        self._spans = itertools.cycle(range(1, 30))  # days that it is still valid
        self.ca = self._right.ca_der
        self.ports: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        """Listen on a free port for each certificate."""
        for name, context in self._contexts.items():
            server = await asyncio.start_server(self._carry, "127.0.0.1", 0, ssl=context)
            self._servers.append(server)
            self.ports[name] = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening."""
        for server in self._servers:
            server.close()
        await self._running.end()

    def rotate(self) -> None:
        """Show a new certificate of the same authority from the next connection on."""
        self._contexts["right"].load_cert_chain(*self._right.files(HOST, next(self._spans)))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._running.adopt()
        try:
            up = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:  # the receiver is away
            await hang_up(writer)
            return
        await carry_both((reader, writer), up)
