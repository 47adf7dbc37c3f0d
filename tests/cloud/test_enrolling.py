"""New boards get keys with a claim: over real sockets, every refusal and every lost reply."""

import asyncio
import secrets

import pytest

from phonehome_wire.downlink import open_downlink
from phonehome_wire.envelope import make_kid
from phonehome_wire.keys import down_key
from phonehome_wire.limits import MAX_MESSAGE_BYTES
from tests.cloud.newcomer import Newcomer, make_claim, post
from tests.cloud.running import running
from tests.cloud.voice import Voice

pytestmark = pytest.mark.usefixtures("each_database")


async def used(receiver, claim):
    """How often a claim was used."""
    return (await receiver.api("GET", f"/claims/{claim['claim']}"))["used"]


async def state_of(receiver, board):
    """What became of a board's question."""
    page = await receiver.api("GET", "/enrollments")
    return {item["device"]: item["state"] for item in page["items"]}.get(board.device)


async def test_a_listed_device_gets_its_key_and_speaks(tmp_path):
    """The first report under the key activates it and burns one use; the second burns none."""
    async with running(tmp_path) as receiver:
        device = secrets.token_hex(8)
        claim = await make_claim(receiver, devices=[device], label="Batch 7")
        board = Newcomer(claim, device)
        voice = await board.enroll(receiver)
        assert (await used(receiver, claim), await state_of(receiver, board)) == (0, "issued")
        for _ in range(2):
            status, body, _ = await receiver.up(voice.report(voice.heartbeat()))
            assert status == 200
            assert voice.hear(body).stored
        assert (await used(receiver, claim), await state_of(receiver, board)) == (1, "active")
        found = await receiver.api("GET", f"/devices/{device}")
        assert (found["product"], found["label"]) == ("washer", "Batch 7")


async def test_a_lost_reply_is_given_again(tmp_path):
    """The same nonce earns the same key, before and after a restart, and once it is in use."""
    async with running(tmp_path) as receiver:
        device = secrets.token_hex(8)
        claim = await make_claim(receiver, devices=[device], uses=1)
        board = Newcomer(claim, device)
        first = (await board.enroll(receiver)).key
        assert (await board.enroll(receiver)).key == first
    async with running(tmp_path) as receiver:
        voice = await board.enroll(receiver)
        assert voice.key == first
        assert (await receiver.up(voice.report(voice.heartbeat())))[0] == 200
        assert (await board.enroll(receiver)).key == first
        assert await used(receiver, claim) == 1


async def test_a_board_that_lost_its_flash_before_it_spoke_gets_another_key(tmp_path):
    """A listed device with a new nonce: the key nobody used is replaced, the claim used once."""
    async with running(tmp_path) as receiver:
        device = secrets.token_hex(8)
        claim = await make_claim(receiver, devices=[device], uses=1)
        board = Newcomer(claim, device)
        lost = await board.enroll(receiver)
        board.nonce = secrets.token_bytes(16)
        voice = await board.enroll(receiver)
        assert voice.key != lost.key
        assert (await receiver.up(lost.report()))[0] == 401
        assert (await receiver.up(voice.report()))[0] == 200
        assert await used(receiver, claim) == 1


async def test_others_wait_for_somebody_who_approves(tmp_path):
    """A device that is not on the list is told to come back until a person has decided."""
    async with running(tmp_path) as receiver:
        board = Newcomer(await make_claim(receiver))
        for _ in range(2):
            status, reason, headers = await board.ask(receiver)
            assert (status, reason, headers["Retry-After"]) == (403, "pending", "60")
        page = await receiver.api("GET", "/enrollments?state=pending")
        assert [item["device"] for item in page["items"]] == [board.device]
        path = f"/enrollments/{board.device}"
        assert (await receiver.api("POST", path + "/deny"))["state"] == "denied"
        assert (await board.ask(receiver))[:2] == (403, "denied")
        settled = await receiver.api("POST", path + "/approve")
        assert (settled["state"], settled["decided_by"]) == ("approved", "token:configured")
        voice = await board.enroll(receiver)
        assert (await receiver.up(voice.report()))[0] == 200
        await receiver.api("POST", path + "/deny", 409)


