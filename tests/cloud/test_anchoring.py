"""Event times: the true one is inside the claimed window, and the window is small."""

import random

import pytest

from phonehome_cloud.core.anchoring import (
    ANCHORED,
    BOUNDED,
    RECEIVED,
    UPPER_ONLY,
    BootBounds,
    EventTime,
    place,
    window,
)
from phonehome_cloud.core.sessions import Journal
from phonehome_wire.uplink import UplinkHead

BOOTED_AT = 1_795_000_000_000
HOUR_MS = 3_600_000


class Link:
    """A device whose crystal is `ppm` fast, and the way of its reports to the receiver."""

    def __init__(self, ppm, median_ms, tail_ms, seed):
        self.ppm = ppm
        self.median_ms = median_ms
        self.tail_ms = tail_ms
        self.random = random.Random(seed)
        self.journal = Journal({})
        self.echo = None

    def uptime(self, at):
        """What the device's clock shows at a true instant."""
        return int((at - BOOTED_AT) * (1 + self.ppm / 1e6))

    def delay_ms(self):
        """One way through the network; now and then a long one."""
        if self.random.random() < 0.05:
            return int(self.random.uniform(self.median_ms, self.tail_ms))
        return int(self.random.expovariate(1 / self.median_ms)) + 1

    def report(self, at):
        """Sign, send, receive, and hear the ack."""
        head = UplinkHead(b"inc1", 1, self.uptime(at), b"abcd")
        if self.echo is not None:
            head.server_ms, head.server_at_ms = self.echo
        received_at = at + self.delay_ms()
        self.journal.take("d" * 16, "1" * 8, head, received_at, is_replay=False)
        heard_at = received_at + self.delay_ms()
        self.echo = received_at, self.uptime(heard_at)

    def bounds(self):
        """What the store would have kept of it."""
        kept = {(a.kind, a.slot): (a.device_ms, a.utc_ms) for a in self.journal.anchors}
        uppers = [bound for (kind, _), bound in kept.items() if kind == 0]
        lowers = [bound for (kind, _), bound in kept.items() if kind == 1]
        return BootBounds(uppers, lowers, max(at for at, _ in uppers))


def run(link, report_times, event_times):
    """(error, claimed half width) of each event, placed when the next report has come."""
    results = []
    events = list(event_times)
    for at in report_times:
        link.report(at)
        while events and events[0] <= at:
            event_at = events.pop(0)
            found = place(link.uptime(event_at), at, link.bounds(), None, None)
            results.append((abs(found.at - event_at), found.uncertainty_ms, found.quality))
    return results


def percentile(numbers, share):
    """The number below which this share of them lies."""
    return sorted(numbers)[int(len(numbers) * share)]


def test_a_day_of_heartbeats_places_events_within_tens_of_ms():
    """Every 300 s, Wi-Fi delay, 40 ppm: all 288 events inside a window of about 60 ms."""
    link = Link(40, 12, 400, seed=1)
    reports = [BOOTED_AT + 20_000 + i * 300_000 for i in range(291)]
    results = run(link, reports, [at + 150_000 for at in reports[2:-1]])
    assert len(results) == 288
    assert all(quality == ANCHORED for *_, quality in results)
    assert all(error <= claimed for error, claimed, _ in results)
    assert percentile([error for error, *_ in results], 0.5) <= 20
    assert percentile([claimed for _, claimed, _ in results], 0.5) <= 80


def test_an_outage_of_six_hours_widens_the_window_and_stays_true():
    """Events of the gap, placed at the first report after it: the drift of hours is claimed."""
    link = Link(40, 12, 400, seed=2)
    day = [BOOTED_AT + 20_000 + i * 300_000 for i in range(72)]
    after = [day[-1] + 6 * HOUR_MS + i * 300_000 for i in range(10)]
    gap = [day[-1] + i * 100_000 for i in range(1, 216)]
    results = run(link, day + after, gap)
    assert len(results) == 215
    assert all(error <= claimed for error, claimed, _ in results)
    assert percentile([error for error, *_ in results], 0.5) <= 300
    assert percentile([claimed for _, claimed, _ in results], 0.95) <= 2_500


