"""A receiver process of our own, on free ports, with its files in one folder."""

import asyncio
import re
import secrets
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

from phonehome_tools.fleet.catalog import products_folder
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.desk import TOKEN_VARIABLE, Desk
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.interpreter import python_environment

# Importing the receiver takes two seconds on a slow core; the rest is migrations.
READY_WITHIN_S = 40.0
READY = re.compile(r"phonehome receiver ready http=(\S+)(?: mqtt=(\S+))?")
KEPT_LOG_BYTES = 4000
MASTER_VARIABLE = "PHONEHOME_MASTER_KEY"


class Receiver:
    """Starts, kills and starts again one receiver that keeps its ports and its database.

    It reads from `broker`, the URL of one that runs, or else has one inside; it stores in `store`,
    the URL of a database, or else in a file of the folder.
    """

    def __init__(
        self,
        folder: Path,
        children: Children,
        products: Path | None = None,
        broker: str = "",
        store: str = "",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self.token = secrets.token_urlsafe(24)
        # Beside a database in a file, the receiver keeps a master key of its own.
        self._secrets = {MASTER_VARIABLE: secrets.token_hex(32)} if store else {}
        self.http = ""
        self.mqtt = ""
        self._products = products or products_folder()
        self._broker = broker
        self.store = store or f"sqlite:///{folder / 'receiver.db'}"
        self._children = children
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process id, for pinning it to a core."""
        return self._running().pid

    @property
    def log_file(self) -> Path:
        """What the receiver writes to its standard error."""
        return self.folder / "receiver.log"

    def desk(self) -> Desk:
        """A client of this receiver's desk API."""
        return Desk(self.http, self.token)

    async def start(
        self, settings: str = "", environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it and wait until it is ready; ChildError tells what it said instead.

        `settings` are more of its file, `environment` variables that override that.
        """
        config = self.folder / "receiver.toml"
        config.write_text(self._settings() + settings)
        env = {**python_environment(), **(environment or {})}
        env |= {TOKEN_VARIABLE: self.token, **self._secrets}
        argv = [sys.executable, "-m", "phonehome_cloud", "serve", "--config", str(config)]
        with self.log_file.open("ab") as log:
            self._process = await self._children.start(argv, env, log.fileno())
        await self._wait_ready(self._process)
        self._reading = asyncio.create_task(discard(self._process))

    async def stop(self) -> int:
        """End it in its own order."""
        return await self._children.stop(self._running())

    async def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        await self._children.kill(self._running())

    def last_words(self) -> str:
        """The end of its log, for a reason in one message."""
        if not self.log_file.exists():
            return "it logged nothing"
        return self.log_file.read_text(errors="replace")[-KEPT_LOG_BYTES:].strip()

    def _settings(self) -> str:
        """The configuration; a restarted receiver keeps the ports that devices know."""
        http_port = self.http.rsplit(":", 1)[-1] if self.http else "0"
        mqtt_port = self.mqtt.rsplit(":", 1)[-1] if self.mqtt else "0"
        inside = f"embedded = true\nport = {mqtt_port}"
        broker = f'url = "{self._broker}"' if self._broker else inside
        return (
            f'[server]\nhost = "127.0.0.1"\nport = {http_port}\n'
            f'[store]\nurl = "{self.store}"\n'
            f"[mqtt]\n{broker}\n"
            f'[products]\ndirectory = "{self._products}"\n'
        )

    async def _wait_ready(self, process: Process) -> None:
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                self.http, self.mqtt = await read_ready_line(process)
        except TimeoutError:
            await self.kill()
            text = f"the receiver was not ready after {READY_WITHIN_S:.0f} s"
            raise ChildError(f"{text}: {self.last_words()}") from None
        except EOFError:
            raise ChildError(f"the receiver did not start: {self.last_words()}") from None

    def _running(self) -> Process:
        if self._process is None:
            raise ChildError("the receiver was not started")
        return self._process


async def read_ready_line(process: Process) -> tuple[str, str]:
    """The HTTP and MQTT addresses that a receiver announces; EOFError when it ends instead."""
    while process.stdout is not None:
        line = await process.stdout.readline()
        if not line:
            break
        match = READY.search(line.decode(errors="replace"))
        if match is not None:
            return match[1], match[2] or ""
    raise EOFError


async def discard(process: Process) -> None:
    """Read and forget what a process prints, so that a full pipe never stops it."""
    while process.stdout is not None and await process.stdout.read(65536):
        pass
