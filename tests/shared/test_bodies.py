"""The schema of bodies: one bad record is named and never spoils its neighbours."""

from phonehome_wire import registry
from phonehome_wire.bodies import defect_of
from phonehome_wire.encoder import Encoder
from phonehome_wire.uplink import UplinkHead, begin_uplink, decode_uplink, end_uplink

FAULT = {0: 520203, 1: 6, 2: 47, 3: 3, 4: 4}
FREEZE = {0: 250, 1: 0, 2: {0: [0, 1, 2]}}
HELLO = {0: "a", 1: 0, 2: "b"}
CRASH = {0: 1}
CRUMB = [0, "a", "b", 0]


def with_field(body, key, value):
    """A copy of a body with one field set."""
    changed = dict(body)
    changed[key] = value
    return changed


def defects(rtype, body, key, values):
    """The values among those that the schema lets through in this field."""
    return [v for v in values if defect_of(rtype, with_field(body, key, v)) is None]


def test_good_bodies_have_no_defect():
    """The least body of each type, and one with keys from a later version."""
    assert defect_of(registry.RTYPE_FAULT, FAULT) is None
    assert defect_of(registry.RTYPE_FAULT, with_field(FAULT, 40000, "later")) is None
    assert defect_of(registry.RTYPE_HELLO, HELLO) is None
    assert defect_of(registry.RTYPE_CRASH, CRASH) is None
    assert defect_of(registry.RTYPE_HEARTBEAT, {0: 1, 255: -1}) is None
    assert defect_of(registry.RTYPE_LOG, [CRUMB]) is None
    assert defect_of(registry.RTYPE_RESULT, {0: 1, 1: 15, 2: None}) is None


def test_required_fields_are_missed():
    """Each required field is named when it is absent."""
    for rtype, body in (
        (registry.RTYPE_FAULT, FAULT),
        (registry.RTYPE_HELLO, HELLO),
        (registry.RTYPE_CRASH, CRASH),
        (registry.RTYPE_RESULT, {0: 1, 1: 0}),
    ):
        for key in body:
            rest = {k: v for k, v in body.items() if k != key}
            assert f"key {key}" in defect_of(rtype, rest)


def test_bodies_of_the_wrong_kind():
    """A body that is no map, or no array for a log, is a defect of every known type."""
    for rtype in range(1, 7):
        for body in (None, 1, "x", b"x", True, {} if rtype == registry.RTYPE_LOG else []):
            assert defect_of(rtype, body) is not None
        assert defect_of(rtype, [] if rtype == registry.RTYPE_LOG else {}) is not None


def test_fault_fields():
    """Values outside the ranges of the schema, of the wrong type, and booleans for numbers."""
    fault = registry.RTYPE_FAULT
    assert defects(fault, FAULT, 0, [-1, 524288, "1", None, True, b""]) == []
    assert defects(fault, FAULT, 1, [-1, 32, True]) == []
    assert defects(fault, FAULT, 2, [-1, 256]) == []
    assert defects(fault, FAULT, 3, [-1, 127]) == []
    assert defects(fault, FAULT, 4, [-1, 8]) == []
    assert defects(fault, FAULT, 5, [-1, 256, None]) == []
    assert (
        defects(fault, FAULT, 6, [1, [1], [10, 1], [-10, 1], [0, None], [0, 1, 2], [True, 1]])
        == []
    )
    assert defects(fault, FAULT, 7, [None, "1", False]) == []
    assert defects(fault, FAULT, 8, [-1, None]) == []
    assert (
        defects(fault, FAULT, 10, [{}, {0: None}, {0: True}, [1], dict.fromkeys(range(25), 0)])
        == []
    )
    assert defects(fault, FAULT, 11, [-1, 4, None]) == []
    assert defects(fault, FAULT, 6, [[-9, -5], [9, 5]]) == [[-9, -5], [9, 5]]


