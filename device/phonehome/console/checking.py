"""The self-test: what can be found out beside the board, without a network and in a second."""

from phonehome_wire.compat import const

from .words import expect_no_words

_MISSING = const(-(2**31))  # as in core.channel
_FILE = "selftest.bin"
_PATTERN_BYTES = const(512)
_TLS_BYTES = const(17100)  # the largest block that a handshake takes (16.7 KB)


def selftest(hands, words: list, write) -> None:
    """A row for each check: ok, failed, or skipped where there is nothing to check."""
    expect_no_words("selftest", words)
    failed = 0
    for name, check in _CHECKS:
        try:
            result, detail = check(hands)
        except Exception as error:  # a check that cannot be made has failed
            result, detail = "failed", "%s %s" % (type(error).__name__, error)
        failed += result == "failed"
        write.row("checks", ("name", name), ("result", result), ("detail", detail))
    write("failed", failed)


def _flash(hands) -> tuple:
    """Write a file, read it, remove it."""
    folder = hands.folder
    pattern = hands.board.random_bytes(16) * (_PATTERN_BYTES // 16)
    folder.replace(_FILE, pattern)
    is_same = folder.read(_FILE) == pattern
    folder.remove(_FILE)
    return _verdict(is_same), "%d KB free" % folder.free_kb()


def _key(hands) -> tuple:
    kid = hands.reporter.identity.kid
    return _verdict(bool(kid)), "epoch %d" % kid[8] if kid else "none; provision the board"


def _sensors(hands) -> tuple:
    if hands.agent.is_safe:
        return "skipped", "the application is off"
    silent = [c.name for c in hands.product.channels if c.value == _MISSING]
    count = len(hands.product.channels)
    return _verdict(not silent), "no value: " + ", ".join(silent) if silent else "%d read" % count


def _outbox(hands) -> tuple:
    outbox = hands.outbox.open()
    count = 0
    for _ in outbox.live_records():
        count += 1
    return _verdict(count == outbox.depth), "%d records readable" % count


def _memory(hands) -> tuple:
    hands.board.heap_free()
    largest = hands.board.heap_largest()
    needed = _TLS_BYTES if hands.config.is_secure and not hands.link.is_open else 0
    return _verdict(largest >= needed), "%d bytes in one piece" % largest


def _wifi(hands) -> tuple:
    if hands.wifi is None:
        return "skipped", "no Wi-Fi is set"
    return _verdict(hands.wifi.is_joined), hands.config.wifi["ssid"]


def _receiver(hands) -> tuple:
    acked_ms = hands.reporter.acked_ms
    if acked_ms < 0:
        return "failed", hands.sending_state()[0] or "no ack since the start"
    return "ok", "ack %d s ago" % ((hands.now_ms - acked_ms) // 1000)


def _watchdog(hands) -> tuple:
    if not hands.config.watchdog_ms:
        return "skipped", "off in the settings"
    return ("ok", "on") if hands.has_watchdog else ("skipped", "off, service or a computer")


def _verdict(is_good: bool) -> str:
    return "ok" if is_good else "failed"


_CHECKS = (
    ("flash", _flash),
    ("key", _key),
    ("sensors", _sensors),
    ("outbox", _outbox),
    ("memory", _memory),
    ("watchdog", _watchdog),
    ("wifi", _wifi),
    ("receiver", _receiver),
)
