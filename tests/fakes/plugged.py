"""A board on a cable: the real agent under unix MicroPython, behind a pseudo-terminal.

What it prints goes through the same line that it is asked on, as on a board.
"""

import json
import os
import pty
import subprocess
import tty
from pathlib import Path

from tests.fakes.board import DEVICE, HEAP, KEY, MAIN

__all__ = ["DEVICE", "KEY", "PluggedBoard"]


class PluggedBoard:
    """One virtual board with its folder; `port` is what to plug into a tool."""

    def __init__(self, interpreter: Path, environment: dict, folder: Path, server: str) -> None:
        self._argv = [str(interpreter), "-X", HEAP, str(MAIN)]
        self._environment = environment
        self._folder = folder
        self.flow = folder / "flow"
        self.flow.write_text("8.0")
        self.key = folder / "key"
        self.key.write_bytes(b"\x01" + KEY)
        self.settings = {
            "device": DEVICE.hex(),
            "server": server,
            "insecure": True,
            "key": str(self.key),
            "data": str(folder / "flash"),
            "settle_ms": 0,
            "gather_ms": 20,
            "heartbeat_s": 3600,
            "console": True,
            "flow": str(self.flow),
        }
        self.process: subprocess.Popen | None = None
        self._board_end, self._cable_end = pty.openpty()
        tty.setraw(self._cable_end)  # kept open here: a tool that leaves does not cut the line
        self.port = os.ttyname(self._cable_end)

    def start(self) -> None:
        """Power on."""
        path = self._folder / "settings.json"
        path.write_text(json.dumps(self.settings))
        self.process = subprocess.Popen(
            [*self._argv, str(path)],
            env=self._environment,
            stdin=self._board_end,
            stdout=self._board_end,
            stderr=self._board_end,
        )

    def kill(self) -> None:
        """Take the power away."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self) -> None:
        """Power off, and pull the cable."""
        self.kill()
        os.close(self._board_end)
        os.close(self._cable_end)

    def break_flow(self, value: str = "2.0") -> None:
        """Make the fault true."""
        new = self.flow.with_suffix(".new")
        new.write_text(value)
        new.rename(self.flow)
