"""A board gets its key from the real receiver, with losses, cuts and restarts at each step."""

import asyncio
import random

import pytest

from phonehome_wire import registry
from tests.fakes.board import DEVICE
from tests.flow.keys import Books, call, key_files, prove_records, restart, until


async def make_newcomer(receiver, make_board, server, **claim):
    """A board with a claim and no key."""
    body = {"product": "washer", "uses": 1, "devices": [DEVICE.hex()], **claim}
    made = await call(receiver, "POST", "/claims", json=body)
    board = make_board(server)
    folder = board.flow.parent
    (folder / "key").unlink()
    claim_file = folder / "claim"
    claim_file.write_bytes(bytes.fromhex(made["claim"]) + bytes.fromhex(made["secret"]))
    board.settings["claim"] = str(claim_file)
    return board


async def prove_enrolled(board, books):
    """One active key, the same on both sides, and nothing left of the way there."""
    await until(lambda: key_files(board)[0] and key_files(board)[1:] == (b"", False))
    active = key_files(board)[0]
    assert books.keys() == {1: ("active", active[1:])}
    assert (active[0], books.uses()) == (1, 1)


LOSSES = [
    ("/v1/enroll", 0, "request"),
    ("/v1/enroll", 0, "reply"),
    ("/v1/up", 1, "request"),
    ("/v1/up", 1, "reply"),
]


@pytest.mark.parametrize("is_cut", [False, True], ids=["waits", "power-cut"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{loss[0]}-{loss[2]}")
async def test_enrollment_survives_each_loss(installation, front, make_board, loss, is_cut):
    """Whatever is lost, and with the power gone right after it: one key, every record once."""
    board = await make_newcomer(installation.receiver, make_board, front.address)
    front.lose[loss] = 1
    await board.start()
    await front.until(lambda: front.lost[loss])
    if is_cut:
        await restart(board)
    books = Books(installation.receiver)
    await prove_enrolled(board, books)
    await prove_records(board, books)


async def test_everything_lost_once_and_the_receiver_restarted_between(
    installation, front, make_board
):
    """One enrollment in which each message is lost once, and both sides die in the middle."""
    receiver = installation.receiver
    board = await make_newcomer(receiver, make_board, front.address)
    for loss in LOSSES:
        front.lose[loss] = 1
    await board.start()
    for loss in LOSSES:
        await front.until(lambda loss=loss: front.lost[loss])
        await receiver.kill()
        await receiver.start()
        await restart(board)
    books = Books(receiver)
    await prove_enrolled(board, books)
    await prove_records(board, books)


async def test_enrollment_survives_kills_at_random_moments(installation, front, make_board):
    """Kill -9 again and again while it asks, writes and speaks: one key, every record once."""
    receiver = installation.receiver
    board = await make_newcomer(receiver, make_board, front.address)
    books = Books(receiver)
    moments = random.Random(3)
    board.break_flow()
    for loss in LOSSES:
        front.lose[loss] = 2
    while sum(front.lose.values()):
        boots = board_boots(board)
        await board.start()
        await board.event("boot", count=boots + 1)
        await asyncio.sleep(moments.random())  # the moment is the test's, it waits for nothing
        await board.kill()
    await board.start()
    await prove_enrolled(board, books)
    await prove_records(board, books)


def board_boots(board) -> int:
    """How often it told that it booted."""
    return len([e for e in board.events if e["event"] == "boot"])


async def test_faults_from_before_the_key_arrive(installation, front, make_board):
    """A board that waits for approval samples and stores; approved, it delivers everything."""
    receiver = installation.receiver
    board = await make_newcomer(receiver, make_board, front.address, devices=[])
    await board.start()
    refused = await board.event("backoff", phase="refused")
    assert refused["detail"] == "HTTP 403 pending"
    assert refused["wait_ms"] >= 60_000
    board.break_flow()
    await board.event("transition", kind=registry.KIND_CONFIRMED)
    path = f"/enrollments/{DEVICE.hex()}/approve"
    assert (await call(receiver, "POST", path))["state"] == "approved"
    await restart(board)
    books = Books(receiver)
    await prove_enrolled(board, books)
    await board.event("acked", depth=0)
    assert {boot for boot, _ in books.confirmed()} >= {1}


async def test_a_board_on_mqtt_enrolls_over_http(installation, front, make_board):
    """The key comes by the address of the setting, the reports go through the broker."""
    receiver = installation.receiver
    board = await make_newcomer(receiver, make_board, receiver.mqtt)
    board.settings["enroll"] = front.address
    await board.start()
    await board.event("key", state="active")
    books = Books(receiver)
    await prove_enrolled(board, books)
    await prove_records(board, books)
