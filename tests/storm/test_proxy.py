# cpython-only
"""The tormenting proxy does what its script says, and nothing else."""

import asyncio
import contextlib

import pytest

from tests.storm.mischief import CALM, Script
from tests.storm.proxy import TormentingProxy

PATIENCE_S = 10
SILENCE_S = 0.3


class FixedProxy(TormentingProxy):
    """A proxy whose connections meet the scripts of a test, then calm."""

    def __init__(self, port: int, *scripts: Script) -> None:
        super().__init__({"right": port}, seed=1, paces=(1, 1000))
        self._scripts = list(scripts)

    def _next_script(self) -> Script:
        return self._scripts.pop(0) if self._scripts else CALM


@pytest.fixture
async def echo():
    """The port of a server that says again what it hears, in capitals."""

    async def answer(reader, writer):
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(100):
                writer.write(data.upper())
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def talk(proxy: FixedProxy, *words: bytes, is_silent: bool = False) -> list:
    """What comes back for each word: bytes, "reset", or where it is the point "silence"."""
    heard: list = []
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        for word in words:
            writer.write(word)
            try:
                is_last = word == words[-1]
                within_s = SILENCE_S if is_silent and is_last else PATIENCE_S
                heard.append(await asyncio.wait_for(reader.read(100), within_s))
            except TimeoutError:
                heard.append("silence")
    except ConnectionError:
        heard.append("reset")
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return heard


@pytest.mark.parametrize(
    ("kind", "heard"),
    [
        ("none", [b"ONE", b"TWO"]),
        ("drop", ["reset"]),
        ("duplicate", [b"ONE", b"TWOTWO"]),
        ("corrupt", [b"ONE", b"TGO"]),
        ("truncate", [b"ONE", b""]),
        ("reset", [b"ONE", "reset"]),
        ("blackhole up", [b"ONE", "silence"]),
        ("blackhole down", [b"ONE", "silence"]),
        ("garbage", [b"ONE", b"?!"]),
    ],
)
async def test_a_script_is_followed(echo, kind, heard):
    """After the first exchange the mischief of each kind happens to the second."""
    script = Script(kind, after_chunks=2, ends_after=100, garbage=b"?!")
    async with FixedProxy(echo, script) as proxy:
        is_silent = heard[-1] == "silence"
        assert await talk(proxy, b"one", b"two", is_silent=is_silent) == heard
        assert await talk(proxy, b"again") == [b"AGAIN"]
        assert proxy.done == ({} if kind == "none" else {kind: 1})
        assert proxy.connections == 2


async def test_a_delay_is_the_devices_own(echo):
    """Delays are given in the device's seconds, each way; late is not lost."""
    script = Script("delay", after_chunks=0, ends_after=100, span_s=0.1)
    async with FixedProxy(echo, script) as proxy:
        began_at = asyncio.get_running_loop().time()
        assert await talk(proxy, b"one") == [b"ONE"]
        assert asyncio.get_running_loop().time() - began_at >= 0.2


async def test_who_is_away_comes_back(echo):
    """After a refusal nobody listens, until the span is over."""
    async with FixedProxy(echo, Script("refuse", span_s=100)) as proxy:
        assert await talk(proxy, b"one") == ["reset"]
        with pytest.raises(ConnectionRefusedError):
            await talk(proxy, b"one")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(ConnectionRefusedError):
                    assert await talk(proxy, b"one") == [b"ONE"]
                    break
                await asyncio.sleep(0.01)


async def test_in_a_calm_nothing_happens(echo):
    """When the storm is over, new connections are left alone."""
    async with FixedProxy(echo, Script("drop")) as proxy:
        proxy.calm()
        assert await talk(proxy, b"one") == [b"ONE"]