def test_freeze_frames():
    """Period, trigger, channels and each series have their bounds."""
    good = [[0, 1], [-9, None], [9] + [None] * 128, [0, 1, None, -5]]
    bad = [[0], [10, 1], [-10, 1], [None, 1], [0, True], [0, "1"], [0] * 130, 1, {}]
    for series in good:
        body = with_field(FAULT, 9, with_field(FREEZE, 2, {3: series}))
        assert defect_of(registry.RTYPE_FAULT, body) is None, series
    for series in bad:
        body = with_field(FAULT, 9, with_field(FREEZE, 2, {3: series}))
        assert defect_of(registry.RTYPE_FAULT, body) is not None, series
    for key, values in (
        (0, [0, 3600001, None]),
        (1, [-1, 256, None]),
        (2, [{}, [], None, {channel: [0, 1] for channel in range(17)}]),
    ):
        for value in values:
            body = with_field(FAULT, 9, with_field(FREEZE, key, value))
            assert defect_of(registry.RTYPE_FAULT, body) is not None, (key, value)
    assert (
        defect_of(registry.RTYPE_FAULT, with_field(FAULT, 9, {0: 1, 2: {0: [0, 1]}})) is not None
    )


def test_hello_fields():
    """Texts are measured in bytes, the catalog row by row."""
    hello = registry.RTYPE_HELLO
    assert defects(hello, HELLO, 0, ["", "a" * 33, "\u00e9" * 17, b"a", 1]) == []
    assert defects(hello, HELLO, 1, [-1, 16]) == []
    assert defects(hello, HELLO, 2, ["", "a" * 49]) == []
    assert defects(hello, HELLO, 3, [-1, None]) == []
    assert defects(hello, HELLO, 6, [0, 1, None]) == []
    bad = [[], {0: ["", ""]}, {0: ["a" * 25, ""]}, {0: ["a", "b" * 13]}, {0: ["a"]}, {0: "a"}]
    assert defects(hello, HELLO, 5, bad) == []
    assert defects(hello, HELLO, 5, [{}, {0: ["a", ""]}]) == [{}, {0: ["a", ""]}]


def test_crash_fields():
    """Names are short texts or ids, frames and crumbs have their shape and number."""
    crash = registry.RTYPE_CRASH
    assert defects(crash, CRASH, 0, [0, 10]) == []
    assert defects(crash, CRASH, 1, ["e" * 49, -1, None, True, b"e"]) == []
    assert defects(crash, CRASH, 1, ["", 7]) == ["", 7]
    assert defects(crash, CRASH, 2, ["m" * 97, 7]) == []
    frame = ["f", 1, "g"]
    assert (
        defects(crash, CRASH, 3, [[], [frame] * 13, [["f", -1, "g"]], [["f", 1]], [1], frame])
        == []
    )
    assert defects(crash, CRASH, 3, [[frame] * 12, [[0, 1, 2]]]) == [[frame] * 12, [[0, 1, 2]]]
    assert (
        defects(crash, CRASH, 4, [[], [CRUMB] * 17, [[0, "a", "b"]], [["0", "a", "b", 0]]]) == []
    )
    for key in (5, 6, 8):
        assert defects(crash, CRASH, key, [-1, None, "1"]) == []
    assert defects(crash, CRASH, 7, [-1, 16]) == []


def test_heartbeat_log_and_result_fields():
    """Metric ids end at 255, values are integers; logs hold crumbs; a result has its status."""
    for body in ({256: 1}, {0: None}, {0: "1"}, {0: True}, dict.fromkeys(range(49), 0)):
        assert defect_of(registry.RTYPE_HEARTBEAT, body) is not None
    for body in ([CRUMB] * 33, [None], [CRUMB, []]):
        assert defect_of(registry.RTYPE_LOG, body) is not None
    assert defects(registry.RTYPE_RESULT, {0: 1}, 1, [-1, 16, None]) == []


def test_unknown_types_are_never_judged():
    """What a later version means is not known here, so nothing is wrong with it."""
    for rtype in (7, 127, 128, 255):
        assert defect_of(rtype, "anything") is None


def test_a_bad_body_spoils_only_its_record():
    """Between two good records a bad one keeps its bytes and its reason, and they stay good."""
    enc = Encoder(bytearray(2048))
    head = UplinkHead(b"inc1", 3, 1000, b"buil")
    begin_uplink(enc, head, 3)
    for seq, body in ((0, FAULT), (1, with_field(FAULT, 3, 127)), (2, FAULT)):
        enc.put_value([registry.RTYPE_FAULT, 3, seq, 900, body])
    end_uplink(enc, head)
    records = decode_uplink(bytes(enc.buf[40 : enc.pos])).records
    assert [r.seq for r in records] == [0, 1, 2]
    assert [r.defect is None for r in records] == [True, False, True]
    assert "occurrence" in records[1].defect and "127" in records[1].defect
