"""A TCP proxy that torments every connection by a script of its own."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Mapping
from typing import Self

from tests.storm.carrying import Connections, hang_up, put, reset
from tests.storm.mischief import CALM, Script, draw_script

_CHUNK_BYTES = 65536
_PORTS = (20000, 32000)


class TormentingProxy:
    """Between a device and its receiver; counts what it did.

    `targets` maps the names of certificates to ports, "right" is the receiver's own; `paces` are
    how many of the device's seconds pass in one of ours, while something is under way and while
    it waits; `rotate()` puts a new certificate there.
    """

    def __init__(
        self, targets: Mapping[str, int], seed: int, paces: tuple[int, int], rotate=None
    ) -> None:
        self._targets = targets
        self._rng = random.Random(seed)
        self._pace, self._waiting_pace = paces
        self._rotate = rotate
        self._server: asyncio.Server | None = None
        self._running = Connections()
        self._returning: asyncio.Task[None] | None = None
        self._is_calm = False
        self.port = 0
        self.connections = 0
        self.done: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        """Listen on a free port, none that the kernel gives to others while nobody listens."""
        while self._server is None:
            self.port = random.randrange(*_PORTS)
            with contextlib.suppress(OSError):
                await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
        if self._returning is not None:
            self._returning.cancel()
            await asyncio.gather(self._returning, return_exceptions=True)
        await self._running.end()

    def calm(self) -> None:
        """Leave new connections alone from now on; those that are open meet their fate."""
        self._is_calm = True

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._running.adopt()
        self.connections += 1
        script = CALM if self._is_calm else self._next_script()
        if script.rotates and self._rotate is not None:
            self._rotate()
            self.done["rotation"] += 1
        if script.certificate != "right":
            self.done[script.certificate] += 1
        try:
            if script.kind in {"drop", "refuse"}:
                self._turn_away(script, writer)
            else:
                await self._carry(script, reader, writer)
        except OSError:
            pass  # the receiver is away
        finally:
            await hang_up(writer)

    def _next_script(self) -> Script:
        return draw_script(self._rng, is_secure=len(self._targets) > 1)

    def _turn_away(self, script: Script, writer: asyncio.StreamWriter) -> None:
        self.done[script.kind] += 1
        reset(writer)
        if script.kind == "refuse" and self._server is not None:
            self._server.close()
            self._returning = asyncio.create_task(self._return_after(script.span_s))

    async def _return_after(self, span_s: float) -> None:
        await asyncio.sleep(span_s / self._waiting_pace)
        await self._listen()

    async def _carry(
        self, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        port = self._targets[script.certificate]
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        passage = Passage(script, writer, self._pace, self.done)
        up = asyncio.create_task(passage.carry(reader, up_writer, is_up=True))
        down = asyncio.create_task(passage.carry(up_reader, writer, is_up=False))
        try:
            await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
            if passage.is_hole:  # the device does not hear that the receiver gave up
                await asyncio.wait([up])
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
            await hang_up(up_writer)


class Passage:
    """Both ways of one connection; carries chunks until the script says otherwise."""

    def __init__(
        self, script: Script, device: asyncio.StreamWriter, pace: int, done: Counter[str]
    ) -> None:
        self._script = script
        self._device = device
        self._pace = pace
        self._done = done
        self._chunks = 0
        self.is_hole = False

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_up: bool
    ) -> None:
        """Carry one way until its end, the device's or ours."""
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                self._chunks += 1
                if not await self._pass_on(data, writer, is_up):
                    return

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter, is_up: bool) -> bool:
        """Pass one chunk on, or what the script makes of it; False ends the connection."""
        script = self._script
        late = self._chunks - script.after_chunks
        if script.kind == "none" or late < 1 or (late > 1 and script.kind not in LASTING):
            if self._chunks > script.ends_after > 0:
                reset(self._device)
                return False
            return await put(data, writer)
        self._done[script.kind] += late == 1
        return await ACTS[script.kind](self, data, writer, is_up)

    async def delay(self, data: bytes, writer: asyncio.StreamWriter, is_up: bool) -> bool:
        """Late, in order."""
        await asyncio.sleep(self._script.span_s / self._pace)
        if self._chunks > self._script.ends_after:
            reset(self._device)
        return await put(data, writer)

    async def duplicate(self, data: bytes, writer: asyncio.StreamWriter, is_up: bool) -> bool:
        """Twice."""
        return await put(data + data, writer)

    async def corrupt(self, data: bytes, writer: asyncio.StreamWriter, is_up: bool) -> bool:
        """With one bit turned in the middle."""
        place = len(data) // 2
        turned = bytes([data[place] ^ 0x10])
        return await put(data[:place] + turned + data[place + 1 :], writer)

    async def truncate(self, data: bytes, writer: asyncio.StreamWriter, is_up: bool) -> bool:
        """Half of it, and an orderly end."""
        await put(data[: len(data) // 2], writer)
        return False

    async def swallow(self, data: bytes, writer: asyncio.StreamWriter, is_up: bool) -> bool:
        """One way ends here, the other goes on; nobody is told."""
        self.is_hole = True
        is_swallowed = is_up == (self._script.kind == "blackhole up")
        return is_swallowed or await put(data, writer)

    async def answer_garbage(self, data: bytes, writer: asyncio.StreamWriter, is_up: bool) -> bool:
        """Nonsense for the device; nothing reaches the receiver any more."""
        await put(self._script.garbage, self._device)
        return is_up

    async def reset(self, data: bytes, writer: asyncio.StreamWriter, is_up: bool) -> bool:
        """RST."""
        reset(self._device)
        return False


# What goes on once it has begun; the others spoil one chunk.
LASTING = {"delay", "blackhole up", "blackhole down", "garbage"}
ACTS = {
    "delay": Passage.delay,
    "duplicate": Passage.duplicate,
    "truncate": Passage.truncate,
    "reset": Passage.reset,
    "blackhole up": Passage.swallow,
    "blackhole down": Passage.swallow,
    "garbage": Passage.answer_garbage,
    "corrupt": Passage.corrupt,
}
