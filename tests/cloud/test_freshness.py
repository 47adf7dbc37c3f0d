"""Which bucket a message draws from: copies never from that of the device."""

from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.freshness import Freshness
from phonehome_wire.uplink import UplinkHead

KID, OTHER = b"k" * 9, b"o" * 9
INC = b"\x01\x02\x03\x04"


def head(boot=1, now_ms=1000, inc=INC, is_carried=False):
    """The head of a message."""
    made = UplinkHead(inc, boot, now_ms, b"\x01\x02\x03\x04")
    made.is_carried = is_carried
    return made


@given(
    spoken=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 50)), min_size=1).map(sorted),
    stolen=st.lists(st.integers(0, 200)),
)
def test_no_copy_draws_from_the_device(spoken, stolen):
    """Whatever was said before, in any order and number, is not new; what comes next is."""
    fresh = Freshness()
    for moment in dict.fromkeys(spoken):
        assert fresh.bucket_of(KID, head(*moment)) == KID
    for at in stolen:
        assert fresh.bucket_of(KID, head(*spoken[at % len(spoken)])) != KID
    boot, now_ms = spoken[-1]
    assert fresh.bucket_of(KID, head(boot, now_ms + 1)) == KID
    assert fresh.bucket_of(KID, head(boot + 1, 0)) == KID


def test_keys_and_incarnations_are_apart():
    """A new memory of the board, and a new key, begin anew."""
    fresh = Freshness()
    assert fresh.bucket_of(KID, head(boot=9)) == KID
    assert fresh.bucket_of(OTHER, head()) == OTHER
    assert fresh.bucket_of(KID, head(inc=b"\x05\x06\x07\x08")) == KID
    assert fresh.bucket_of(KID, head()) == (KID, "again")


def test_what_a_courier_carries_makes_nothing_old():
    """It was signed long ago: it has the other bucket, and the device keeps its own."""
    fresh = Freshness()
    assert fresh.bucket_of(KID, head(now_ms=5000, is_carried=True)) == (KID, "again")
    assert fresh.bucket_of(KID, head(now_ms=2000)) == KID


def test_what_nobody_can_read_has_the_other_bucket():
    """It cannot be dated, so it may be a copy."""
    assert Freshness().bucket_of(KID, None) == (KID, "again")


def test_a_fleet_costs_bounded_memory():
    """Who was heard longest ago is forgotten first, and new again; one that is attacked stays."""
    fresh = Freshness(max_known=2)
    for kid in (KID, OTHER, KID, b"x" * 9):
        fresh.bucket_of(kid, head())
    assert fresh.bucket_of(KID, head()) == (KID, "again")
    assert fresh.bucket_of(OTHER, head()) == OTHER
