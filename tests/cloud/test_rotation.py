"""A device gets its next key: made once, told again as often as needed, and the old one ends."""

import pytest

from phonehome_cloud.core.enrolling import REPEAT_MS
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import claims, enrollments, keys, schema
from phonehome_cloud.store.rotation import (
    OFFER_PAUSE_MS,
    find_rotation,
    issue_rotation,
    order_rotation,
)
from phonehome_cloud.web.parts import VAULT
from phonehome_wire.downlink import Ack
from phonehome_wire.enrollment import EnrollRequest
from phonehome_wire.rekeying import rotated_key
from tests.cloud.running import running
from tests.cloud.voice import Voice
from tests.fakes.appliance import Appliance, heartbeat
from tests.fakes.store import StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")


class Rotated(Appliance):
    """The same appliance with the key that it derived."""

    def __init__(self, before, rotation):
        super().__init__(epoch=rotation.epoch)
        self.key = rotated_key(before.key, self.dev, rotation.epoch, rotation.args[1])


@pytest.fixture
def receiver(tmp_path):
    """A receiver with an empty database."""
    made = StoreReceiver(tmp_path)
    yield made
    made.close()


async def issue(receiver, device):
    """The rotation of a device."""
    now_at = receiver.clock()
    return await receiver.database.write(issue_rotation, receiver.vault, device, now_at)


async def find(receiver, device, epoch):
    """What a device that speaks under an epoch is to be told."""
    return await receiver.database.read(find_rotation, receiver.vault, device, epoch)


async def states(receiver, device):
    """The keys of a device."""
    return await receiver.database.read(keys.states, device)


async def test_a_rotation_is_made_once(receiver):
    """Asked again it has the same epoch and salt; what the device derives is what is stored."""
    washer = Appliance()
    await receiver.register(washer)
    first, again = await issue(receiver, washer.device), await issue(receiver, washer.device)
    assert first == again
    assert (first.epoch, len(first.args[1])) == (2, 32)
    assert first.args[1].hex() not in repr(first)
    stored = await receiver.database.read(keys.read_key, receiver.vault, washer.device, 2)
    assert stored == Rotated(washer, first).key
    assert await states(receiver, washer.device) == {1: "active", 2: "next"}


async def test_the_first_message_under_the_next_key_activates_it(receiver):
    """With the commit that stores the message; the old key is valid for 30 days more."""
    washer = Appliance()
    await receiver.register(washer)
    second = Rotated(washer, await issue(receiver, washer.device))
    assert (await receiver.accept(washer.message([heartbeat(0)]))).status == 200
    assert await states(receiver, washer.device) == {1: "active", 2: "next"}
    assert (await receiver.accept(second.message([heartbeat(1)]))).status == 200
    assert await states(receiver, washer.device) == {1: "grace", 2: "active"}
    receiver.clock.advance(keys.GRACE_MS)
    assert (await receiver.accept(washer.message([heartbeat(2)]))).status == 200
    receiver.clock.advance(60_001)
    assert (await receiver.accept(washer.message([heartbeat(3)]))).status == 401
    assert (await receiver.accept(second.message([heartbeat(3)]))).status == 200


async def test_answers_are_signed_with_the_key_of_the_question(receiver):
    """During the change a device is answered under whichever epoch it speaks."""
    washer = Appliance()
    await receiver.register(washer)
    second = Rotated(washer, await issue(receiver, washer.device))
    for number, speaker in enumerate((second, washer, second)):
        reply = await receiver.accept(speaker.message([heartbeat(number)], now_ms=100 + number))
        assert speaker.hears(reply.body).stored


async def test_whoever_missed_the_command_is_told_again(receiver):
    """Under the old key, before and after the new one was used; under the new one never."""
    washer = Appliance()
    await receiver.register(washer)
    assert await find(receiver, washer.device, 1) is None
    rotation = await issue(receiver, washer.device)
    assert await find(receiver, washer.device, 1) == rotation
    assert await find(receiver, washer.device, 2) is None
    await receiver.accept(Rotated(washer, rotation).message([heartbeat(0)]))
    assert await find(receiver, washer.device, 1) == rotation
    assert await find(receiver, washer.device, 2) is None


async def commands_of(receiver, device):
    """The commands to rotate that a device was given, as rows."""
    rows = await receiver.rows(schema.command, schema.command.c.number)
    return [row for row in rows if (row.device, row.code) == (device, 6)]


async def order(receiver, device):
    """What the desk asks for."""
    now_at = receiver.clock()
    return await receiver.database.write(order_rotation, receiver.vault, device, "anna", now_at)


