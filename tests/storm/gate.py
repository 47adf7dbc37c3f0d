"""The one way to a receiver: shut, it throws everybody out; it notes when each one knocks."""

import asyncio
import time
from typing import Self

from tests.storm.carrying import carry_both, hang_up, reset

_BACKLOG = 4096  # all of a herd may knock in one instant


class Gate:
    """A TCP proxy before a port; `knocks` are the times of all attempts, in seconds."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._inside: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.is_shut = False
        self.knocks: list[float] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0, backlog=_BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._inside)
        self.shut()
        await asyncio.gather(*tasks, return_exceptions=True)

    def shut(self) -> float:
        """Throw everybody out in one instant; return the time."""
        self.is_shut = True
        for task, writer in self._inside.items():
            reset(writer)
            task.cancel()
        return time.monotonic()

    def open(self) -> float:
        """Let everybody in from now on; return the time."""
        self.is_shut = False
        return time.monotonic()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks.append(time.monotonic())
        task = asyncio.current_task()
        if self.is_shut or task is None:
            reset(writer)
            return
        self._inside[task] = writer
        try:
            up = await asyncio.open_connection("127.0.0.1", self._target)
            await carry_both((reader, writer), up)
        except (asyncio.CancelledError, OSError):
            await hang_up(writer)  # thrown out
        finally:
            self._inside.pop(task, None)
