"""A TCP proxy before a broker that hangs up in the middle of a PUBLISH when it is told to."""

import asyncio
import contextlib
from typing import Self
from urllib.parse import urlsplit

PUBLISH = 0x30


class CuttingProxy:
    """Passes bytes on; a chunk that begins with a PUBLISH may be cut in half, and the line."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, parts.port
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._cuts_due = 0
        self.cuts = 0
        self.address = ""

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"{self._scheme}://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and hang up."""
        self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def cut_next_publishes(self, count: int) -> None:
        """Hang up in the middle of so many of the next publishes."""
        self._cuts_due = count

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._passing.add(asyncio.current_task())
        try:
            to_broker = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()
            return
        up = asyncio.create_task(self._pass_up(reader, to_broker[1]))
        down = asyncio.create_task(pass_on(to_broker[0], writer))
        try:
            await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            writer.close()
            to_broker[1].close()

    async def _pass_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self._cuts_due and data[0] & 0xF0 == PUBLISH:
                self._cuts_due -= 1
                self.cuts += 1
                writer.write(data[: len(data) // 2])
                return
            writer.write(data)
            await writer.drain()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until the end."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
