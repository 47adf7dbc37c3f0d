# cpython-only
"""A certificate that is not valid yet: the time is asked for, and TLS stays verified.

The interpreter for computers checks dates against the host's clock, which a test cannot move: what
moves a board's clock is proven in tests/pico.
"""

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
