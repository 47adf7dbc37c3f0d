# cpython-only
"""TLS under MicroPython: only the private CA is believed, for the right name, while valid."""

from pathlib import Path

import pytest

from phonehome_wire import registry
from tests.fakes.authority import FakeAuthority


@pytest.fixture
def authority(tmp_path):
    """The CA that the device trusts."""
    return FakeAuthority(tmp_path)


def make_secure(make_board, served, authority, host="localhost"):
    """A board that verifies with the CA of the test."""
    board = make_board(f"https://{host}:{served.port}")
    board.settings.update(insecure=False, ca=str(authority.ca_der))
    return board


def count_files(pid):
    """How many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def test_a_fault_travels_over_tls(serve, make_board, authority):
    """With the right CA and name, reports and acks go through TLS on one connection."""
    served = await serve(authority.server_context("localhost"))
    board = make_secure(make_board, served, authority)
    await board.start()
    await board.event("acked")
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)
    await board.event("acked", depth=0, count=2)
    assert served.receiver.records(registry.RTYPE_FAULT)
    assert len([e for e in board.events if e["event"] == "link"]) == 1


@pytest.mark.parametrize("case", ["other CA", "other name", "expired"])
async def test_nobody_else_is_believed(serve, make_board, authority, tmp_path, case):
    """A server with a certificate of another CA, for another name or out of date gets nothing."""
    issuer = FakeAuthority(tmp_path, "somebody else") if case == "other CA" else authority
    host = "elsewhere.example" if case == "other name" else "localhost"
    served = await serve(issuer.server_context(host, -1 if case == "expired" else 30))
    board = make_secure(make_board, served, authority)
    await board.start()
    await board.event("backoff", phase="tls")
    assert served.receiver.reports == []


async def test_a_failed_handshake_leaves_nothing_open(serve, make_board, authority, tmp_path):
    """Sockets whose handshake failed are closed: a board has a handful of them."""
    issuer = FakeAuthority(tmp_path, "somebody else")
    served = await serve(issuer.server_context("localhost"))
    board = make_secure(make_board, served, authority)
    await board.start()
    files = []
    for count in (1, 2, 3):
        await board.event("backoff", phase="tls", count=count)
        files.append(count_files(board.process.pid))
    assert len(set(files)) == 1


async def test_insecure_is_what_it_says(serve, make_board, authority):
    """Without a CA the device sends only when a setting named insecure says so."""
    served = await serve(authority.server_context("localhost"))
    board = make_board(f"https://localhost:{served.port}")
    await board.start()
    await board.event("acked")
    await board.kill()
    board.settings["insecure"] = False
    await board.start()
    await board.process.wait()
    await board.kill()
    assert any('"insecure": true' in e.get("line", "") for e in board.events)


async def test_a_ca_must_be_der(make_board, authority):
    """A PEM file as CA is refused at the start, with the way to convert it."""
    board = make_board("https://localhost:1")
    board.settings.update(insecure=False, ca=str(authority.ca_pem))
    await board.start()
    await board.process.wait()
    await board.kill()
    text = " ".join(e.get("line", "") for e in board.events)
    assert "'ca'" in text and "outform der" in text
