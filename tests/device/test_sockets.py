# cpython-only
"""Sockets of the agent under MicroPython: none is left to the collector."""

import asyncio
import contextlib
import json
import socket

import pytest

MAIN = """
import asyncio, gc, json, os, sys
from phonehome.core.errors import LinkError
from phonehome.ports.stream import Stream

async def main():
    gc.disable()  # what is open afterwards was not closed
    stream = Stream("127.0.0.1", int(sys.argv[1]))
    counts, phases = [len(os.listdir("/proc/self/fd"))], []
    for wait_s in (0.2, 20):
        try:
            await asyncio.wait_for(stream.open(), wait_s)
        except LinkError as error:
            phases.append(error.phase)
        except asyncio.TimeoutError:
            phases.append("cancelled")
            stream.close()
        counts.append(len(os.listdir("/proc/self/fd")))
    print(json.dumps([counts, phases]))

asyncio.run(main())
"""


@pytest.fixture
def swallowing_port():
    """A port that answers no connection any more: its queue is full, and nobody takes one."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def test_a_connect_that_is_late_leaves_no_socket(
    micropython, micropython_environment, tmp_path, swallowing_port
):
    """Neither its own deadline nor a cancelled wait leaves one behind."""
    main = tmp_path / "main.py"
    main.write_text(MAIN)
    process = await asyncio.create_subprocess_exec(
        *(micropython, main, str(swallowing_port)),
        env=micropython_environment,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    counts, phases = json.loads(said)
    assert phases == ["cancelled", "connect"]
    assert len(set(counts)) == 1, counts
