"""The numbers of a heartbeat: chosen so that it is always small, and so that all of them come."""

from phonehome.core.session import Session
from phonehome.core.vitals import choose, note_life
from phonehome_wire import registry
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import PAYLOAD_OFFSET, seal
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import put_head, put_heartbeat
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink

MAX_SIGNED_BYTES = 160
WORST = 0xFFFFFFFF  # four bytes, as in ten years of seconds or all of a board's memory
TEN_YEARS_S = 10 * 366 * 86400


def all_metrics(value):
    """Every metric of the registry, and some of an application's."""
    metrics = Metrics(64)  # more than a board has room for: it never has all of them
    earlier = ("METRIC_OPERATED_S", "METRIC_CRASH_FREE_S")  # of agents that counted in seconds
    names = [n for n in dir(registry) if n.startswith("METRIC_") and n not in earlier]
    for name in names:
        metrics.set(getattr(registry, name), value)
    metrics.set(128, value)
    metrics.set(255, value)
    return metrics


def signed_bytes(metrics):
    """The size of a heartbeat alone in a report, after ten years and with nothing left out."""
    ten_years_ms = 10 * 366 * 86400 * 1000
    head = UplinkHead(b"incn", 65535, ten_years_ms, b"bild")
    head.manifest, head.next_seq, head.dropped = b"mani", 0xFFFFFF, 65535
    head.utc_ms, head.utc_quality = 1800000000000 + ten_years_ms, 3
    head.server_ms, head.server_at_ms = head.utc_ms, ten_years_ms
    enc = Encoder(bytearray(2048))
    begin_uplink(enc, head, 1)
    put_head(enc, registry.RTYPE_HEARTBEAT, 65535, 0xFFFFFF, ten_years_ms)
    put_heartbeat(enc, metrics)
    end_uplink(enc, head)
    start, end = seal(enc.buf, enc.pos, bytes(32), bytes(9))
    assert enc.pos > PAYLOAD_OFFSET
    return end - start


def test_the_worst_heartbeat_is_small():
    """With every number at its largest it is signed in at most 160 bytes."""
    for value in (WORST, -WORST, 2**40, 0, 23, 255, 65535):
        first = 0
        for _ in range(60):
            chosen, first = choose(all_metrics(value), first)
            assert signed_bytes(chosen) <= MAX_SIGNED_BYTES, (value, len(chosen))
            assert len(chosen) >= 3


def test_every_metric_has_its_turn():
    """Heartbeat after heartbeat all metrics come, uptime and free heap in each."""
    for value in (7, WORST):
        metrics, first, seen, beats = all_metrics(value), 0, set(), 0
        while len(seen) < len(metrics):
            chosen, first = choose(metrics, first)
            assert chosen.get(registry.METRIC_UPTIME_S) == value
            assert chosen.get(registry.METRIC_HEAP_FREE) == value
            seen |= set(chosen.ids())
            beats += 1
            assert beats <= (6 if value == 7 else 23)  # two at a time


def test_few_metrics_all_fit():
    """Where all fit, all are sent, the zeros too."""
    metrics = Metrics(64)  # more than a board has room for: it never has all of them
    metrics.set(registry.METRIC_UPTIME_S, 300)
    metrics.set(registry.METRIC_ACTIVE_FAULTS, 0)
    chosen, first = choose(metrics, 13)
    assert (list(chosen.ids()), first) == ([0, 13], 0)
    assert chosen.get(registry.METRIC_UPTIME_S) == 300


class Kept:
    """A state that was saved once."""

    def __init__(self):
        self.state = None

    def load(self):
        """What was saved last."""
        return self.state

    def save(self, state):
        """Keep it."""
        self.state = state


def test_operating_time_is_told_in_milliseconds():
    """Over boots and ten years: what flash keeps in seconds and what this boot adds to the ms."""
    kept = Kept()
    before = Session(kept, bytes)
    before.uptime_s = TEN_YEARS_S
    before.begin()
    before.note_crash(is_reset=False)
    before.keep_floor(0)
    metrics = Metrics(64)  # more than a board has room for: it never has all of them
    note_life(metrics, Session(kept, bytes), registry.RESET_POWER_ON, 12345)
    assert metrics.get(registry.METRIC_OPERATED_MS) == TEN_YEARS_S * 1000 + 12345
    assert metrics.get(registry.METRIC_CRASH_FREE_MS) == 12345
    chosen, _ = choose(metrics, registry.METRIC_OPERATED_MS)
    assert chosen.get(registry.METRIC_OPERATED_MS) == TEN_YEARS_S * 1000 + 12345
    assert signed_bytes(chosen) <= MAX_SIGNED_BYTES
