"""A board and the real receiver change the key, with losses, cuts and restarts at each step."""

import asyncio
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest

from phonehome_wire.downlink import Command, put_command
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import ALG_HMAC_256, seal
from phonehome_wire.keys import down_key
from phonehome_wire.registry import COMMAND_ROTATE_KEY
from tests.fakes.board import DEVICE, KEY
from tests.flow.keys import Books, call, key_files, prove_records, restart, until
from tests.flow.lossy import epoch_of

LONG_MS = 2**40


async def make_rotated(receiver, make_board, server):
    """A registered board that was heard, and the desk's order to rotate its key."""
    body = {"device": DEVICE.hex(), "product": "washer", "key": KEY.hex()}
    await call(receiver, "POST", "/devices", json=body)
    board = make_board(server)
    await board.start()
    await board.event("acked")
    await call(receiver, "POST", f"/devices/{DEVICE.hex()}/rotate-key")
    return board, Books(receiver)


def command(books, cseq=1) -> bytes:
    """Command 6 for the newest boot, signed with the old key."""
    wanted = books.rotation()
    inc, boot = books.session()
    order = Command(bytes.fromhex(inc), boot, 0, cseq, LONG_MS, COMMAND_ROTATE_KEY, wanted.args)
    enc = Encoder(bytearray(1024))
    put_command(enc, order)
    kid = DEVICE + b"\x01"
    start, end = seal(enc.buf, enc.pos, down_key(KEY, DEVICE), kid, ALG_HMAC_256)
    return bytes(enc.buf[start:end])


async def deliver(board):
    """Something to say brings the device to the receiver, which tells it the next key."""
    (board.mend_flow if board.flow.read_text() == "2.0" else board.break_flow)()
    await board.event("key", state="written")


async def prove_rotated(board, books):
    """The new key is active on both sides, the old one in its grace and not on flash any more."""
    await until(lambda: key_files(board)[0][:1] == b"\x02" and not key_files(board)[1])
    active = key_files(board)[0]
    assert books.states() == {1: "grace", 2: "active"}
    assert books.keys()[2][1] == active[1:]


ROTATION_LOSSES = [("/v1/up", 2, "request"), ("/v1/up", 2, "reply")]


@pytest.mark.parametrize("is_cut", [False, True], ids=["waits", "power-cut"])
@pytest.mark.parametrize("loss", ROTATION_LOSSES, ids=lambda loss: loss[2])
async def test_rotation_survives_each_loss(installation, front, make_board, loss, is_cut):
    """A lost hello or a lost ack under the new key, and the power gone right after it."""
    board, books = await make_rotated(installation.receiver, make_board, front.address)
    front.lose[loss] = 2
    await deliver(board)
    await front.until(lambda: front.lost[loss])
    if is_cut:
        await restart(board)
    await prove_rotated(board, books)
    await prove_records(board, books)


async def test_power_cut_after_the_next_key_was_written(installation, front, make_board):
    """The boot after it says hello under the new key, also to a receiver that started anew."""
    receiver = installation.receiver
    board, books = await make_rotated(receiver, make_board, front.address)
    await deliver(board)
    await board.kill()
    await receiver.kill()
    await receiver.start()
    await board.start()
    await prove_rotated(board, books)
    await prove_records(board, books)


class Listener:
    """Who hears the device's presence through the broker."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self.epochs: list[int | None] = []
        self._topic = f"ph1/{DEVICE.hex()}"
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "listener")
        self._client.on_connect = lambda client, *_: client.subscribe(f"{self._topic}/st", 1)
        self._client.on_message = lambda _c, _d, m: self.epochs.append(epoch_of(m.payload))
        self._client.connect(where.hostname, where.port)
        self._client.loop_start()

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()


async def test_rotation_over_mqtt_renews_the_last_will(installation, make_board):
    """Command and acks come through the broker; presence is signed with the new key after it."""
    receiver = installation.receiver
    board, books = await make_rotated(receiver, make_board, receiver.mqtt)
    listener = Listener(receiver.mqtt)
    try:
        await board.event("key", state="active")
        await board.event("link", is_up=True, count=2)
        await prove_rotated(board, books)
        await prove_records(board, books)
        await until(lambda: listener.epochs[-1:] == [2])
        heard = len(listener.epochs)
        await board.kill()
        await until(lambda: len(listener.epochs) > heard)
        assert listener.epochs[-1] == 2, "the last will"
    finally:
        await asyncio.to_thread(listener.close)


@pytest.mark.parametrize("what", ["request", "reply"])
async def test_a_lost_command_is_given_again(installation, front, make_board, what):
    """The question for it or the command itself is lost, the desk asks twice: one next key."""
    receiver = installation.receiver
    board, books = await make_rotated(receiver, make_board, front.address)
    first = books.rotation()
    await call(receiver, "POST", f"/devices/{DEVICE.hex()}/rotate-key")
    assert books.rotation() == first
    front.lose["/v1/up", 1, what] = 2
    await deliver(board)
    assert front.lost["/v1/up", 1, what] == 2
    await prove_rotated(board, books)
    await prove_records(board, books)


async def test_a_receiver_that_lost_the_next_key_gets_the_old_one(installation, front, make_board):
    """Three refusals and the device speaks as before; offered anew, it changes then."""
    receiver = installation.receiver
    board, books = await make_rotated(receiver, make_board, front.address)
    front.slip = [command(books)]
    books.lose_key(2)
    board.break_flow()
    await board.event("key", state="returned")
    assert front.passed["/v1/up", 2, 401] == 3
    assert key_files(board)[:2] == (b"\x01" + KEY, b"")
    await call(receiver, "POST", f"/devices/{DEVICE.hex()}/rotate-key")
    await restart(board)  # the number of the command that was slipped in counts for that boot
    await deliver(board)
    await prove_rotated(board, books)
    await prove_records(board, books)
