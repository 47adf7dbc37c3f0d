# cpython-only
"""A certificate that is not valid yet: the time is asked for, and TLS stays verified.

The interpreter for computers checks dates against the host's clock, which a test cannot move: what
moves a board's clock is proven in tests/pico.
"""

import asyncio
import json
import time

import pytest

from tests.fakes.authority import FakeAuthority
from tests.fakes.board import DEVICE


@pytest.fixture
async def tomorrow(serve, make_board, tmp_path):
    """A board, its receiver behind a certificate of tomorrow, and the one that tells the time."""
    authority = FakeAuthority(tmp_path)
    hidden = await serve(authority.server_context("localhost", days=2, lasts=1))
    plain = await serve()
    board = make_board(f"https://localhost:{hidden.port}")
    board.settings.update(insecure=False, ca=str(authority.ca_der))
    board.settings["time"] = f"http://127.0.0.1:{plain.port}"
    return board, hidden.receiver, plain.receiver


async def test_the_time_is_asked_for_once_a_boot(tomorrow):
    """The signed answer is believed; when TLS fails after it, it is not the clock's fault."""
    board, hidden, plain = tomorrow
    await board.start()
    assert (await board.event("time"))["is_moved"] is True
    await board.event("backoff", count=2, phase="tls")
    assert len(plain.asked) == 1
    assert f"&d={DEVICE.hex()}&k=1" in plain.asked[0]
    assert (hidden.reports, plain.reports) == ([], [])


@pytest.mark.parametrize("wrong", ["forged", "short", "replayed", "garbage"])
async def test_nothing_else_moves_the_clock(tomorrow, wrong):
    """Another key, the short MAC, an old answer, noise: asked again with a new nonce."""
    board, hidden, plain = tomorrow
    plain.times = wrong
    await board.start()
    for count in (1, 2):
        assert (await board.event("time", count=count))["is_moved"] is False
        await board.event("backoff", count=count, phase="tls")
    assert len({query[:18] for query in plain.asked}) == 2
    assert hidden.reports == []


async def test_a_stranger_stays_a_stranger(serve, make_board, tmp_path):
    """A certificate of another authority is refused, whatever time it is."""
    authority, stranger = FakeAuthority(tmp_path), FakeAuthority(tmp_path, "somebody else")
    served = await serve(stranger.server_context("localhost"))
    board = make_board(f"https://localhost:{served.port}")
    board.settings.update(insecure=False, ca=str(authority.ca_der), time="http://127.0.0.1:1")
    await board.start()
    assert (await board.event("time"))["is_moved"] is False
    await board.event("backoff", phase="tls")
    assert served.receiver.reports == []


class TimeServer(asyncio.DatagramProtocol):
    """A server of time; `wrong` is how its answers are."""

    def __init__(self) -> None:
        self.wrong, self.asked, self.shift_s = "", [], 0

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, question: bytes, peer) -> None:
        self.asked.append(question)
        nonce = bytes(8) if self.wrong == "nonce" else question[40:48]
        stratum = 0 if self.wrong == "stratum" else 2
        first = {"alarm": 0xE4, "mode": 0x23}.get(self.wrong, 0x24)
        seconds = (int(time.time() + self.shift_s) + 2208988800) % 2**32
        stamp = seconds.to_bytes(4, "big") + bytes(4)
        answer = bytes((first, stratum)) + bytes(22) + nonce + stamp + stamp
        self.transport.sendto(answer[:20] if self.wrong == "short" else answer, peer)


@pytest.fixture
async def time_server():
    """A server of time on a free port."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        TimeServer, local_addr=("127.0.0.1", 0)
    )
    server.port = transport.get_extra_info("sockname")[1]
    yield server
    transport.close()


async def test_a_server_of_time_is_the_last_resort(tomorrow, time_server):
    """Asked when the receiver's signed time did not come, and then TLS is tried once more."""
    board, _, plain = tomorrow
    plain.times = "forged"
    board.settings["ntp"] = f"127.0.0.1:{time_server.port}"
    await board.start()
    heard = await board.event("time")
    assert (heard["is_moved"], heard["is_guess"]) == (True, True)
    await board.event("backoff", phase="tls")
    assert (len(plain.asked), len(time_server.asked)) == (1, 1)
    assert len(time_server.asked[0]) == 48
    await board.event("time", count=2)
    assert len({question[40:48] for question in time_server.asked}) == 2


async def test_a_signed_time_needs_no_other(tomorrow, time_server):
    """Who has the receiver's word asks nobody else."""
    board, _, _ = tomorrow
    board.settings["ntp"] = f"127.0.0.1:{time_server.port}"
    await board.start()
    assert (await board.event("time"))["is_guess"] is False
    await board.event("backoff", count=2, phase="tls")
    assert time_server.asked == []


@pytest.mark.parametrize("wrong", ["nonce", "stratum", "alarm", "mode", "short"])
async def test_what_is_no_answer_moves_nothing(tomorrow, time_server, wrong):
    """Another question's answer, one of a server that knows no time, and noise."""
    board, _, plain = tomorrow
    plain.times, time_server.wrong = "forged", wrong
    board.settings["ntp"] = f"127.0.0.1:{time_server.port}"
    await board.start()
    assert (await board.event("time"))["is_moved"] is False
    assert len(time_server.asked) == 1


GUESS = """
import asyncio, json, os, sys
from phonehome.contacting import guess_time

class Config:
    ca, ntp = "", ("127.0.0.1", int(sys.argv[1]))

class Clock:
    floor_ms = int(sys.argv[2])

class Board:
    random_bytes = os.urandom
    def set_clock(self, unix_ms, is_sure):
        print(json.dumps([unix_ms, is_sure]))

asyncio.run(guess_time(Config, (None, None), Clock, Board()))
"""
DAY_S = 86_400


@pytest.mark.parametrize("shift_s", [-40 * 365 * DAY_S, -DAY_S, DAY_S, 12 * 365 * DAY_S])
async def test_a_guess_is_never_behind_what_is_known(
    micropython, micropython_environment, tmp_path, time_server, shift_s
):
    """A server of yesterday leaves the clock at the floor; one of 2038 is in the next era."""
    (tmp_path / "guess.py").write_text(GUESS)
    floor_ms, time_server.shift_s = int(time.time()) * 1000, shift_s
    process = await asyncio.create_subprocess_exec(
        *(micropython, tmp_path / "guess.py", str(time_server.port), str(floor_ms)),
        env=micropython_environment,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    unix_ms, is_sure = json.loads(said)
    assert is_sure
    assert abs(unix_ms - floor_ms - max(shift_s, 0) * 1000) < 30_000
    assert unix_ms >= floor_ms