async def test_an_approval_is_for_the_board_that_asked(tmp_path):
    """Whoever comes under that name with another nonce waits anew."""
    async with running(tmp_path) as receiver:
        board = Newcomer(await make_claim(receiver))
        await board.ask(receiver)
        await receiver.api("POST", f"/enrollments/{board.device}/approve")
        board.nonce = secrets.token_bytes(16)
        assert (await board.ask(receiver))[:2] == (403, "pending")
        assert await state_of(receiver, board) == "pending"


async def test_a_code_is_worth_one_device(tmp_path):
    """The installer's code opens the door once, however it is typed; a wrong one never does."""
    async with running(tmp_path) as receiver:
        claim = await make_claim(receiver)
        made = await receiver.api("POST", f"/claims/{claim['claim']}/codes", 201)
        code = made["code"]
        first, second = Newcomer(claim), Newcomer(claim)
        assert (await first.ask(receiver, "WRONG-01"))[:2] == (403, "code")
        typed = f"{code[:4]}-{code[4:]}".lower()
        voice = await first.enroll(receiver, typed)
        assert (await first.enroll(receiver, typed)).key == voice.key
        assert (await second.ask(receiver, code))[:2] == (403, "code")


async def test_wrong_codes_are_expensive(tmp_path):
    """A few guesses empty the bucket of the claim."""
    async with running(tmp_path) as receiver:
        claim = await make_claim(receiver)
        seen = [(await Newcomer(claim).ask(receiver, f"GUESS{n:03d}"))[:2] for n in range(8)]
        assert seen[0] == (403, "code")
        assert seen[-1] == (429, "rate")


async def test_a_device_with_a_key_needs_approval_for_another(tmp_path):
    """Neither list nor code suffice; approved, it gets a new epoch and the old has its grace."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        await receiver.up(voice.report())
        claim = await make_claim(receiver, devices=[voice.device])
        board = Newcomer(claim, voice.device)
        status, reason, headers = await board.ask(receiver)
        assert (status, reason, headers["Retry-After"]) == (409, "known", "60")
        await receiver.api("POST", f"/enrollments/{board.device}/approve")
        again = await board.enroll(receiver)
        assert again.kid[-1] == 2
        again.boot = 2
        assert (await receiver.up(again.report()))[0] == 200
        assert (await receiver.up(voice.report()))[0] == 200, "30 days of grace"


async def test_a_revoked_device_speaks_again_when_somebody_approves(tmp_path):
    """Its old key stays destroyed."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        await receiver.api("POST", f"/devices/{voice.device}/revoke")
        board = Newcomer(await make_claim(receiver, devices=[voice.device]), voice.device)
        assert (await board.ask(receiver))[:2] == (409, "known")
        await receiver.api("POST", f"/enrollments/{board.device}/approve")
        again = await board.enroll(receiver)
        assert (await receiver.up(again.report()))[0] == 200
        assert (await receiver.up(voice.report()))[0] == 401


async def test_a_claim_is_used_up(tmp_path):
    """Keys that were given and not used count too, so that no claim is stretched."""
    async with running(tmp_path) as receiver:
        devices = [secrets.token_hex(8) for _ in range(3)]
        claim = await make_claim(receiver, devices=devices, uses=2)
        voices = [await Newcomer(claim, dev).enroll(receiver) for dev in devices[:2]]
        last = Newcomer(claim, devices[2])
        assert (await last.ask(receiver))[:2] == (403, "used-up")
        for voice in voices:
            assert (await receiver.up(voice.report()))[0] == 200
        assert (await last.ask(receiver))[:2] == (403, "used-up")
        assert await used(receiver, claim) == 2


