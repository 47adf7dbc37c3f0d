"""The log ring: newest lines in fixed memory, in the way of Python's logging."""

from phonehome.core.lastwords import crumbs_of
from phonehome.core.logcommands import send_log, set_level
from phonehome.core.logring import Logger, LogRing
from phonehome_wire import registry


class Clock:
    time_ms = 1000

    def now_ms(self):
        return self.time_ms


class Reporter:
    """Takes excerpts."""

    def __init__(self):
        self.told = []

    def add_log(self, crumbs, now_ms):
        self.told.append(crumbs)
        return True


def lines(ring):
    """The texts that are kept, oldest first."""
    return [crumb[2] for crumb in crumbs_of(ring.lines, ring.next, 1000, 32)]


def test_the_newest_lines_stay():
    """The seventeenth line pushes out the first."""
    ring = LogRing(Clock())
    log = Logger(ring, "x")
    assert lines(ring) == []
    for number in range(20):
        log.info("line %d", number)
    assert lines(ring) == [f"line {number}" for number in range(4, 20)]


def test_levels():
    """Below the level nothing is kept; a logger of its own level has precedence."""
    ring = LogRing(Clock())
    log, other = Logger(ring, "a"), Logger(ring, "b")
    log.debug("no")
    log.setLevel(10)
    log.debug("yes")
    other.debug("no")
    other.warning("w")
    other.critical("c")
    assert lines(ring) == ["yes", "w", "c"]
    severities = [crumb[3] for crumb in crumbs_of(ring.lines, ring.next, 1000, 32)]
    assert severities == [7, 4, 2]


def test_a_line_never_fails():
    """Arguments that do not fit, texts too long, and characters cut in half are survived."""
    ring = LogRing(Clock())
    log = Logger(ring, "a name of many letters")
    log.info("%d and %d", 1)  # noqa: PLE1206  # what is tested
    log.info("x" * 100)
    log.info("é" * 31)
    log.info("%s", "x" * 31 + "é")
    assert lines(ring) == ["%d and %d", "x" * 32, "é" * 16, "x" * 31]
    assert crumbs_of(ring.lines, ring.next, 1000, 1)[0][1] == "a name of "


def test_age_survives_the_wrap():
    """Lines are dated by the low 30 bits of the uptime; their age is right across the wrap."""
    clock = Clock()
    clock.time_ms = 2**30 - 500
    ring = LogRing(clock)
    Logger(ring, "x").info("late")
    assert crumbs_of(ring.lines, ring.next, 2**30 + 700, 1)[0][0] == -1200


def test_the_receiver_asks_for_lines():
    """Command 7 stores an excerpt of as many lines as it wants, and says how many there were."""
    ring, reporter = LogRing(Clock()), Reporter()
    log = Logger(ring, "x")
    assert send_log({}, ring, reporter, 1000) == (0, 0)
    for number in range(5):
        log.info("line %d", number)
    assert send_log({0: 2}, ring, reporter, 2000) == (0, 2)
    assert reporter.told == [[(-1000, "x", "line 3", 6), (-1000, "x", "line 4", 6)]]
    for bad in (0, 33, "2"):
        status, _ = send_log({0: bad}, ring, reporter, 1)
        assert status == registry.RESULT_BAD_ARGS


def test_the_receiver_sets_levels():
    """Command 9 sets the level of all loggers or of one, in severities; nonsense is refused."""
    ring = LogRing(Clock())
    a, b = Logger(ring, "a"), Logger(ring, "b")
    assert set_level({0: 7, 1: "a"}, ring) == (0, None)
    assert (a.isEnabledFor(10), b.isEnabledFor(10)) == (True, False)
    assert set_level({0: 3}, ring) == (0, None)
    assert (a.isEnabledFor(30), b.isEnabledFor(40)) == (False, True)
    for bad in ({}, {0: 8}, {0: -1}, {0: "7"}, {0: 7, 1: 5}):
        assert set_level(bad, ring)[0] == registry.RESULT_BAD_ARGS
