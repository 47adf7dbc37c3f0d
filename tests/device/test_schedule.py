"""When a sleeping board wakes, and what uptime it believes in."""

from phonehome.core.schedule import Schedule

HOUR_MS = 3600000


def test_samples_keep_to_their_grid():
    """A wake that took long does not shift the next ones."""
    schedule = Schedule(60000, 60000)
    schedule.beat_ms = HOUR_MS
    assert schedule.fall_asleep(700, 0, False) == 59300
    assert schedule.fall_asleep(61500, 0, False) == 58500
    assert schedule.fall_asleep(250000, 0, False) == 60000


def test_a_timer_that_rings_early_costs_no_wake():
    """The sample was taken then, and the next one is a period later."""
    schedule = Schedule(60000, 60000)
    schedule.beat_ms = HOUR_MS
    assert schedule.fall_asleep(0, 0, False) == 60000
    assert schedule.fall_asleep(59000, 0, False) == 61000
    assert schedule.fall_asleep(121000, 0, False) == 59000


def test_a_pending_fault_shortens_the_period():
    """Until it is decided the board looks more often."""
    schedule = Schedule(60000, 5000)
    schedule.beat_ms = HOUR_MS
    assert schedule.fall_asleep(0, 0, False) == 60000
    assert schedule.fall_asleep(60000, 0, True) == 5000
    assert schedule.fall_asleep(65000, 0, False) == 60000


def test_wakes_for_what_is_due_first():
    """A heartbeat or another try does not wait for the next sample."""
    schedule = Schedule(60000, 60000)
    schedule.beat_ms = 40000
    assert schedule.fall_asleep(0, 0, False) == 40000
    assert not schedule.has_to_speak(38999)
    assert schedule.has_to_speak(39000)
    schedule.beat_ms = HOUR_MS
    schedule.retry_ms = 30000
    assert schedule.fall_asleep(0, 0, False) == 30000
    assert schedule.has_to_speak(30000)
    assert not schedule.has_to_speak(29999)


def test_never_asks_for_no_sleep_at_all():
    """What is overdue is due at once, but not in a busy loop."""
    schedule = Schedule(60000, 60000)
    assert schedule.fall_asleep(5000, 0, False) == 10


def test_heartbeats_keep_to_their_grid():
    """One that came late does not delay the next, missed ones are not made up for."""
    schedule = Schedule(60000, 60000)
    schedule.beat_ms = 10000
    schedule.note_spoken(8999, HOUR_MS)
    assert schedule.beat_ms == 10000
    schedule.note_spoken(12000, HOUR_MS)
    assert schedule.beat_ms == 10000 + HOUR_MS
    schedule.note_spoken(5 * HOUR_MS, HOUR_MS)
    assert schedule.beat_ms == 10000 + 5 * HOUR_MS


def test_uptime_goes_on_by_the_clock_that_goes_on():
    """A wake by a pin comes early, and counts as what it was."""
    schedule = Schedule(60000, 60000)
    schedule.beat_ms = HOUR_MS
    schedule.fall_asleep(1000, 500000, False)
    assert schedule.wake_up(500000 + 59000) == 60000
    assert schedule.wake_up(500000 + 20000) == 21000


def test_a_clock_that_was_set_is_not_believed():
    """Then the board slept as long as it was asked to."""
    schedule = Schedule(60000, 60000)
    schedule.beat_ms = HOUR_MS
    schedule.fall_asleep(1000, 500000, False)
    for wall_ms in (0, 499999, 1700000000000):
        assert schedule.wake_up(wall_ms) == 60000


def test_the_receiver_corrects_a_clock_that_runs_wrong():
    """An RC oscillator that runs 2 % slow is put right by two signed times an hour apart."""
    schedule = Schedule(60000, 60000)
    schedule.learn(1700000000000, 1000)
    schedule.learn(1700000060000, 61000)
    assert schedule.skew_ppm == 0
    own_ms = 2 * HOUR_MS
    schedule.learn(1700000000000 + own_ms * 102 // 100, 1000 + own_ms)
    assert schedule.skew_ppm == 20000
    schedule.asked_ms, schedule.at_ms, schedule.wall_ms = 100000, 0, 0
    assert schedule.wake_up(100000) == 102000


def test_no_clock_is_corrected_beyond_reason():
    """A receiver whose own clock was set teaches nothing."""
    schedule = Schedule(60000, 60000)
    schedule.learn(1700000000000, 0)
    schedule.learn(1800000000000, 2 * HOUR_MS)
    assert schedule.skew_ppm == 0
    schedule.learn(None, None)


def test_slow_things_are_kept_hourly():
    """Not at each conversation: flash wears."""
    schedule = Schedule(60000, 60000)
    assert not schedule.keeps_slowly(HOUR_MS - 1)
    assert schedule.keeps_slowly(HOUR_MS)
    assert not schedule.keeps_slowly(HOUR_MS + 60000)