async def test_an_ended_claim_brings_nobody_a_key(tmp_path):
    """Revoked: unknown from that moment; codes cannot be made for it."""
    async with running(tmp_path) as receiver:
        device = secrets.token_hex(8)
        claim = await make_claim(receiver, devices=[device])
        path = f"/claims/{claim['claim']}"
        assert (await receiver.api("POST", path + "/revoke"))["revoked_at"]
        assert (await Newcomer(claim, device).ask(receiver))[:2] == (401, "kid")
        await receiver.api("POST", path + "/codes", 409)


async def test_what_is_not_authentic_is_401(tmp_path):
    """Unknown claim, wrong secret, a bent bit, a device's own key, nonsense: nothing is stored."""
    async with running(tmp_path) as receiver:
        claim = await make_claim(receiver)
        board = Newcomer(claim)
        stranger = Newcomer({"claim": "00" * 8, "secret": "00" * 32})
        assert (await stranger.ask(receiver))[:2] == (401, "kid")
        forger = Newcomer(claim | {"secret": "00" * 32})
        assert (await forger.ask(receiver))[:2] == (401, "tag")
        bent = bytearray(board.request())
        bent[-1] ^= 1
        assert (await board.ask(receiver, message=bytes(bent)))[:2] == (401, "tag")
        voice = await receiver.register()
        assert (await post(receiver, voice.report()))[:2] == (401, "kid")
        assert (await post(receiver, b"hello"))[:2] == (401, "frame")
        assert (await receiver.api("GET", "/enrollments"))["items"] == []


async def test_what_is_authentic_and_unreadable_is_422(tmp_path):
    """The reason is that of the decoder."""
    async with running(tmp_path) as receiver:
        board = Newcomer(await make_claim(receiver))
        for payload in (b"\xa0", b"\xff", b"\xa1\x00\x01"):
            assert (await board.ask(receiver, message=board.sealed(payload)))[0] == 422


async def test_bodies_have_their_bounds(tmp_path):
    """One byte over the cap, and another content type."""
    async with running(tmp_path) as receiver:
        assert (await post(receiver, bytes(MAX_MESSAGE_BYTES + 1)))[0] == 413
        assert (await post(receiver, b"x", {"Content-Type": "text/plain"}))[0] == 415


@pytest.mark.parametrize(
    ("settings", "header", "expect"),
    [
        ({}, "https", "pending"),
        ({}, "http", "plain"),
        ({}, "", "plain"),
        ({"SERVER_TRUSTED_PROXIES": "10.0.0.9"}, "https", "plain"),
        ({"SERVER_TRUSTED_PROXIES": ""}, "https", "plain"),
        ({"ENROLL_PLAIN": "true"}, "", "pending"),
    ],
)
async def test_keys_travel_under_tls_only(tmp_path, settings, header, expect):
    """A proxy that is trusted says so, or the setting for a bench allows it."""
    async with running(tmp_path, **settings) as receiver:
        board = Newcomer(await make_claim(receiver))
        status, reason, _ = await board.ask(receiver, **{"X-Forwarded-Proto": header})
        assert (status, reason) == (403, expect)


async def test_questions_are_counted_by_address_before_they_are_read(tmp_path):
    """The bucket is the one of reports, and a wrong MAC costs as much."""
    more = {"INTAKE_ADDRESS_PER_S": "0.01", "INTAKE_ADDRESS_BURST": "22"}
    async with running(tmp_path, **more) as receiver:
        board = Newcomer(await make_claim(receiver))
        assert (await post(receiver, b"nonsense"))[0] == 401
        statuses = [(await board.ask(receiver))[0] for _ in range(3)]
        assert statuses[-1] == 429


async def test_everything_is_counted(tmp_path):
    """The metrics tell how questions ended."""
    async with running(tmp_path) as receiver:
        board = Newcomer(await make_claim(receiver))
        await board.ask(receiver)
        await post(receiver, b"x")
        async with receiver.session.get(receiver.url + "/metrics") as answer:
            text = await answer.text()
        for reason in ("pending", "frame"):
            assert f'phonehome_messages_total{{reason="{reason}",transport="enroll"}} 1.0' in text


