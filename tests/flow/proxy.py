"""TCP proxies before a receiver or its broker that lose what they are told to lose."""

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
        self._lost: set[int] = set()
        self._news = asyncio.Condition()
        self.cuts = 0
        self.answers = 0
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

    async def until_answers(self, count: int) -> None:
        """Wait until so many came down since `lose_answers`."""
        async with self._news:
            await self._news.wait_for(lambda: self.answers >= count)

    def lose_answers(self, *numbers: int) -> None:
        """Of what comes down from now on lose these, counted from 1, and hang up each time.

        Counted is what carries a signed word: an answer of HTTP, a PUBLISH of MQTT.
        """
        self.answers = 0
        self._lost = set(numbers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._passing.add(asyncio.current_task())
        try:
            to_broker = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()
            return
        up = asyncio.create_task(self._pass_up(reader, to_broker[1]))
        down = asyncio.create_task(self._pass_down(to_broker[0], writer))
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

    async def _pass_down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if has_word(data) and await self._loses():
                    return
                writer.write(data)
                await writer.drain()

    async def _loses(self) -> bool:
        """Count an answer; True when it is one to lose."""
        async with self._news:
            self.answers += 1
            is_lost = self.answers in self._lost
            self.cuts += is_lost
            self._news.notify_all()
        return is_lost


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until the end."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


def has_word(data: bytes) -> bool:
    """Whether bytes from a receiver or a broker carry a signed message."""
    return b"\xd1\x84\x4e\xa2" in data
