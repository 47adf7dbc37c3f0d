"""What devices talk to: every status that the wire promises, with real sockets."""

import asyncio
import socket

import pytest

from phonehome_wire.downlink import Ack, TimeReply
from phonehome_wire.limits import MAX_MESSAGE_BYTES
from tests.cloud.running import CONTENT_TYPE, running
from tests.cloud.voice import Voice

pytestmark = pytest.mark.usefixtures("each_database")


async def test_a_report_is_answered_with_the_signed_ack_of_its_records(tmp_path):
    """200 carries an ack that names exactly the records sent, and the device can verify it."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        message = voice.report(voice.heartbeat(), voice.fault(520193, 7))
        status, body, headers = await receiver.up(message)
        assert (status, headers["Content-Type"]) == (200, CONTENT_TYPE)
        ack = voice.hear(body)
        assert isinstance(ack, Ack)
        assert ack.stored == [(1, 0, 1)]
        assert (ack.inc, ack.boot, ack.echo_ms) == (voice.inc, 1, voice.now_ms)


async def test_what_was_acknowledged_is_in_the_database(tmp_path):
    """A second receiver on the same file finds the report of the first."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        await receiver.up(voice.report(voice.heartbeat()))
    async with running(tmp_path) as receiver:
        page = await receiver.api("GET", f"/devices/{voice.device}/reports")
        assert [(r["boot"], r["transport"]) for r in page["items"]] == [(1, "http")]


async def test_a_report_sent_twice_is_acknowledged_twice_and_stored_once(tmp_path):
    """A lost answer costs a repetition, never a second record."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        message = voice.report(voice.heartbeat())
        first = await receiver.up(message)
        again = await receiver.up(message)
        assert voice.hear(first[1]).stored == voice.hear(again[1]).stored == [(1, 0, 0)]
        page = await receiver.api("GET", f"/devices/{voice.device}/reports")
        assert len(page["items"]) == 1


async def test_an_answer_to_a_board_has_no_headers_for_browsers(tmp_path):
    """Server and Date cost 60 bytes that no board reads."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        _, _, headers = await receiver.up(voice.report())
        assert set(headers) == {"Content-Type", "Content-Length"}


async def test_an_unknown_key_and_a_wrong_mac_are_401(tmp_path):
    """Neither says more than that the message is not authentic."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        stranger = Voice()
        assert (await receiver.up(stranger.report()))[0] == 401
        bent = bytearray(voice.report())
        bent[-1] ^= 1
        assert (await receiver.up(bytes(bent)))[0] == 401
        assert (await receiver.up(b"hello"))[0] == 401
        assert (await receiver.up(b""))[0] == 401


async def test_a_revoked_device_is_401_at_once(tmp_path):
    """Revoking counts for the next message, whatever was cached."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        assert (await receiver.up(voice.report()))[0] == 200
        await receiver.api("POST", f"/devices/{voice.device}/revoke")
        assert (await receiver.up(voice.report()))[0] == 401


async def test_a_device_that_knocked_before_it_was_registered_is_let_in_after(tmp_path):
    """The memory of unknown keys does not outlive the registration."""
    async with running(tmp_path) as receiver:
        voice = Voice()
        assert (await receiver.up(voice.report()))[0] == 401
        body = {"device": voice.device, "product": "washer", "key": voice.key.hex()}
        await receiver.api("POST", "/devices", 201, json=body)
        assert (await receiver.up(voice.report()))[0] == 200


