"""How it does, in answers that fit on a screen."""

import sys

from phonehome.core.ondemand import forget
from phonehome_wire.compat import const

from .words import expect_no_words

# Folded away on a board; a test holds it to core.faults.
_CONFIRMED = const(2)

# Of RESET_* and CERTAINTY_* of the wire, by number.
RESETS = (
    "unknown",
    "power_on",
    "hard",
    "watchdog",
    "deep_sleep",
    "soft",
    "brown_out",
    "panic",
    "commanded",
    "crash",
    "out_of_memory",
    "update",
    "pin",
)
CERTAINTIES = ("none", "guessed", "likely", "sure")

_STATS = "phonehome.core.stats"


def tell_version(hands, words: list, write) -> None:
    """Who this is: device, agent, board, firmware, product."""
    expect_no_words("version", words)
    birth, product = hands.reporter.birth, hands.product
    write("device", hands.reporter.identity.device.hex())
    write("agent", birth.agent)
    write("build", birth.build.hex())
    write("board", birth.platform)
    write("firmware", sys.version)
    write("product", product.name)
    write("product_version", product.version)
    write("manifest", product.manifest and product.manifest.hex())


def tell_status(hands, words: list, write) -> None:
    """What somebody wants to know first."""
    expect_no_words("status", words)
    agent, reporter = hands.agent, hands.reporter
    faults = hands.sampler.faults
    write("device", reporter.identity.device.hex())
    write("product", hands.product.name)
    write("application", "off, too many boots died young" if agent.is_safe else "runs")
    write("uptime_s", hands.now_ms // 1000)
    write("boot", hands.session.boot)
    write("reset", _reset_of(agent))
    write("faults", [s.code for i, s in enumerate(faults.specs) if faults.state(i) == _CONFIRMED])
    write("sensor_errors", hands.sampler.errors)
    write("records_waiting", hands.outbox.depth)
    write("key", "active" if reporter.identity.kid else "none, nothing is sent")
    write("link", "open" if hands.link.is_open else "closed")
    write("last_ack_s", _ago_s(hands))
    write("clock", "set" if reporter.clock.is_anchored else "not heard yet")
    write("config_version", hands.session.config_version)
    write("heap_free_bytes", hands.board.heap_free())
    write("pin", "asked for" if hands.config.pin else "none, nothing is guarded")


def tell_reset(hands, words: list, write) -> None:
    """Why this boot started, and how sure that is."""
    expect_no_words("reset-reason", words)
    cause, certainty, name = hands.agent.reset_reason
    write("reset", RESETS[cause] if cause < len(RESETS) else cause)
    write("certainty", CERTAINTIES[certainty])
    write("name", name or None)
    write("boot", hands.session.boot)
    write("unexpected_resets", hands.session.unexpected_resets)
    write("boots_died_young", hands.reporter.birth.died)


def tell_queue(hands, words: list, write) -> None:
    """What waits for the receiver, and what was given up."""
    from phonehome.core.recordhead import kind_of, read_head

    expect_no_words("queue", words)
    outbox = hands.outbox.open()
    write("records_waiting", outbox.depth)
    write(
        "in_flight", len(hands.reporter.in_flight.ids) if hands.reporter.in_flight.is_open else 0
    )
    counts: dict = {}
    first = last = None
    for record in outbox.live_records():
        kind = kind_of(record)
        counts[kind] = counts.get(kind, 0) + 1
        last = "%d/%d" % read_head(record)[1:]
        first = first or last
    for kind in sorted(counts):
        write(kind, counts[kind])
    write("oldest", first)
    write("newest", last)
    write("dropped", ["%s %d" % (kind, outbox.drops[kind]) for kind in sorted(outbox.drops)])


def tell_net(hands, words: list, write) -> None:
    """The way to the receiver, step by step."""
    expect_no_words("net", words)
    config, wifi, link = hands.config, hands.wifi, hands.link
    write("server", config.server)
    write("wifi", config.wifi["ssid"] if config.wifi else None)
    if wifi is not None:
        write("wifi_joined", wifi.is_joined)
        write("rssi_dbm", wifi.rssi_dbm() if wifi.is_joined else None)
        write("wifi_reconnects", max(0, wifi.reconnects))
    write("link", "open" if link.is_open else "closed")
    write("link_reconnects", max(0, link.reconnects))
    phase, wait_ms = hands.sending_state()
    write("failing_phase", phase or None)
    write("next_try_s", None if wait_ms is None else wait_ms // 1000)
    write("last_ack_s", _ago_s(hands))
    write("ack_latency_ms", hands.reporter.ack_latency_ms or None)
    write("clock", "set" if hands.reporter.clock.is_anchored else "not heard yet")


def tell_heap(hands, words: list, write) -> None:
    """Free memory of the program, and the largest piece of it."""
    expect_no_words("heap", words)
    write("heap_free_bytes", hands.board.heap_free())
    write("heap_largest_bytes", hands.board.heap_largest())


def tell_stats(hands, words: list, write) -> None:
    """What the agent counts, and how long the flash lasts."""
    from phonehome.core.stats import tell

    expect_no_words("stats", words)
    parts = (hands.session, hands.outbox.open(), hands.folder)

    def tell_line(line: str) -> None:
        name, value = line.split(": ", 1)
        write(name.replace(" ", "_"), value)

    tell(tell_line, *parts, hands.now_ms // 1000)
    forget(_STATS)


def _reset_of(agent) -> str:
    cause, certainty, name = agent.reset_reason
    told = RESETS[cause] if cause < len(RESETS) else str(cause)
    return "%s, %s%s" % (told, CERTAINTIES[certainty], name and ": " + name)


def _ago_s(hands) -> "int | None":
    """Seconds since the report was signed that the newest ack belongs to."""
    acked_ms = hands.reporter.acked_ms
    return None if acked_ms < 0 else (hands.now_ms - acked_ms) // 1000
