"""What keeps reports, each part with as many lives as it needs."""

import asyncio
import contextlib
import random
import signal
import sys
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from phonehome_cloud.stepping import STEPS, WRITTEN
from phonehome_tools.fleet.catalog import products_folder
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.postgresql import free_port
from phonehome_tools.fleet.receiver import read_ready_line
from tests.survival.receiver_main import NEVER

READY_WITHIN_S = 60.0
TRIES = 20  # as a supervisor of services starts one again
AGAIN_S = 0.5
A_COMMIT = 10  # so many reports share one, under load
UNBOUNDED = (
    "[intake]\nkey_per_s = 1000000\nkey_burst = 1000000\n"
    "address_per_s = 1000000\naddress_burst = 1000000\n"
)


def settings_of(port: int, more: str) -> str:
    """The configuration of a receiver on a port; `more` is its store and its broker."""
    return (
        f'[server]\nhost = "127.0.0.1"\nport = {port}\n{more}'
        f'[products]\ndirectory = "{products_folder()}"\n{UNBOUNDED}'
    )


class ReceiverLife:
    """One receiver process that starts again whenever it has died; `deaths` says of what.

    Where it is exposed it dies by itself at a random step, after about `pace` reports.
    """

    def __init__(
        self,
        folder: Path,
        settings: str,
        environment: Mapping[str, str],
        rng: random.Random,
        pace: int,
    ) -> None:
        folder.mkdir(parents=True)
        self.port = free_port()
        self.deaths: Counter[str] = Counter()
        self.is_up = asyncio.Event()
        self._folder = folder
        self._config = folder / "receiver.toml"
        self._config.write_text(settings_of(self.port, settings))
        self._rng = rng
        self._pace = pace
        self._step = NEVER
        self._process: Process | None = None
        self._is_murdered = False
        self._environment = environment

    async def run(self, children: Children) -> None:
        """Live, die, and live again, until cancelled."""
        failures = 0
        while failures < TRIES:
            step = self._step or self._rng.choice(STEPS)
            await self._start(children, step)
            if await self._expect_process().wait() != -signal.SIGKILL:
                self.deaths["at its start, the database was away"] += 1
                failures += 1
                await asyncio.sleep(AGAIN_S)
                continue
            failures = 0
            self.is_up.clear()
            self.deaths["at any moment" if self._is_murdered else step] += 1
        raise ChildError(f"a receiver does not start any more: {self.log[-2000:]}")

    def kill(self) -> None:
        """SIGKILL, at whatever it is doing."""
        # It may have died by itself, and nobody has taken note of that yet.
        if self.is_up.is_set() and self._expect_process().returncode is None:
            self._is_murdered = True
            self._expect_process().kill()

    def expose(self, step: str = "") -> None:
        """From its next life on it dies by itself, at any step, or lives as `step` says."""
        self._step = step

    async def spare(self) -> None:
        """From its next life on it does not die by itself; that one begins now."""
        self._step = NEVER
        await self.is_up.wait()
        self.kill()
        self.is_up.clear()
        await self.is_up.wait()

    @property
    def log(self) -> str:
        """What it complained of."""
        return (self._folder / "receiver.log").read_text(errors="replace")

    async def _start(self, children: Children, step: str) -> None:
        often = 2 * self._pace // (A_COMMIT if step == WRITTEN else 1)
        count = self._rng.randrange(1, often + 2)
        argv = ["-m", "tests.survival.receiver_main", str(self._config), step, str(count)]
        with (self._folder / "receiver.log").open("ab") as log:
            argv = [sys.executable, *argv]
            self._process = await children.start(argv, self._environment, log.fileno())
        self._is_murdered = False
        with contextlib.suppress(EOFError):  # it ended before it was ready
            async with asyncio.timeout(READY_WITHIN_S):
                await read_ready_line(self._process)
            self.is_up.set()

    def _expect_process(self) -> Process:
        if self._process is None:
            raise ChildError("the receiver was not started")
        return self._process
