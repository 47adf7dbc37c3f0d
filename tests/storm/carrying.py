"""Bytes from one TCP connection to another, and the ways in which one can end."""

import asyncio
import contextlib
import socket
import struct

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CHUNK_BYTES = 65536
_NO_LINGER = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time
_FLUSH_S = 1


async def carry_both(one: Ends, other: Ends) -> None:
    """Carry both ways until either end hangs up; then both are closed."""
    await until_either(carry(one[0], other[1]), carry(other[0], one[1]), one[1], other[1])


async def until_either(up, down, *writers: asyncio.StreamWriter) -> None:
    """Run both ways until one has ended; then close the writers."""
    tasks = [asyncio.create_task(up), asyncio.create_task(down)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for writer in writers:
            writer.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            await hang_up(writer)


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one way until the end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            await put(data, writer)


async def put(data: bytes, writer: asyncio.StreamWriter) -> bool:
    """Write, and say that the connection goes on."""
    writer.write(data)
    await writer.drain()
    return True


def reset(writer: asyncio.StreamWriter) -> None:
    """End at once, with RST."""
    with contextlib.suppress(OSError):  # closed already
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """End in order; at once where nobody takes what was written."""
    writer.close()
    try:
        async with asyncio.timeout(_FLUSH_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()


class Connections:
    """The tasks that serve connections; `end` cancels them and waits."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def adopt(self) -> None:
        """Take in the task that runs now."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """Cancel all that run."""
        for task in self._tasks:
            task.cancel()

    async def end(self) -> None:
        """Cancel all that run and wait for their ends."""
        tasks = list(self._tasks)
        self.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