async def test_an_authentic_message_that_breaks_the_schema_is_422(tmp_path):
    """Nonsense under a good signature is refused, not answered with an error of ours."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        for payload in (b"\xa0", b"\xff", b"\xa1\x00\x01", b"\x80", b"\xa1\x00\xf9\x00\x00"):
            assert (await receiver.up(voice.sealed(payload)))[0] == 422


async def test_an_oversized_body_is_413_and_the_connection_ends(tmp_path):
    """One byte past the cap is read, no more, announced or not."""
    async with running(tmp_path) as receiver:
        status, _, headers = await receiver.up(bytes(MAX_MESSAGE_BYTES + 1))
        assert (status, headers["Connection"]) == (413, "close")

        async def endless():
            for _ in range(64):
                yield bytes(1024)

        status, _, _ = await receiver.up(endless())
        assert status == 413
        assert (await receiver.up(bytes(MAX_MESSAGE_BYTES)))[0] == 401


async def test_a_wrong_content_type_is_415(tmp_path):
    """Only COSE is read; a compressed body is no COSE."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        for wrong in ("application/json", "text/plain", 'application/cose; cose-type="x"'):
            assert (await receiver.up(voice.report(), wrong))[0] == 415
        for right in ("application/cose", "application/cose;cose-type=cose-mac0", CONTENT_TYPE):
            assert (await receiver.up(voice.report(), right))[0] == 200
        headers = {"Content-Type": CONTENT_TYPE, "Content-Encoding": "deflate"}
        url = receiver.url + "/v1/up"
        async with receiver.session.post(url, data=b"x", headers=headers) as answer:
            assert answer.status == 415


async def test_too_many_messages_from_one_address_are_429_with_the_wait(tmp_path):
    """The bucket of the address is emptied, and the answer says when it has filled."""
    more = {"INTAKE_ADDRESS_PER_S": "0.01", "INTAKE_ADDRESS_BURST": "2"}
    async with running(tmp_path, **more) as receiver:
        voice = await receiver.register()
        statuses = [(await receiver.up(voice.report()))[0] for _ in range(3)]
        assert statuses == [200, 200, 429]
        _, _, headers = await receiver.up(voice.report())
        assert 1 <= int(headers["Retry-After"]) <= 100


async def test_the_time_is_signed_for_the_device_that_asks(tmp_path):
    """The reply echoes the nonce under the long MAC of the device's down key."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        url = f"{receiver.url}/v1/time?d={voice.device}&n=00112233445566ff"
        async with receiver.session.get(url) as answer:
            reply = voice.hear(await answer.read())
            assert answer.status == 200
        assert isinstance(reply, TimeReply)
        assert reply.nonce == bytes.fromhex("00112233445566ff")
        assert reply.server_ms > 1_700_000_000_000


async def test_asking_for_the_time_is_counted_like_a_report(tmp_path):
    """Nobody gets more signatures out of the receiver than its address may have."""
    more = {"INTAKE_ADDRESS_PER_S": "0.01", "INTAKE_ADDRESS_BURST": "2"}
    async with running(tmp_path, **more) as receiver:
        voice = await receiver.register()
        url = f"{receiver.url}/v1/time?d={voice.device}&n=00112233445566ff"
        statuses = []
        for _ in range(3):
            async with receiver.session.get(url) as answer:
                statuses.append(answer.status)
        assert statuses == [200, 200, 429]
        assert int(answer.headers["Retry-After"]) >= 1


async def test_the_time_is_not_for_strangers(tmp_path):
    """An unknown device gets 404, a malformed question 400."""
    async with running(tmp_path) as receiver:
        for query, expect in (
            ("d=0123456789abcdef&n=00112233445566ff", 404),
            ("d=0123456789ABCDEF&n=00112233445566ff", 400),
            ("d=0123456789abcdef&n=0011", 400),
            ("", 400),
        ):
            async with receiver.session.get(f"{receiver.url}/v1/time?{query}") as answer:
                assert answer.status == expect, query


async def test_small_answers_leave_at_once(tmp_path):
    """Nagle's algorithm is off on every accepted connection."""
    async with running(tmp_path) as receiver:
        await receiver.up(b"x")
        (connection,) = receiver.site._runner.server.connections
        sock = connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_many_devices_at_once_are_all_stored(tmp_path):
    """Reports that share commits are each answered with their own records."""
    async with running(tmp_path) as receiver:
        voices = [await receiver.register() for _ in range(5)]
        messages = [(v, v.report(v.heartbeat())) for v in voices for _ in range(10)]
        answers = await asyncio.gather(*(receiver.up(message) for _, message in messages))
        stored = [
            v.hear(body).stored for (v, _), (_, body, _) in zip(messages, answers, strict=True)
        ]
        assert sorted(ack[0][1] for ack in stored) == sorted(list(range(10)) * 5)