async def test_many_boards_at_once_share_the_uses_of_a_claim(tmp_path):
    """However they race, not one key more goes out than the claim has uses."""
    async with running(tmp_path) as receiver:
        devices = [secrets.token_hex(8) for _ in range(12)]
        claim = await make_claim(receiver, devices=devices, uses=5)
        answers = await asyncio.gather(*(Newcomer(claim, d).ask(receiver) for d in devices))
        assert sorted(status for status, _, _ in answers) == [200] * 5 + [403] * 7


async def test_a_board_without_a_key_can_ask_what_time_it_is(tmp_path):
    """The reply is signed with the claim that it has."""
    async with running(tmp_path) as receiver:
        claim = await make_claim(receiver)
        name, secret = bytes.fromhex(claim["claim"]), bytes.fromhex(claim["secret"])
        url = f"{receiver.url}/v1/time?d={claim['claim']}&n=00112233445566ff&k=0"
        async with receiver.session.get(url) as answer:
            assert answer.status == 200
            said = open_downlink(await answer.read(), down_key(secret, name), make_kid(name, 0))
        assert said.nonce == bytes.fromhex("00112233445566ff")
        await receiver.api("POST", f"/claims/{claim['claim']}/revoke")
        async with receiver.session.get(url) as answer:
            assert answer.status == 404


async def test_the_time_is_signed_with_the_key_that_is_asked_for(tmp_path):
    """A device that has not been heard under its next key can still use the answer."""
    async with running(tmp_path) as receiver:
        device = secrets.token_hex(8)
        voice = await Newcomer(await make_claim(receiver, devices=[device]), device).enroll(
            receiver
        )
        for query, status in (("", 200), ("&k=1", 200), ("&k=2", 404), ("&k=256", 404)):
            url = f"{receiver.url}/v1/time?d={device}&n=00112233445566ff{query}"
            async with receiver.session.get(url) as answer:
                assert answer.status == status, query
                if status == 200:
                    assert voice.hear(await answer.read()).server_ms


async def test_a_claim_is_made_with_checks(tmp_path):
    """Product, uses, time and devices are checked by name; the secret is told once."""
    async with running(tmp_path) as receiver:
        claim = await make_claim(receiver)
        assert len(bytes.fromhex(claim["secret"])) == 32
        assert receiver.headers["Cache-Control"] == "no-store"
        found = await receiver.api("GET", f"/claims/{claim['claim']}")
        page = await receiver.api("GET", "/claims")
        assert page["items"] == [found]
        assert claim["secret"] not in str(found)
        for field, value in (
            ("product", "toaster"),
            ("uses", 0),
            ("expires_in_s", 5),
            ("devices", ["A4CF12FFFE05D3B1"]),
        ):
            body = {"product": "washer", field: value}
            problem = await receiver.api("POST", "/claims", 422, json=body)
            assert problem["errors"][0]["field"].startswith(field)
        await receiver.api("GET", "/claims/0000000000000000", 404)
        await receiver.api("POST", "/enrollments/0000000000000000/approve", 404)
        await receiver.api("GET", "/enrollments?state=odd", 400)


async def test_secrets_are_sealed_and_not_logged(tmp_path, caplog):
    """Neither the database nor the log holds a claim secret, a code or a key in the clear."""
    async with running(tmp_path) as receiver:
        device = secrets.token_hex(8)
        claim = await make_claim(receiver, devices=[device])
        code = (await receiver.api("POST", f"/claims/{claim['claim']}/codes", 201))["code"]
        voice: Voice = await Newcomer(claim, device).enroll(receiver)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("receiver.db*"))
    for secret in (bytes.fromhex(claim["secret"]), code.encode(), voice.key):
        assert secret not in stored
        assert secret.hex() not in caplog.text
        assert secret.decode("latin-1") not in caplog.text
