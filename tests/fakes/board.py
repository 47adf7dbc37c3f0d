"""A board for tests: the real agent under unix MicroPython, in a process of its own."""

import asyncio
import json
import os
from contextlib import suppress
from pathlib import Path

DEVICE = bytes.fromhex("a4cf12fffe05d3b1")
KEY = bytes(range(32))
MAIN = Path(__file__).parent / "board_main.py"
HEAP = "heapsize=416k"  # 208 KB of 32-bit objects, as a Pico W has, are twice that on 64 bits
PATIENCE_S = 30
READING_S = 0.05  # several turns of the loop


class Board:
    """One virtual board with its folder; the process can be started, killed and started again."""

    def __init__(self, interpreter: Path, environment: dict, folder: Path, server: str) -> None:
        self._interpreter = interpreter
        self._environment = environment
        self._folder = folder
        self.flow = folder / "flow"
        self.flow.write_text("8.0")
        (folder / "key").write_bytes(b"\x01" + KEY)
        self.settings = {
            "device": DEVICE.hex(),
            "server": server,
            "insecure": True,
            "key": str(folder / "key"),
            "data": str(folder / "flash"),
            "settle_ms": 0,
            "gather_ms": 20,
            "heartbeat_s": 3600,
            "flow": str(self.flow),
        }
        self.main = MAIN
        self.events = []
        self.process = None
        self._reading = None
        self._biting = None
        self._bite_s = self._kept_s = 0
        self._news = asyncio.Event()

    async def start(self) -> None:
        """Start the agent."""
        settings = self._folder / "settings.json"
        settings.write_text(json.dumps(self.settings))
        self.process = await asyncio.create_subprocess_exec(
            self._interpreter,
            "-X",
            HEAP,
            self.main,
            settings,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reading = asyncio.create_task(self._read())

    async def kill(self) -> None:
        """Take the power away."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):  # it ended, and nobody has told the loop yet
                os.kill(self.process.pid, 9)
        await self.process.wait()
        await self._reading
        if self._biting is not None:
            self._biting.cancel()

    def break_flow(self) -> None:
        """Make the fault true."""
        self._write_flow("2.0")

    def mend_flow(self) -> None:
        """Make it untrue again."""
        self._write_flow("8.0")

    async def event(self, name: str, count: int = 1, **facts) -> dict:
        """The count-th event of a name with these facts, when it has come."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._await_event(name, count, facts)
        except TimeoutError:
            raise AssertionError(f"no {count}. {name} {facts} in {self.events[-8:]}") from None

    async def _await_event(self, name: str, count: int, facts: dict) -> dict:
        while True:
            found = [e for e in self.events if e["event"] == name and facts.items() <= e.items()]
            if len(found) >= count:
                return found[count - 1]
            assert not self._reading.done(), f"board ended without {name}: {self.events[-5:]}"
            self._news.clear()
            await self._news.wait()

    def _write_flow(self, value: str) -> None:
        new = self.flow.with_suffix(".new")
        new.write_text(value)
        new.rename(self.flow)

    def _watch(self, event: dict) -> None:
        """Be the board's watchdog: without a feed in time, the power is gone."""
        if event["event"] in ("dog", "fed", "asleep") and self._biting is not None:
            self._biting.cancel()
        if event["event"] == "dog":
            self._bite_s = event["timeout_ms"] / 1000
        if event["event"] in ("dog", "fed") and self._bite_s:
            self._kept_s = self._kept_waiting_s()
            self._bite_in(self._bite_s, self._look_first)

    def _look_first(self) -> None:
        """Bite, behind the time that others had the computer, and what waits to be read here."""
        kept_s = self._kept_waiting_s()
        owed_s, self._kept_s = kept_s - self._kept_s, kept_s
        if owed_s > READING_S:
            self._bite_in(owed_s, self._look_first)
        else:
            self._bite_in(READING_S, self.process.kill)

    def _bite_in(self, span_s: float, then) -> None:
        self._biting = asyncio.get_running_loop().call_later(span_s, then)

    def _kept_waiting_s(self) -> float:
        """For how long the board was ready to run and another process had the processor."""
        try:
            _, waited, _ = Path(f"/proc/{self.process.pid}/schedstat").read_text().split()
        except OSError:
            return self._kept_s  # it has ended, or this is no Linux
        return int(waited) / 1e9

    async def _read(self) -> None:
        async for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "print", "line": line.decode(errors="replace").rstrip()}
            self.events.append(event)
            self._watch(event)
            self._news.set()
        self._news.set()
