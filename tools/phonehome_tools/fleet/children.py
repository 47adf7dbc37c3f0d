"""Processes that we start and that never outlive us: each is ended by its id on every way out."""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

GRACE_S = 5.0
# A line of a board or of a receiver; a frame of samples in JSON stays far below.
MAX_LINE_BYTES = 1 << 20
Result = TypeVar("Result")
TETHER = (sys.executable, "-m", "phonehome_tools.fleet.tether")


class Children:
    """The processes started through it; leaving the context ends those that still run."""

    def __init__(self) -> None:
        self._processes: list[Process] = []

    async def __aenter__(self) -> Self:
        """Nothing runs yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what still runs, whatever happened."""
        await self.stop_all()

    async def start(
        self, argv: Sequence[str], env: Mapping[str, str], stderr: int | None = None
    ) -> Process:
        """Start a program whose standard input and output are pipes to us."""
        process = await asyncio.create_subprocess_exec(
            *TETHER,
            *argv,
            env=dict(env),
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            limit=MAX_LINE_BYTES,
            # A Ctrl-C in the terminal is for us; we end the others in our own order.
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    async def stop(self, process: Process, grace_s: float = GRACE_S) -> int:
        """Ask a process to end, insist after `grace_s` seconds, and return its exit code."""
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(drained(process), grace_s)
        except TimeoutError:
            await self.kill(process)
        self._forget(process)
        return process.returncode or 0

    async def kill(self, process: Process) -> None:
        """End a process at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await drained(process)
        self._forget(process)

    async def stop_all(self) -> None:
        """End everything that still runs, newest first: devices before their receiver."""
        for process in list(reversed(self._processes)):
            await self.stop(process)

    def _forget(self, process: Process) -> None:
        if process in self._processes:
            self._processes.remove(process)


async def drained(process: Process) -> None:
    """Wait until a process has ended; a pipe that nobody reads any more must not hold it."""
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()


def run_until_signalled(main: Coroutine[object, object, int]) -> int:
    """Run a verb; Ctrl-C, SIGTERM and a closed terminal cancel it so that it can clean up.

    The exit code is then 128 and the signal's number, as shells expect.
    """

    async def supervised() -> int:
        task = asyncio.ensure_future(main)
        loop = asyncio.get_running_loop()
        received: list[int] = []

        def stop(signum: int) -> None:
            received.append(signum)
            task.cancel()

        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(signum, stop, signum)
        try:
            return await task
        except asyncio.CancelledError:
            return 128 + (received or [signal.SIGINT])[0]

    return asyncio.run(supervised())


def run_until_done(main: Coroutine[object, object, Result]) -> Result:
    """Run a measurement; a signal cancels it so that it can clean up, and is then passed on."""
    found: list[Result] = []

    async def keep() -> int:
        found.append(await main)
        return 0

    if run_until_signalled(keep()) or not found:
        raise KeyboardInterrupt
    return found[0]
