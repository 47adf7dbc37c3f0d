"""The journal of sessions under any order of messages."""

from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.anchoring import BOUNDS_KEPT, BootBounds, window
from phonehome_cloud.core.sessions import Journal
from phonehome_wire.uplink import UplinkHead

HEADS = st.lists(
    st.tuples(st.sampled_from(["1" * 8, "2" * 8]), st.integers(1, 4), st.integers(0, 50)),
    max_size=40,
)


def take_all(heads, every_ms=1):
    """A journal after these (incarnation, boot, now_ms), and what was late."""
    journal = Journal({})
    late = []
    for at, (inc, boot, now_ms) in enumerate(heads):
        head = UplinkHead(bytes.fromhex(inc), boot, now_ms, b"abcd")
        received_at = 1_000 + at * every_ms
        late.append(journal.take("d" * 16, inc, head, received_at, is_replay=False))
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
    journal, _ = take_all([("1" * 8, 1, now_ms) for now_ms in range(100)], 10_000)
    slots = [anchor.slot for anchor in journal.anchors]
    assert slots == [n % BOUNDS_KEPT for n in range(100)]
    kept = {anchor.slot: anchor.device_ms for anchor in journal.anchors}
    assert sorted(kept.values()) == list(range(70, 100))


MESSAGES = st.lists(
    st.tuples(st.integers(0, 20_000) | st.just(300_000), st.integers(0, 2_000)),
    min_size=1,
    max_size=80,
)


@given(MESSAGES, st.integers(0, 10**6))
def test_a_burst_leaves_what_its_bounds_say(messages, event_ms):
    """The bounds in the ring date an event as the newest thirty of all do, or better: to the two
    milliseconds that ten seconds of drift may be.
    """
    journal, said, now_ms, received_at = Journal({}), [], 0, 10**12
    for pause_ms, delay_ms in messages:
        now_ms += pause_ms
        received_at = max(received_at, 10**12 + now_ms + delay_ms)
        head = UplinkHead(b"1234", 1, now_ms, b"abcd")
        journal.take("d" * 16, "1" * 8, head, received_at, is_replay=False)
        said.append((now_ms, received_at))
    ring = {anchor.slot: (anchor.device_ms, anchor.utc_ms) for anchor in journal.anchors}
    kept = BootBounds(list(ring.values()), (), now_ms)
    newest = BootBounds(said[-BOUNDS_KEPT:], (), now_ms)
    assert window(event_ms, kept)[1] <= window(event_ms, newest)[1] + 2


def test_a_burst_takes_one_place():
    """Fifty messages within ten seconds, none faster than the first: one bound."""
    journal, _ = take_all([("1" * 8, 1, now_ms) for now_ms in range(50)])
    assert [anchor.device_ms for anchor in journal.anchors] == [0]
