"""Records of what happened: each is encoded once, in the reporter's buffer, and stored."""

from phonehome.core.ondemand import forget
from phonehome_wire.compat import const
from phonehome_wire.encoder import Encoder
from phonehome_wire.errors import EncodeError
from phonehome_wire.head import put_head

# Folded away on a board; a test holds them to the wire's registry and limits.
_PAYLOAD_OFFSET = const(40)
_RESULT_FAILED = const(3)
_RTYPE_HEARTBEAT = const(2)
_RTYPE_HELLO = const(1)
_RTYPE_LOG = const(5)
_RTYPE_RESULT = const(6)


def begin(reporter, now_ms: int) -> None:
    """Write the boot and say hello, unless that is done."""
    session = reporter.session
    if not session.has_begun:
        session.begin()
        reporter.outbox.inc = session.inc
        add_hello(reporter, now_ms, has_catalog=False)


def add_hello(reporter, now_ms: int, has_catalog: bool) -> bool:
    """Store a hello, with the catalog of channels when the receiver asked for it."""
    from phonehome_wire.hello import put_hello

    enc = _begin_record(reporter, _RTYPE_HELLO, now_ms)
    session, birth = reporter.session, reporter.birth
    put_hello(
        enc,
        birth.agent,
        birth.reset_cause,
        birth.platform,
        session.clean_boot or None,
        session.config_version or None,
        birth.product.catalog() if has_catalog else None,
        session.is_lost or session.is_volatile,
        birth.certainty,
        birth.reset_name,
        birth.died if birth.is_safe else None,
    )
    forget("phonehome_wire.hello")
    return _store(reporter, enc, is_urgent=True)


def fault_of(state, kind: int, channels, frame, context=None):
    """The transition of a fault as the wire has it; `state` is a FaultState, `context` Metrics."""
    from phonehome_wire.fault import Fault

    spec, fault = state.spec, Fault()
    fault.spn, fault.fmi, fault.severity = spec.spn, spec.fmi, spec.severity
    fault.channel = None if spec.sensor is None else channels[spec.sensor].id
    fault.status, fault.occurrence = state.status, state.occurrence
    fault.exp, fault.value, fault.limit = state.exp, state.value, state.limit
    fault.failing_ms, fault.kind, fault.frame = state.failing_ms, kind, frame
    fault.context = context
    return fault


def add_fault(reporter, fault, now_ms: int, is_urgent: bool) -> bool:
    """Store a transition of a fault."""
    from phonehome_wire.fault import encode_fault

    begin(reporter, now_ms)
    session, enc = reporter.session, Encoder(reporter.buf)
    encode_fault(enc, session.boot, session.take_seq(), now_ms, fault)
    return _store(reporter, enc, is_urgent)


def add_crash(reporter, crash, now_ms: int) -> bool:
    """Store a crash."""
    from phonehome_wire.crash import encode_crash

    begin(reporter, now_ms)
    session, enc = reporter.session, Encoder(reporter.buf)
    encode_crash(enc, session.boot, session.take_seq(), now_ms, crash)
    forget("phonehome_wire.crash")
    return _store(reporter, enc, is_urgent=True)


def add_log(reporter, crumbs: list, now_ms: int) -> bool:
    """Store an excerpt of the log: 1..32 breadcrumbs, oldest first."""
    from phonehome_wire.log import put_log

    enc = _begin_record(reporter, _RTYPE_LOG, now_ms)
    put_log(enc, crumbs)
    return _store(reporter, enc, is_urgent=False)


def add_result(reporter, cseq: int, status: int, value, now_ms: int) -> bool:
    """Store the result of a command; a value that has no room makes it a failed one."""
    from phonehome_wire.result import put_result

    enc = _begin_record(reporter, _RTYPE_RESULT, now_ms)
    body = enc.pos
    try:
        put_result(enc, cseq, status, value)
    except EncodeError:
        enc.pos = body
        put_result(enc, cseq, _RESULT_FAILED)
    return _store(reporter, enc, is_urgent=True)


def make_heartbeat(reporter, now_ms: int) -> None:
    """Measure and encode it; one that was never acknowledged is given up and counted."""
    from phonehome_wire.heartbeat import put_heartbeat

    reporter.is_beat_due = False
    if reporter.heartbeat is not None:
        reporter.outbox.open().drop("heartbeat")
    reporter.heartbeat_key = (reporter.session.boot, reporter.session.next_seq)
    enc = _begin_record(reporter, _RTYPE_HEARTBEAT, now_ms)
    put_heartbeat(enc, reporter.measure(now_ms))
    reporter.heartbeat = bytes(_written(enc))


def _begin_record(reporter, rtype: int, now_ms: int) -> Encoder:
    begin(reporter, now_ms)
    enc = Encoder(reporter.buf)
    put_head(enc, rtype, reporter.session.boot, reporter.session.take_seq(), now_ms)
    return enc


def _written(enc: Encoder) -> memoryview:
    return memoryview(enc.buf)[_PAYLOAD_OFFSET : enc.pos]


def _store(reporter, enc: Encoder, is_urgent: bool) -> bool:
    is_stored: bool = reporter.outbox.open().append(_written(enc), is_urgent)
    return is_stored
