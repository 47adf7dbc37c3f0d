"""Command 8: records that were acknowledged, but that the receiver wants again.

A receiver that was restored from a backup asks for what it lost. The flash still holds records
behind their ack until their whole segment is done, so this brings back what is left of a range.
"""

from phonehome_wire.compat import const

from .recordhead import read_head

# Folded away on a board; a test holds them to the wire's registry and limits.
_ARG_RESEND_BOOT = const(0)
_ARG_RESEND_FIRST = const(1)
_ARG_RESEND_LAST = const(2)
_FRAME_BYTES = const(6)
_RESULT_BAD_ARGS = const(2)
_RESULT_OK = const(0)


def resend(args: dict, outbox) -> tuple:
    """Send {0: boot, 1: first seq, 2: last seq} again; the value is how many will be sent."""
    boot = args.get(_ARG_RESEND_BOOT, "")
    first, last = args.get(_ARG_RESEND_FIRST, ""), args.get(_ARG_RESEND_LAST, "")
    if not type(boot) is type(first) is type(last) is int or not 0 <= first <= last:
        return _RESULT_BAD_ARGS, None
    return _RESULT_OK, _revive(outbox.open(), boot, first, last)


def _revive(outbox, boot: int, first: int, last: int) -> int:
    """Mark records of this incarnation as not done; return how many of the range will be sent.

    A part of the outbox that is apart from it because it is rare.
    """
    count = 0
    for run in [run for run in outbox._runs if run.inc == outbox.inc]:  # noqa: SLF001
        records = outbox._segments.load(run.number).records  # noqa: SLF001
        for ordinal, record in enumerate(records[: run.count]):
            _, of_boot, seq = read_head(record)
            if of_boot != boot or not first <= seq <= last:
                continue
            count += 1
            if run.done >> ordinal & 1:
                run.done &= ~(1 << ordinal)
                run.done_count -= 1
                run.live_bytes += _FRAME_BYTES + len(record)
    return count
