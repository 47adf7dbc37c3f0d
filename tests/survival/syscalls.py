"""What a process really asks of the disk, and when: strace, read back.

A kill does not test fsync, because the kernel lives on; the order of system calls does.
"""

import asyncio
import re
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STRACE = "/usr/bin/strace"
_CALLS = "pwrite64,pwritev,write,fdatasync,fsync,sendto,sendmsg"
_OPTIONS = ("-f", "-ttt", "-y", "-xx", "-s", "100000", "-e", f"trace={_CALLS}")
_LINE = re.compile(
    r"(?P<pid>\d+) +(?P<at>[\d.]+) "
    r"(?:(?P<call>\w+)\((?:\d+<(?P<file>[^>]*)>)?(?P<rest>.*)|<\.\.\. (?P<resumed>\w+) resumed>.*)"
)
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_LAST_LINE = 80
_LOOK_S = 0.02
_UNFINISHED = "<unfinished ...>"


@dataclass(frozen=True)
class Call:
    """One system call: when it began and ended (seconds), on what, with which bytes."""

    name: str
    began_s: float
    ended_s: float
    file: str
    data: bytes


class Strace:
    """A process under strace: started by it, or running and named by its id; with its children."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: Process | None = None
        self._end = signal.SIGTERM

    async def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> Process:
        """Start a program whose parent we are: strace watches from the side (-D)."""
        words = (STRACE, "-D", *_OPTIONS, "-o", str(self._log), *argv)
        self._process = await asyncio.create_subprocess_exec(*words, env=environment, stdout=PIPE)
        return self._process

    async def attach(self, pid: int) -> None:
        """Watch a process that runs, and whatever it starts from now on."""
        words = (STRACE, *_OPTIONS, "-o", str(self._log), "-p", str(pid))
        self._process = await asyncio.create_subprocess_exec(*words, stderr=PIPE)
        self._end = signal.SIGINT
        if self._process.stderr is not None:
            await self._process.stderr.readline()  # "Process ... attached"

    async def end(self) -> list[Call]:
        """End what was started, or only the watching; all calls in the order of their ends."""
        if self._process is not None:
            self._process.send_signal(self._end)
            await self._process.wait()
        text = self._log.read_text()
        while self._end == signal.SIGTERM and "+++ exited" not in text[-_LAST_LINE:]:
            await asyncio.sleep(_LOOK_S)
            text = self._log.read_text()
        return sorted(parse(text), key=lambda call: call.ended_s)


def parse(text: str) -> Iterator[Call]:
    """The calls of a log; one that never ended is left out."""
    begun: dict[tuple[str, str], tuple[float, str, bytes]] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        at_s = float(match["at"])
        if match["resumed"]:
            found = begun.pop((match["pid"], match["resumed"]), None)
            if found is not None:
                yield Call(match["resumed"], found[0], at_s, found[1], found[2])
            continue
        file = _unhex(match["file"] or "").decode(errors="replace")
        data = _unhex(match["rest"])
        if line.endswith(_UNFINISHED):
            begun[match["pid"], match["call"]] = at_s, file, data
        else:
            yield Call(match["call"], at_s, at_s, file, data)


def _unhex(text: str) -> bytes:
    """The bytes that are written as escapes; a name without them as it is."""
    if "\\x" not in text:
        return text.encode()
    return bytes(int(pair, 16) for pair in _HEX.findall(text))
