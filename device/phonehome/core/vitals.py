"""The numbers of a heartbeat: all of them measured, and as many chosen as its bytes allow.

A heartbeat is signed in at most 160 bytes. What does not fit comes with the next one: the choice
goes round through the ids, only uptime and free heap are in each. Needed once a heartbeat.
"""

from phonehome_wire.compat import const
from phonehome_wire.metrics import Metrics

# Folded away on a board; a test holds them to the wire's registry and limits.
_METRIC_ACK_LATENCY_MS = const(19)
_METRIC_ACTIVE_FAULTS = const(13)
_METRIC_BOOTS = const(22)
_METRIC_CONFIG_VERSION = const(16)
_METRIC_CRASH_FREE_MS = const(41)
_METRIC_DROPPED_CRASHES = const(36)
_METRIC_DROPPED_FAULTS = const(35)
_METRIC_DROPPED_HEARTBEATS = const(37)
_METRIC_DROPPED_LOGS = const(34)
_METRIC_DROPPED_OTHERS = const(39)
_METRIC_DROPPED_UNREADABLE = const(38)
_METRIC_DROPS = const(12)
_METRIC_FLASH_COMMITS = const(33)
_METRIC_FS_FREE_KB = const(17)
_METRIC_HEAP_FREE = const(1)
_METRIC_HEAP_LARGEST = const(15)
_METRIC_HEAP_MIN = const(2)
_METRIC_LOOP_MAX_MS = const(8)
_METRIC_MQTT_RECONNECTS = const(5)
_METRIC_OPERATED_MS = const(40)
_METRIC_OUTBOX_DEPTH = const(11)
_METRIC_RESET_CAUSE = const(14)
_METRIC_RSSI_DBM = const(3)
_METRIC_SAMPLES = const(9)
_METRIC_SENSOR_ERRORS = const(10)
_METRIC_UNEXPECTED_RESETS = const(23)
_METRIC_UPTIME_S = const(0)
_METRIC_WIFI_RECONNECTS = const(4)

# 160 signed bytes less the envelope, the largest usual uplink head and the record's own head.
ROOM_BYTES = const(34)
_ALWAYS = [_METRIC_UPTIME_S, _METRIC_HEAP_FREE]

_DROPPED = {
    "log": _METRIC_DROPPED_LOGS,
    "fault": _METRIC_DROPPED_FAULTS,
    "crash": _METRIC_DROPPED_CRASHES,
    "heartbeat": _METRIC_DROPPED_HEARTBEATS,
    "unreadable": _METRIC_DROPPED_UNREADABLE,
}


def note_board(metrics: Metrics, board, wifi, reconnects: int) -> None:
    """Measure the heap and the network; `wifi` may be None."""
    heap_free = board.heap_free()
    least = metrics.get(_METRIC_HEAP_MIN) or heap_free
    metrics.set(_METRIC_HEAP_FREE, heap_free)
    metrics.set(_METRIC_HEAP_MIN, min(least, heap_free))
    metrics.set(_METRIC_HEAP_LARGEST, board.heap_largest())
    metrics.set(_METRIC_MQTT_RECONNECTS, max(0, reconnects))
    if wifi is not None:
        metrics.set(_METRIC_RSSI_DBM, wifi.rssi_dbm())
        metrics.set(_METRIC_WIFI_RECONNECTS, max(0, wifi.reconnects))


def note_life(metrics: Metrics, session, reset_cause: int, now_ms: int) -> None:
    """How long it lives and how well; flash keeps seconds, the rest is of this boot."""
    session.uptime_s = now_ms // 1000
    rest_ms = now_ms % 1000
    metrics.set(_METRIC_UPTIME_S, session.uptime_s)
    metrics.set(_METRIC_RESET_CAUSE, reset_cause)
    metrics.set(_METRIC_OPERATED_MS, session.operated_s * 1000 + rest_ms)
    metrics.set(_METRIC_CRASH_FREE_MS, session.crash_free_s * 1000 + rest_ms)
    metrics.set(_METRIC_BOOTS, session.boot)
    if session.unexpected_resets:
        metrics.set(_METRIC_UNEXPECTED_RESETS, session.unexpected_resets)


def note_work(metrics: Metrics, sampler, outbox, folder) -> None:
    """What was sampled, and what became of the records."""
    metrics.set(_METRIC_LOOP_MAX_MS, metrics.get(_METRIC_LOOP_MAX_MS))
    metrics.set(_METRIC_SAMPLES, sampler.samples)
    metrics.set(_METRIC_SENSOR_ERRORS, sampler.errors)
    metrics.set(_METRIC_ACTIVE_FAULTS, sampler.faults.active_count)
    metrics.set(_METRIC_OUTBOX_DEPTH, outbox.depth)
    metrics.set(_METRIC_DROPS, outbox.dropped)
    others = 0
    for kind, count in outbox.open().drops.items():
        if kind in _DROPPED:
            metrics.set(_DROPPED[kind], count)
        else:
            others += count
    if others:
        metrics.set(_METRIC_DROPPED_OTHERS, others)
    metrics.set(_METRIC_FLASH_COMMITS, folder.commits)
    metrics.set(_METRIC_FS_FREE_KB, folder.free_kb())


def note_sync(metrics: Metrics, latency_ms: int, config_version: int) -> None:
    """How the receiver answers, and what it wants to know of the configuration."""
    metrics.set(_METRIC_ACK_LATENCY_MS, latency_ms)
    metrics.set(_METRIC_CONFIG_VERSION, config_version)


def choose(metrics: Metrics, first: int, room_bytes: int = ROOM_BYTES) -> tuple:
    """(the metrics that fit, the id to begin with next time), from the id `first` on and round."""
    ids = list(metrics.ids())
    turn = [i for i in ids if i >= first] + [i for i in ids if i < first]
    chosen = Metrics(len(ids))
    used = 2  # the head of a map of up to 255
    for metric in [i for i in _ALWAYS if i in ids] + [i for i in turn if i not in _ALWAYS]:
        value = metrics.get(metric)
        used += _width(metric) + _width(value if value >= 0 else -1 - value)
        if used > room_bytes:
            return chosen, metric
        chosen.set(metric, value)
    return chosen, 0


def _width(number: int) -> int:
    """Bytes of an unsigned integer in CBOR."""
    if number < 24:
        return 1
    for width, bits in ((2, 8), (3, 16), (5, 32)):
        if number >> bits == 0:
            return width
    return 9
