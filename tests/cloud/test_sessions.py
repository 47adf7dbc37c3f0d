"""The journal of sessions under any order of messages."""

from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.anchoring import BOUNDS_KEPT
from phonehome_cloud.core.sessions import Journal
from phonehome_wire.uplink import UplinkHead

HEADS = st.lists(
    st.tuples(st.sampled_from(["1" * 8, "2" * 8]), st.integers(1, 4), st.integers(0, 50)),
    max_size=40,
)


def take_all(heads):
    """A journal after these (incarnation, boot, now_ms), and what was late."""
    journal = Journal({})
    late = []
    for at, (inc, boot, now_ms) in enumerate(heads):
        head = UplinkHead(bytes.fromhex(inc), boot, now_ms, b"abcd")
        late.append(journal.take("d" * 16, inc, head, 1_000 + at, is_replay=False))
    return journal, late


@given(HEADS)
def test_late_is_what_lies_behind_the_newest_boot_and_moment(heads):
    """Nothing else is late, and nothing late moves the session."""
    journal, late = take_all(heads)
    newest = {}
    for (inc, boot, now_ms), is_late in zip(heads, late, strict=True):
        assert is_late == ((boot, now_ms) < newest.get(inc, (0, 0)))
        newest[inc] = max(newest.get(inc, (0, 0)), (boot, now_ms))
    found = {inc: (s.boot, s.last_now_ms) for (_, inc), s in journal.newest.items()}
    assert found == newest


@given(HEADS)
def test_one_boot_of_an_incarnation_is_the_newest(heads):
    """Older boots give the flag up."""
    journal, _ = take_all(heads)
    for inc in {inc for inc, *_ in heads}:
        flags = [s.boot for s in journal.created if s.inc == inc and s.newest]
        assert flags == [journal.newest["d" * 16, inc].boot]


@given(HEADS)
def test_state_is_lost_once_for_each_further_incarnation(heads):
    """The first incarnation of a device is its birth, every other one a loss."""
    journal, _ = take_all(heads)
    incarnations = {inc for inc, *_ in heads}
    assert len(journal.state_lost) == max(0, len(incarnations) - 1)


def test_bounds_are_kept_in_a_ring():
    """The newest thirty uplinks, whatever their number, and a slot for each."""
    journal, _ = take_all([("1" * 8, 1, now_ms) for now_ms in range(100)])
    slots = [anchor.slot for anchor in journal.anchors]
    assert slots == [n % BOUNDS_KEPT for n in range(100)]
    kept = {anchor.slot: anchor.device_ms for anchor in journal.anchors}
    assert sorted(kept.values()) == list(range(70, 100))
