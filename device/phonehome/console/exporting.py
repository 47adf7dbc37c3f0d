"""`export` and `ack`: the outbox by way of a laptop (WIRE.md 4.8), beside the network.

    export                      every record that waits, in signed reports, as lines
    ack 1/2 BASE64 CRC          the receiver's signed answer to one of them, line by line

Both may be given up in the middle and begun again.
"""

import asyncio

from phonehome_wire.compat import const

from .answer import WordError

_MAX_DOWNLINK_BYTES = const(1024)


async def export(hands, words: list, write) -> None:
    """Print what waits for the receiver; other tasks have their turn behind every line."""
    from phonehome_wire.serial import MARK, done_line

    from .words import expect_no_words

    expect_no_words("export", words)
    if write.is_json:
        raise WordError("export --json: its lines have a form of their own; say 'export'")
    agent, tour = hands.agent, None
    while True:
        tour, report = _next_report(hands.reporter, tour, agent.uptime.now_ms())
        if report is None:
            break
        await _print(report, bool(hands.reporter.identity.kid), write)
        hands.reporter.rest()
    write.line(MARK + done_line(tour.reports, tour.records))
    write("reports", tour.reports)
    write("records", tour.records)


def ack(hands, words: list, write) -> None:
    """Take a line of an answer; behind its last one delete exactly the records that it names."""
    from phonehome_wire.errors import WireError
    from phonehome_wire.serial import NOTHING, is_whole, join

    reporter = hands.reporter
    try:
        held = join(reporter.typed or NOTHING, " ".join(words), _MAX_DOWNLINK_BYTES)
        reporter.typed = None if is_whole(held) else held
        if not is_whole(held):
            write("taken", "%d/%d" % held[:2])
            return
        from phonehome.core.reporting.carried import hear_carried

        deleted, refused = hear_carried(reporter, held[2])
    except WireError as error:
        reporter.typed = None
        raise WordError("ack: %s" % error)
    hands.log.info("courier: %d gone, %d refused", deleted, refused)
    write("deleted", deleted)
    write("refused", refused)
    write("waiting", hands.outbox.depth)


def _next_report(reporter, tour, now_ms: int) -> tuple:
    """(tour, a copy of the next report or None); nothing else is loaded while it is printed."""
    from phonehome.core.reporting.carried import begin_tour, compose_next

    tour = tour or begin_tour(reporter, now_ms)
    view = compose_next(reporter, tour, now_ms)
    return tour, None if view is None else bytes(view)


async def _print(report: bytes, is_signed: bool, write) -> None:
    from phonehome_wire.serial import MARK, closing_line, line_count, numbered_line

    for i in range(line_count(report)):
        write.line(MARK + numbered_line(report, i + 1))
        await asyncio.sleep(0)
    write.line(MARK + closing_line(report, is_signed))
