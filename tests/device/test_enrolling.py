"""A board asks for its key and believes only the answer to its own question."""

from phonehome.core.claiming import read_claim
from phonehome.core.clock import Clock
from phonehome.core.dates import firmware_ms, not_before_ms
from phonehome.core.enrolling import make_request, read_reply
from phonehome.core.identity import Identity
from phonehome.core.keychange import KeyChange, load_keys
from phonehome.core.timeasking import make_query, read_time
from phonehome.ports.keyfiles import KeyFiles
from phonehome_wire import registry
from phonehome_wire.envelope import ALG_HMAC_64, ALG_HMAC_256
from phonehome_wire.heard import open_downlink
from phonehome_wire.keys import up_key
from tests.device.test_config import refusal_of
from tests.device.test_keychange import REFUSED, SILENCE, refusal
from tests.device.test_reporter import Birth
from tests.fakes.claims import CLAIM_FILE, SECRET, FakeClaims
from tests.fakes.desk import FakeDesk
from tests.fakes.flash import FakeFlash, PowerCut

DEVICE = bytes(range(8))
KEY = bytes(range(32))
NONCE = bytes(range(16))
ASKED = b"12345678"


def asked(code=""):
    """(claim, the receiver's end, the request it read)."""
    claim, desk = read_claim(CLAIM_FILE), FakeClaims(KEY)
    return claim, desk, desk.read(make_request(claim, DEVICE, NONCE, Birth(), code))


def test_the_request_says_who_asks():
    """Device, nonce, platform, build and the code of the installer, signed by the claim."""
    _, _, request = asked("4711-AB")
    assert (request.device, request.nonce, request.code) == (DEVICE, NONCE, "4711-AB")
    assert (request.platform, request.build) == ("bench", b"bild")
    assert asked()[2].code is None


def test_the_answer_is_a_key_file():
    """Epoch and key, unwrapped with what only claim, nonce and device have in common."""
    claim, desk, request = asked()
    desk.epoch = 7
    assert read_reply(claim, DEVICE, NONCE, desk.answer(request)) == b"\x07" + KEY


def test_the_answer_to_another_question_is_refused():
    """Another nonce, another device, a reflected request, the short MAC, another claim."""
    claim, desk, request = asked()
    for changes in ({"nonce": bytes(16)}, {"device": bytes(8)}):
        answer = desk.answer(request, **changes)
        assert refusal(read_reply, claim, DEVICE, NONCE, answer) == "nonce"
    mine = make_request(claim, DEVICE, NONCE, Birth(), "")
    assert refusal(read_reply, claim, DEVICE, NONCE, mine) == "tag"
    other = read_claim(CLAIM_FILE[:8] + bytes(32))
    assert refusal(read_reply, other, DEVICE, NONCE, desk.answer(request)) == "tag"
    assert refusal(read_reply, claim, DEVICE, NONCE, b"") == "frame"
    desk.alg = ALG_HMAC_64
    assert refusal(read_reply, claim, DEVICE, NONCE, desk.answer(request)) == "alg"


def test_a_tampered_key_is_refused():
    """Any bit of the wrapped key that changed under a good signature of the claim."""
    claim, desk, request = asked()
    from phonehome_wire.rekeying import claim_kek
    from phonehome_wire.wrapping import wrap_key

    good = wrap_key(claim_kek(SECRET, NONCE, DEVICE), bytes(13), KEY)
    for place in range(0, len(good), 7):
        bent = bytearray(good)
        bent[place] ^= 1
        answer = desk.answer(request, wrapped_key=bytes(bent))
        assert refusal(read_reply, claim, DEVICE, NONCE, answer) in ("frame", "tag"), place
    answer = desk.answer(request, wrapped_key=good[:-1])
    assert refusal(read_reply, claim, DEVICE, NONCE, answer) == "frame"


def test_a_claim_file_has_its_size():
    """Anything else stops the start with the fix, and is not shown."""
    text = refusal_of(read_claim, CLAIM_FILE[:-1])
    assert "'claim'" in text
    assert SECRET.hex()[:8] not in text


def enroll(flash, desk):
    """What the agent does from power-on until a key is in use; `flash` may cut the power."""
    files = KeyFiles(flash, "key")
    identity = Identity(DEVICE, b"")
    if not load_keys(identity, files, lambda *words, **facts: None):
        draws.append(bytes([len(draws)]) * 16)
        nonce = files.nonce(lambda size: draws[-1])
        request = desk.read(make_request(read_claim(CLAIM_FILE), DEVICE, nonce, Birth(), ""))
        files.put_next(read_reply(read_claim(CLAIM_FILE), DEVICE, nonce, desk.answer(request)))
        KeyChange(identity, files, b"", lambda *words, **facts: None)
    return identity, files


draws: list = []


