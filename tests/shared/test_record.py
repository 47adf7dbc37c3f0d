"""Hello, heartbeat, log and result records, at the encoder and against the schema."""

from phonehome_wire.bodies import defect_of
from phonehome_wire.decoder import decode
from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import EncodeError, TooBigError
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import put_head, put_heartbeat, put_hello, put_log, put_result
from phonehome_wire.registry import (
    HELLO_CATALOG,
    HELLO_DEAD_BOOTS,
    HELLO_RESET_CERTAINTY,
    HELLO_RESET_NAME,
    HELLO_STATE_LOST,
    RESET_POWER_ON,
    RESULT_BAD_ARGS,
    RTYPE_HEARTBEAT,
    RTYPE_HELLO,
    RTYPE_LOG,
    RTYPE_RESULT,
)
from tests.shared.test_encoder import raised


def body_of(rtype, put, *args, **named):
    """The decoded body that a put function writes, checked against the schema of its type."""
    enc = Encoder(bytearray(2048), 0)
    put_head(enc, rtype, 1, 2, 3)
    put(enc, *args, **named)
    record = decode(enc.buf[: enc.pos])
    assert record[:4] == [rtype, 1, 2, 3]
    assert defect_of(rtype, record[4]) is None
    return record[4]


def test_hello_carries_what_was_asked_for():
    """The short birth, and the long one with the channel catalog and the lost state."""
    assert body_of(RTYPE_HELLO, put_hello, "phonehome 0.1", RESET_POWER_ON, "Pico W") == {
        0: "phonehome 0.1",
        1: 1,
        2: "Pico W",
    }
    catalog = [(0, "water_temp", "Cel"), (7, "door", "")]
    body = body_of(RTYPE_HELLO, put_hello, "a", 3, "b", 41, 0, catalog, True)
    assert body[HELLO_CATALOG] == {0: ["water_temp", "Cel"], 7: ["door", ""]}
    assert body[HELLO_STATE_LOST] is True
    assert (body[3], body[4]) == (41, 0)
    body = body_of(RTYPE_HELLO, put_hello, "a", 3, "b", certainty=2, reset_name="sampling")
    assert (body[HELLO_RESET_CERTAINTY], body[HELLO_RESET_NAME]) == (2, "sampling")
    assert HELLO_DEAD_BOOTS not in body
    assert body_of(RTYPE_HELLO, put_hello, "a", 3, "b", dead_boots=3)[HELLO_DEAD_BOOTS] == 3


def test_hello_keeps_the_schema():
    """Texts of the wrong length, causes out of range and catalogs out of order are refused."""
    enc = Encoder(bytearray(2048))
    assert raised(EncodeError, put_hello, enc, "", 1, "b").reason == "range"
    assert raised(EncodeError, put_hello, enc, "a" * 33, 1, "b").reason == "range"
    assert raised(EncodeError, put_hello, enc, "a", 16, "b").reason == "range"
    assert raised(EncodeError, put_hello, enc, "a", 1, "b" * 49).reason == "range"
    twice = [(1, "x", ""), (1, "y", "")]
    error = raised(EncodeError, put_hello, enc, "a", 1, "b", None, None, twice)
    assert error.reason == "key order/dup"


def test_heartbeat_wants_a_metric():
    """A heartbeat says something, and not more than 48 things."""
    metrics = Metrics(60)
    enc = Encoder(bytearray(2048))
    assert raised(EncodeError, put_heartbeat, enc, metrics).reason == "range"
    for metric in range(48):
        metrics.set(metric, -(2**53) + 1)
    assert len(body_of(RTYPE_HEARTBEAT, put_heartbeat, metrics)) == 48
    metrics.set(48, 0)
    assert raised(EncodeError, put_heartbeat, enc, metrics).reason == "range"


def test_log_excerpts():
    """Breadcrumbs in order, with names as text or id."""
    crumbs = [(-100, "wifi", "rssi low", -81), (0, 3, 4, 2**40)]
    assert body_of(RTYPE_LOG, put_log, crumbs) == [list(crumb) for crumb in crumbs]
    enc = Encoder(bytearray(4096))
    assert raised(EncodeError, put_log, enc, []).reason == "range"
    assert raised(EncodeError, put_log, enc, crumbs * 17).reason == "range"


def test_results_carry_any_value():
    """With and without a value of the profile."""
    assert body_of(RTYPE_RESULT, put_result, 5, 0) == {0: 5, 1: 0}
    body = body_of(RTYPE_RESULT, put_result, 5, RESULT_BAD_ARGS, {1: ["x", None]})
    assert body == {0: 5, 1: 2, 2: {1: ["x", None]}}
    assert raised(EncodeError, put_result, Encoder(bytearray(64)), 5, 16).reason == "range"


def test_heads_are_checked():
    """A type outside 1..255 is refused, and a head that does not fit is TooBig."""
    enc = Encoder(bytearray(64))
    assert raised(EncodeError, put_head, enc, 0, 1, 2, 3).reason == "range"
    assert raised(EncodeError, put_head, enc, 256, 1, 2, 3).reason == "range"
    assert raised(TooBigError, put_head, Encoder(bytearray(42)), 1, 1, 2, 3).reason == "space"
