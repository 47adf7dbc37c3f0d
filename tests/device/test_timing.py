"""Back-off, pace, uptime and clock: pure arithmetic about time."""

from phonehome.core.backoff import Backoff
from phonehome.core.clock import Clock
from phonehome.core.pace import Pace
from phonehome.core.uptime import Uptime
from phonehome_wire.registry import QUALITY_ANCHORED, QUALITY_FLOOR, QUALITY_NONE


def test_backoff_grows_to_its_ceiling():
    """The span doubles from 5 s to 15 min and stays there."""
    backoff = Backoff(lambda below: below - 1)
    waits = [backoff.next_ms() for _ in range(12)]
    assert waits[:4] == [5000, 10000, 20000, 40000]
    assert waits[-1] == waits[-2] == 900000
    backoff.reset()
    assert backoff.next_ms() == 5000


def test_backoff_jitters_over_the_whole_span():
    """A draw may be anything from nearly nothing to the whole span."""
    assert Backoff(lambda below: 0).next_ms() == 250
    assert Backoff(lambda below: below // 2).next_ms() == 2500


def test_pace_gathers():
    """Records of one moment leave together; an urgent one at once, and it takes them along."""
    pace = Pace(Backoff(lambda below: below - 1), 500)
    assert pace.wait_ms(1000) is None
    pace.ask(1000, is_urgent=False)
    pace.ask(1200, is_urgent=False)
    assert pace.wait_ms(1200) == 300
    pace.ask(1300, is_urgent=True)
    assert pace.wait_ms(1300) == 0


def test_pace_pauses():
    """After a failure nothing goes out before the wait is over, urgent or not."""
    pace = Pace(Backoff(lambda below: below - 1), 500)
    assert pace.fail(1000, 0) == 5000
    pace.ask(1001, is_urgent=True)
    assert pace.wait_ms(1001) == 4999
    assert pace.fail(6000, 30) == 30000
    assert pace.wait_ms(6000) == 30000


def test_pace_obeys_the_receiver():
    """A pause in an ack holds back even what is urgent; success ends the back-off."""
    pace = Pace(Backoff(lambda below: below - 1), 500)
    pace.fail(0, 0)
    pace.succeed(5000, has_more=True, pause_s=60)
    assert pace.failures == 0
    pace.ask(6000, is_urgent=True)
    assert pace.wait_ms(6000) == 59000
    pace.succeed(65000, has_more=False, pause_s=None)
    assert pace.wait_ms(65000) is None


def test_pace_waits_after_a_loss():
    """A link that went down waits like a failed report, once; only an ack makes the span short."""
    pace = Pace(Backoff(lambda below: below - 1), 500)
    pace.lose(1000)
    assert pace.wait_ms(1000) == 5000
    pace.lose(2000)
    pace.ask(2000, is_urgent=True)
    assert pace.wait_ms(2000) == 4000
    pace.rest()
    assert pace.wait_ms(6000) is None
    pace.lose(6000)
    assert pace.wait_ms(6000) == 10000


def test_pace_opens_a_link_lost_during_a_pause():
    """The receiver's pause, or another loss, puts the next link off and never cancels it."""
    pace = Pace(Backoff(lambda below: below - 1), 500)
    pace.succeed(0, has_more=False, pause_s=60)
    pace.lose(1000)
    assert pace.wait_ms(1000) == 59000
    pace.succeed(2000, has_more=False, pause_s=None)
    assert pace.wait_ms(2000) is None
    pace.lose(2000)
    assert pace.wait_ms(60000) == 0


def test_uptime_never_wraps():
    """Uptime counts on where the ticks of a 32-bit board start anew."""
    wrap = 1 << 30
    readings = [wrap - 10]

    def elapsed(later, earlier):
        return (later - earlier + wrap // 2) % wrap - wrap // 2

    uptime = Uptime(lambda: readings[0], elapsed)
    total = 0
    for step in (5, 10, wrap // 2 - 1, wrap // 2 - 1, wrap // 3, 7):
        readings[0] = (readings[0] + step) % wrap
        total += step
        assert uptime.now_ms() == total
    assert uptime.now_ms() == total


def test_clock_knows_nothing_at_first():
    """Without a word from the receiver there is no time, with a floor there is a bound."""
    assert Clock().utc_ms(5) is None
    assert Clock().quality() == QUALITY_NONE
    assert Clock(1000).utc_ms(5) == 1000
    assert Clock(1000).quality() == QUALITY_FLOOR


def test_clock_is_anchored_by_a_quick_answer():
    """A quick answer to a moment that was signed ties uptime to UTC."""
    clock = Clock()
    clock.note_signed(5000)
    assert clock.hear(1700000000000, 5000, 5200)
    assert clock.quality() == QUALITY_ANCHORED
    assert clock.utc_ms(6200) == 1700000001000
    assert (clock.server_ms, clock.server_at_ms) == (1700000000000, 5200)


def test_clock_is_not_pulled_by_replays():
    """An echo never signed, or of long ago, anchors nothing; the floor never goes back."""
    clock = Clock()
    clock.note_signed(5000)
    assert not clock.hear(1700000000000, 4999, 5200)
    assert not clock.hear(1700000000000, 5000, 65001)
    assert not clock.hear(1600000000000, 5000, 65002)
    assert clock.floor_ms == 1700000000000
    assert clock.server_ms == 1700000000000
    assert clock.quality() == QUALITY_FLOOR