class Report:
    """What an ack answers."""

    inc, boot, now_ms, origin_inc, records = b"inc1", 1, 5, None, ()


def test_power_cuts_at_every_write_keep_the_nonce_and_the_key():
    """After a cut at any byte the board asks with the nonce it had, and ends with one key."""
    ack = FakeDesk(DEVICE, KEY).ack(Report)
    budget, is_cut = 0, True
    while is_cut:
        flash, desk, is_cut = FakeFlash(budget=budget), FakeClaims(KEY), False
        try:
            identity, files = enroll(flash, desk)
            opened(identity, ack)
        except PowerCut:
            is_cut = True
        kept = flash.files.get("key.nonce")
        flash = FakeFlash(flash.files)
        identity, files = enroll(flash, desk)
        if kept and not flash.files.get("key"):
            assert all(r.nonce == kept for r in desk.requests[-1:]), budget
        opened(identity, ack)
        assert identity.kid == DEVICE + b"\x01"
        identity = Identity(DEVICE, b"")
        load_keys(identity, files, lambda *words, **facts: None)
        assert (files.active(), files.next()) == (b"\x01" + KEY, b""), budget
        assert identity.change is None
        budget += 1
    assert budget > 80


def test_a_first_key_that_is_refused_is_asked_for_again():
    """Three refusals and the board has no key; silence is none, as there is no other key."""
    identity, files = enroll(FakeFlash(), FakeClaims(KEY))
    for _ in range(5):
        identity.change.note_failure(SILENCE)
    assert identity.kid == DEVICE + b"\x01"
    change = identity.change
    for _ in range(3):
        change.note_failure(REFUSED)
    assert (identity.kid, identity.change) == (b"", None)
    assert files.next(), "the next boot tries it again"


def opened(identity, message):
    """What a downlink says, as the reporter reads it."""
    if identity.change is not None:
        return identity.change.open(message)
    return open_downlink(message, identity.down_key, identity.kid)


def time_reply(nonce=ASKED, alg=ALG_HMAC_256, key=b""):
    """A signed time reply for the device."""
    return FakeDesk(DEVICE, KEY).time(nonce, 1790000000000, alg, key)


def test_the_time_is_asked_for_by_name():
    """Device, nonce, and the key that the answer shall be signed with."""
    query = make_query(DEVICE + b"\x02", ASKED)
    assert query == b"?n=3132333435363738&d=0001020304050607&k=2"


def test_only_the_answer_to_the_question_tells_the_time():
    """Forged, reflected, replayed, with the short MAC or late: nothing moves."""
    identity = Identity(DEVICE, b"\x01" + KEY)
    assert read_time(opened(identity, time_reply()), ASKED, 900) == 1790000000000
    assert refusal(read_time, opened(identity, time_reply(b"other-no")), ASKED, 900) == "nonce"
    assert refusal(read_time, opened(identity, time_reply()), ASKED, 60001) == "late"
    assert (
        refusal(read_time, opened(identity, FakeDesk(DEVICE, KEY).ack(Report)), ASKED, 1)
        == "nonce"
    )
    assert refusal(read_time, None, ASKED, 1) == "nonce"
    assert refusal(opened, identity, time_reply(key=bytes(32))) == "tag"
    assert refusal(opened, identity, time_reply(key=up_key(KEY, DEVICE))) == "tag"
    assert refusal(opened, identity, time_reply(alg=ALG_HMAC_64)) == "alg"


def test_a_signed_time_anchors_the_clock():
    """It was asked for just now, so it is as good as the echo of a report."""
    clock = Clock()
    assert not clock.is_anchored
    clock.hear_time(1790000000000, 5000)
    assert clock.is_anchored
    assert clock.utc_ms(6000) == 1790000001000
    assert (clock.quality(), clock.floor_ms) == (registry.QUALITY_ANCHORED, 1790000000000)


def test_the_firmware_tells_its_day():
    """What the interpreter says about itself is a date that no clock is before."""
    assert firmware_ms("3.4.0; MicroPython v1.24.1 on 2024-11-29") == 1732838400000
    assert (
        firmware_ms("3.4.0; MicroPython v1.26.0-preview on 2025-03-01 (GNU 12)") == 1740787200000
    )
    for text in ("", "3.11.2 (main) [GCC 12.2.0]", "MicroPython on tuesday"):
        assert firmware_ms(text) == 0


def test_a_certificate_tells_its_first_day():
    """The notBefore of the CA: nothing below it was valid earlier."""
    der = b"0\x82\x01\x00issuer0\x1e\x17\x0d260101120000Z\x17\x0d360101120000Zsubject"
    assert not_before_ms(der) == 1767268800000
    for data in (b"", b"\x17\x0d", b"\x17\x0d26010112000", b"\x17\x0dabcdefghijklZ"):
        assert not_before_ms(data) == 0
