"""Reports for a courier, and the acks that a courier brings back, perhaps days and boots later.

A courier is not trusted with anything: what it carries away is signed as for the network, what it
brings is proven before it does anything. Nothing here touches what is in flight, the pace, or the
clock, so that the network goes on beside it; what goes both ways is stored once.
"""

from phonehome.core.recordhead import read_head
from phonehome_wire.compat import const
from phonehome_wire.envelope import seal
from phonehome_wire.errors import RefusedError
from phonehome_wire.heard import Ack, open_downlink
from phonehome_wire.plain import wrap_plain

from .records import begin
from .reports import make_head, put_report

# Folded away on a board; a test holds them to the wire's registry and limits.
_BATCH_OVERHEAD_BYTES = const(105)
_MAX_BATCH_BYTES = const(1400)
_MAX_RECORDS = const(64)


class Tour:
    """How far an export is: what is done stays done, whatever happens to the outbox meanwhile.

    Records have rising (boot, seq) within their incarnation. Those made after the export began are
    not in it, or it might never end.
    """

    def __init__(self, session) -> None:
        self.done_incs: list = []
        self.after = (-1, -1)  # the newest (boot, seq) exported of the incarnation in hand
        self.end = (session.inc, (session.boot, session.next_seq))
        self.reports = self.records = 0


def begin_tour(reporter, now_ms: int) -> Tour:
    """Start an export; the boot is on flash before anything is signed under it."""
    begin(reporter, now_ms)
    return Tour(reporter.session)


def compose_next(reporter, tour: Tour, now_ms: int) -> "memoryview | None":
    """The next report of an export, None behind the last: signed, or plain for want of a key.

    A view of the reporter's buffer, to be copied before anybody else has a turn.
    """
    inc, records = _choose(reporter.outbox.open(), tour)
    if not records:
        return None
    tour.reports += 1
    tour.records += len(records)
    head, identity = make_head(reporter, inc, now_ms), reporter.identity
    head.is_carried = True
    enc = put_report(reporter, head, records)
    if identity.kid:
        start, end = seal(enc.buf, enc.pos, identity.up_key, identity.kid)
    else:
        start, end = wrap_plain(enc.buf, enc.pos, identity.device)
    return memoryview(enc.buf)[start:end]


def hear_carried(reporter, message) -> tuple:
    """Take the ack that a courier brings; (records deleted, records put into quarantine).

    Records have one identity for ever, so that what an ack names is committed whenever it comes,
    in whatever boot. WireError when it is not the receiver's word to this device, or is no ack.
    """
    identity = reporter.identity
    if identity.change is not None:
        said = identity.change.open(message)
    else:
        said = open_downlink(message, identity.down_key, identity.kid)
    if not isinstance(said, Ack):
        raise RefusedError("schema", "a courier brings acks only")
    inc, outbox = said.origin_inc or said.inc, reporter.outbox.open()
    depth = outbox.depth
    for boot, seq, code in said.refused:
        outbox.quarantine(inc, boot, seq, code)
    quarantined = depth - outbox.depth
    deleted = 0
    for run in [run for run in outbox._runs if run.inc == inc]:  # noqa: SLF001
        keys = [read_head(record)[1:] for record in outbox._records(run)]  # noqa: SLF001
        keys = [key for key in keys if _is_named(key, said.stored)]
        if keys:
            deleted += outbox.remove(inc, keys)
    return deleted, quarantined


def _choose(outbox, tour: Tour) -> tuple:
    """(incarnation, copies of records) of the next report; no records: nothing is left."""
    incs: list = []
    for run in outbox._runs:  # noqa: SLF001
        if run.inc is not None and run.inc not in incs + tour.done_incs:
            incs.append(run.inc)
    for inc in incs:
        chosen = _choose_of(outbox, inc, tour)
        if chosen:
            tour.after = read_head(chosen[-1])[1:]
            return inc, chosen
        tour.done_incs.append(inc)
        tour.after = (-1, -1)
    return b"", []


def _choose_of(outbox, inc: bytes, tour: Tour) -> list:
    """The next records of one incarnation: copied, because a view keeps a whole segment."""
    chosen: list = []
    room = _MAX_BATCH_BYTES - _BATCH_OVERHEAD_BYTES
    for run in outbox._runs:  # noqa: SLF001
        if run.inc != inc or run.done_count == run.count:
            continue
        for record in outbox._records(run):  # noqa: SLF001
            key = read_head(record)[1:]
            if key <= tour.after or (inc == tour.end[0] and key >= tour.end[1]):
                continue
            room -= len(record)
            if len(chosen) == _MAX_RECORDS or (chosen and room < 0):
                return chosen
            chosen.append(bytes(record))
    return chosen


def _is_named(key: tuple, ranges: list) -> bool:
    boot, seq = key
    return any(boot == named and low <= seq <= high for named, low, high in ranges)