async def test_the_device_is_told_with_its_next_poll(receiver):
    """The command carries epoch and salt to who speaks under the old key, and to nobody else."""
    washer = Appliance()
    await receiver.register(washer)
    rotation = await order(receiver, washer.device)
    assert await order(receiver, washer.device) == rotation
    assert [row.args for row in await commands_of(receiver, washer.device)] == [None]
    receiver.commanding.note(washer.device)
    told = washer.hears((await receiver.accept(washer.message())).body)
    assert (told.code, told.args) == (6, rotation.args)
    second = Rotated(washer, rotation)
    receiver.commanding.note(washer.device)
    heard = second.hears((await receiver.accept(second.message(now_ms=70_000))).body)
    assert isinstance(heard, Ack)


async def test_a_device_that_went_back_is_told_again_once_a_day(receiver):
    """Under the key in its grace it is offered the next one, with the same salt."""
    washer = Appliance()
    await receiver.register(washer)
    rotation = await order(receiver, washer.device)
    second = Rotated(washer, rotation)
    await receiver.accept(second.message([heartbeat(0)]))
    await receiver.database.write(
        lambda c: c.execute(schema.command.update().values(ended_at=receiver.clock()))
    )
    receiver.keys.forget(washer.device)
    for seq, given in ((1, 1), (2, 1)):
        await receiver.accept(washer.message([heartbeat(seq)], now_ms=60_000 + seq))
        assert len(await commands_of(receiver, washer.device)) == given
    receiver.clock.advance(OFFER_PAUSE_MS + 1)
    for seq in (3, 4):
        await receiver.accept(washer.message([heartbeat(seq)], now_ms=60_000 + seq))
    again = await commands_of(receiver, washer.device)
    assert [row.who for row in again] == ["anna", "keys"]
    assert (await find(receiver, washer.device, 1)) == rotation


async def test_salts_are_sealed(receiver):
    """A stolen database does not tell what the next key is derived with."""
    washer = Appliance()
    await receiver.register(washer)
    rotation = await issue(receiver, washer.device)
    stored = b"".join(path.read_bytes() for path in receiver.path.parent.glob("phonehome.db*"))
    assert rotation.args[1] not in stored


async def test_what_cannot_be_rotated_is_a_conflict(receiver):
    """No key, the last epoch, or a key that a claim brings."""
    last = Appliance(number=2, epoch=255)
    await receiver.register(last)
    unproven = Appliance(number=3)
    await receiver.register(unproven, state=keys.NEXT)
    for device, why in ((last.device, "255"), (unproven.device, "no active key")):
        with pytest.raises(ConflictError, match=why):
            await issue(receiver, device)


async def test_rotation_over_the_api(tmp_path):
    """202 with the epoch, the same again; 404 for strangers, 409 after revocation; no salt."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}/rotate-key"
        made = await receiver.api("POST", path, 202)
        listed = await receiver.api("GET", f"/devices/{voice.device}/commands")
        assert [(c["name"], c["args"]) for c in listed["items"]] == [("rotate_key", {})]
        assert (made["device"], made["epoch"]) == (voice.device, 2)
        assert await receiver.api("POST", path, 202) == made
        assert set(made) == {"device", "epoch", "created_at"}
        await receiver.api("POST", "/devices/0000000000000000/rotate-key", 404)
        await receiver.api("POST", f"/devices/{voice.device}/revoke")
        await receiver.api("POST", path, 409)


async def test_revoking_ends_the_next_key_too(tmp_path):
    """Neither the key in use nor the one that was made counts any more."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        await receiver.api("POST", f"/devices/{voice.device}/rotate-key", 202)
        vault = receiver.app[VAULT]
        key = await receiver.database.read(keys.read_key, vault, voice.device, 2)
        second = Voice(voice.device, key, 2)
        second.inc = voice.inc
        await receiver.api("POST", f"/devices/{voice.device}/revoke")
        assert (await receiver.up(second.report()))[0] == 401
        assert (await receiver.up(voice.report()))[0] == 401


async def test_a_day_later_the_same_nonce_is_a_new_question(receiver):
    """A key that was never used is replaced then, and the claim is counted once."""
    now_at = receiver.clock()
    row = {
        "product": "washer",
        "label": "",
        "devices": ["00" * 8],
        "max_uses": 1,
        "created_at": now_at,
        "created_by": "test",
        "expires_at": now_at + 2 * REPEAT_MS,
    }
    name, _ = await receiver.database.write(claims.add, receiver.vault, row)
    request = EnrollRequest(bytes(8), bytes(16), "bench", b"bild")

    async def ask():
        now_at = receiver.clock()
        return await receiver.database.write(
            enrollments.decide, receiver.vault, name, request, now_at
        )

    first = await ask()
    receiver.clock.advance(REPEAT_MS - 1)
    assert (await ask()).key == first.key
    receiver.clock.advance(1)
    later = await ask()
    assert (later.reason, later.epoch) == ("issued", 1)
    assert later.key != first.key
    receiver.clock.advance(REPEAT_MS + 1)
    assert (await ask()).reason == "expired"