def test_a_bad_link_stays_true():
    """Half a second median, ten seconds tail, a report every quarter of an hour."""
    link = Link(-40, 500, 10_000, seed=3)
    reports = [BOOTED_AT + 20_000 + i * 900_000 for i in range(99)]
    results = run(link, reports, [at + 450_000 for at in reports[2:-1]])
    assert len(results) == 96
    assert all(error <= claimed for error, claimed, _ in results)
    assert percentile([error for error, *_ in results], 0.95) <= 1_000


@pytest.mark.parametrize("ppm", [-100, 0, 100])
def test_the_window_holds_at_the_limit_of_the_drift(ppm):
    """A crystal at its limit still leaves the truth inside."""
    link = Link(ppm, 12, 400, seed=4)
    reports = [BOOTED_AT + 20_000 + i * 300_000 for i in range(100)]
    results = run(link, reports, [at + 299_000 for at in reports[2:-1]])
    assert all(error <= claimed + 1 for error, claimed, _ in results)


def test_without_a_lower_bound_the_window_is_a_minute():
    """One report and no echo: not later than its arrival, a minute earlier at most."""
    found = place(40_000, 999, BootBounds([(50_000, BOOTED_AT + 50_000)], [], 50_000), None, None)
    assert (found.uncertainty_ms, found.quality) == (30_000, UPPER_ONLY)
    assert found.at == BOOTED_AT + 40_000 + 1 - 30_000


def test_bounds_that_contradict_each_other_are_no_anchor():
    """The receiver's clock was set back: the arrival counts, with the window of no echo."""
    own = BootBounds([(50_000, BOOTED_AT)], [(40_000, BOOTED_AT + HOUR_MS)], 50_000)
    assert place(45_000, 0, own, None, None).quality == UPPER_ONLY


def test_a_boot_that_never_spoke_lies_between_its_neighbours():
    """After the last word of the boot before, before the start of the boot after."""
    before = BootBounds([(60_000, BOOTED_AT + 60_000)], [(50_000, BOOTED_AT + 50_000)], 60_000)
    after = BootBounds([(5_000, BOOTED_AT + HOUR_MS)], [], 5_000)
    found = place(10_000, BOOTED_AT + 2 * HOUR_MS, None, before, after)
    low, high = found.at - found.uncertainty_ms, found.at + found.uncertainty_ms
    assert found.quality == BOUNDED
    assert low == pytest.approx(BOOTED_AT + 60_000 + 10_000, abs=5)
    assert high == pytest.approx(BOOTED_AT + HOUR_MS - 5_000, abs=5)


def test_without_any_neighbour_only_the_arrival_is_known():
    """Nothing is claimed about how long it took."""
    assert place(10_000, 777, None, None, None) == EventTime(777, None, RECEIVED)


def test_a_boot_after_it_is_an_upper_bound_alone():
    """The first boot of a device may never have spoken."""
    after = BootBounds([(5_000, BOOTED_AT + HOUR_MS)], [], 5_000)
    found = place(10_000, BOOTED_AT + 2 * HOUR_MS, None, None, after)
    assert (found.quality, found.uncertainty_ms) == (RECEIVED, None)
    assert found.at == pytest.approx(BOOTED_AT + HOUR_MS - 5_000, abs=5)


def test_more_bounds_never_widen_a_window():
    """Each bound is true by itself, so the tightest counts."""
    few = BootBounds([(50_000, 150_100)], [(40_000, 139_900)], 50_000)
    more = BootBounds([*few.uppers, (51_000, 151_030)], [*few.lowers, (41_000, 140_990)], 51_000)
    assert window(45_000, more)[1] <= window(45_000, few)[1]
    assert window(45_000, more)[0] >= window(45_000, few)[0]
