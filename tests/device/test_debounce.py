"""On-delay, off-delay and N-of-M turn verdicts into events."""

from phonehome.core.debounce import (
    EVENT_CONFIRM,
    EVENT_FAIL,
    EVENT_FALL_BACK,
    EVENT_HEAL,
    FAIL,
    NONE,
    NOTHING,
    PASS,
    Debounce,
)

EVENTS = {EVENT_FAIL: "f", EVENT_CONFIRM: "C", EVENT_FALL_BACK: "b", EVENT_HEAL: "H", NOTHING: "."}
VERDICTS = {"P": PASS, "F": FAIL, "-": NONE}


class Spec:
    def __init__(self, on_delay_ms=0, off_delay_ms=0, n=1, m=1):
        self.on_delay_ms = on_delay_ms
        self.off_delay_ms = off_delay_ms
        self.n = n
        self.m = m


def run(verdicts, span_ms=1000, **words):
    """The event of each verdict as a letter, with the state the events lead to."""
    debounce = Debounce([Spec(**words)])
    is_confirmed = False
    events = ""
    for verdict in verdicts:
        event = debounce.judge(0, VERDICTS[verdict], span_ms, is_confirmed)
        events += EVENTS[event]
        if event in (EVENT_CONFIRM, EVENT_HEAL):
            is_confirmed = event == EVENT_CONFIRM
    return events


def test_without_delays_every_verdict_counts():
    """The first failing verdict confirms and the first passing one heals."""
    assert run("PFPFFP") == ".CHCfH"


def test_confirms_when_the_on_delay_is_over():
    """Failing from 0 s on with a delay of 3 s confirms at 3 s; a pass in between starts anew."""
    assert run("FFFFF", on_delay_ms=3000) == "fffCf"
    assert run("FFFPFFFF", on_delay_ms=3000) == "fffbfffC"
    assert run("FFFF", on_delay_ms=2500) == "fffC"
    assert run("FFFFF", on_delay_ms=3001) == "ffffC"


def test_heals_when_the_off_delay_is_over():
    """Passing for the whole delay heals; one failing verdict in between starts anew."""
    assert run("FPPPP", off_delay_ms=3000) == "C...H"
    assert run("FPPFPPPP", off_delay_ms=3000) == "C..f...H"
    assert run("FPPPPP", off_delay_ms=3001) == "C....H"


def test_n_of_m_counts_the_last_m_verdicts():
    """Three of the last five confirm, fewer than three of the last five heal."""
    assert run("FPFPF", n=3, m=5) == "f.f.C"
    assert run("FPPFPPFPP", n=3, m=5) == "f..f..f.."
    assert run("FFFPPPP", n=3, m=5) == "ffC..H."
    assert run("FPPPPP", n=3, m=5) == "f....b"


def test_n_of_m_and_on_delay_together():
    """The delay begins when n of m fail, and a failing verdict ends it."""
    assert run("FFPFFFF", n=2, m=3, on_delay_ms=2000) == "ff.Cfff"
    assert run("FFPPFF", n=2, m=2, on_delay_ms=1000) == "ff.bff"


def test_missing_verdicts_hold_everything():
    """No verdict neither counts, nor lets a delay run, nor falls back."""
    assert run("F-F-F-F", on_delay_ms=3000) == "f.f.f.C"
    assert run("F-----P", off_delay_ms=1000) == "C......"
    assert run("F--F", n=2, m=2) == "f..C"


def test_failing_time_is_from_the_first_to_the_newest_failure():
    """The failing time spans the passes between two failures, not those behind the last."""
    debounce = Debounce([Spec(n=3, m=5)])
    for verdict in (FAIL, PASS, FAIL, PASS):
        debounce.judge(0, verdict, 500, is_confirmed=False)
    assert debounce.failing_ms(0) == 1000
    for verdict in (PASS, PASS, PASS, PASS, FAIL):
        debounce.judge(0, verdict, 500, is_confirmed=False)
    assert debounce.failing_ms(0) == 0, "a new episode begins at zero"


def test_failing_time_stops_at_a_small_integer():
    """Weeks of failing do not overflow the memory set aside for them."""
    debounce = Debounce([Spec()])
    for _ in range(10):
        debounce.judge(0, FAIL, 2**29, is_confirmed=True)
    assert debounce.failing_ms(0) == 2**30 - 1


def test_reset_forgets_the_verdicts():
    """After a reset the delay and the count begin anew."""
    debounce = Debounce([Spec(n=2, m=2)])
    assert debounce.judge(0, FAIL, 1000, is_confirmed=False) == EVENT_FAIL
    debounce.reset(0, is_confirmed=False)
    assert debounce.judge(0, FAIL, 1000, is_confirmed=False) == EVENT_FAIL
    assert debounce.judge(0, FAIL, 1000, is_confirmed=False) == EVENT_CONFIRM


def test_faults_do_not_share_their_counts():
    """What is counted for one fault does not count for its neighbour."""
    debounce = Debounce([Spec(n=2, m=2), Spec(n=2, m=2)])
    assert debounce.judge(0, FAIL, 1000, is_confirmed=False) == EVENT_FAIL
    assert debounce.judge(1, FAIL, 1000, is_confirmed=False) == EVENT_FAIL
    assert debounce.judge(0, FAIL, 1000, is_confirmed=False) == EVENT_CONFIRM
