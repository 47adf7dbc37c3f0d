"""One virtual board: a MicroPython process that runs the device code and tells what happens."""

import asyncio
import json
import subprocess
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.home import Home
from phonehome_tools.fleet.interpreter import BOARD_HEAP, board_command, board_environment
from phonehome_tools.fleet.rooms import rooms_folder

KEPT_LINES = 20


@dataclass(frozen=True)
class Event:
    """One line of a board: its name, its uptime there, its facts, and when we read it."""

    board: str
    name: str
    at_ms: int
    facts: Mapping[str, Any]
    read_at_s: float = field(default_factory=time.monotonic)

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"board": self.board, "at_ms": self.at_ms, "event": self.name, **self.facts}


def parse_event(board: str, line: bytes) -> Event:
    """The event in one line of a board; ValueError, KeyError or TypeError when it is none."""
    facts = json.loads(line)
    if not isinstance(facts, dict):
        raise TypeError("an event is an object")
    return Event(board, str(facts.pop("event")), int(facts.pop("at_ms")), facts)


class Board:
    """A device's folder with a running interpreter; `events()` is its one output."""

    def __init__(self, name: str, home: Home, children: Children) -> None:
        self.name = name
        self.home = home
        self._children = children
        self._process: Process | None = None
        self._last_lines: deque[str] = deque(maxlen=KEPT_LINES)

    async def start(self, setup: Mapping[str, Any], heap: str = BOARD_HEAP) -> None:
        """Power on: write what the board is, and start its interpreter."""
        self.home.setup_file.write_text(json.dumps(setup, indent=1) + "\n")
        self._last_lines.clear()
        code = await asyncio.to_thread(rooms_folder)
        self._process = await self._children.start(
            board_command(self.home.setup_file, heap), board_environment(code), subprocess.STDOUT
        )

    async def events(self) -> AsyncIterator[Event]:
        """Events until the interpreter ends; ChildError with its last words if it failed."""
        process = self._running()
        if process.stdout is None:
            raise ChildError(f"{self.name} has no output")
        async for line in process.stdout:
            event = self._read(line)
            if event is not None:
                yield event
        code = await process.wait()
        if code > 0:
            raise ChildError(f"{self.name} ended with exit code {code}: {self.last_words()}")

    async def say(self, **words: object) -> None:
        """Send one line to the board: `fault` and `on`, or `stop`."""
        stdin = self._running().stdin
        if stdin is None or stdin.is_closing():
            raise ChildError(f"{self.name} no longer listens")
        stdin.write(json.dumps(words).encode() + b"\n")
        await stdin.drain()

    async def stop(self) -> int:
        """Ask the board to end in its own order (a clean shutdown)."""
        return await self._children.stop(self._running())

    async def kill(self) -> None:
        """Cut the power."""
        await self._children.kill(self._running())

    def last_words(self) -> str:
        """What the board printed last that was no event, in one line."""
        return " | ".join(self._last_lines) or "it printed nothing"

    def _read(self, line: bytes) -> Event | None:
        try:
            return parse_event(self.name, line)
        except (ValueError, KeyError, TypeError):
            text = line.decode(errors="replace").strip()
            if text:
                self._last_lines.append(text)
            return None

    def _running(self) -> Process:
        if self._process is None:
            raise ChildError(f"{self.name} was not started")
        return self._process


async def follow(board: Board, queue: "asyncio.Queue[Event | None]") -> None:
    """Put a board's events into a queue, and None when it has ended."""
    try:
        async for event in board.events():
            await queue.put(event)
    finally:
        await queue.put(None)


def board_setup(
    home: Home, source: Mapping[str, Any], show_ms: int, **more: object
) -> dict[str, Any]:
    """What a virtual board reads about itself; `more` are its optional settings.

    source: {"kind": "model", "model", "seed"}, {"kind": "host"} or {"kind": "replay", "rows",
    "names"}; more: faults, speed, duration_ms, shown.
    """
    return {
        "config": str(home.config_file.resolve()),
        "product": str(home.product_file.resolve()),
        "source": dict(source),
        "show_ms": show_ms,
        **more,
    }


def model_source(model: str, seed: int) -> dict[str, Any]:
    """The source of a board that plays a physical model."""
    return {"kind": "model", "model": model, "seed": seed}
