"""Records into the outbox, reports out of it, and the receiver's word about them.

Everything is written in the one buffer that is allocated here: a record is encoded once and copied
to flash; a report is put together and signed in place (WIRE.md 3.1 and 4.2). Nothing here waits.
"""

from phonehome_wire.compat import const
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import PAYLOAD_OFFSET, seal
from phonehome_wire.errors import EncodeError
from phonehome_wire.fault import encode_fault
from phonehome_wire.head import put_head
from phonehome_wire.heard import Ack, Command, open_downlink
from phonehome_wire.metrics import put_heartbeat
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink

from .inflight import InFlight
from .ondemand import forget
from .recordhead import read_head

# Folded away on a board; a test holds them to the wire's registry and limits.
_BATCH_OVERHEAD_BYTES = const(105)
_MAX_BATCH_BYTES = const(1400)
_POLL_COMMANDS = const(2)
_POLL_HELLO = const(1)
_RESULT_EXPIRED = const(4)
_RESULT_FAILED = const(3)
_RTYPE_HEARTBEAT = const(2)
_RTYPE_HELLO = const(1)
_RTYPE_LOG = const(5)
_RTYPE_RESULT = const(6)
_SEND_BUFFER_BYTES = const(2048)


class Reporter:
    """Speaks for the device; `birth` says who it is, `measure(now_ms)` gives Metrics.

    `execute(code, args)` carries out a command and returns (RESULT_*, value or None). After
    `hear`, `pause_s` is the back-off of the newest ack (None: none) and `wants_poll` says that
    commands wait.
    """

    def __init__(self, identity, session, clock, outbox, birth, measure, execute) -> None:
        self._identity = identity
        self._session = session
        self._clock = clock
        self._outbox = outbox
        self._birth = birth
        self._measure = measure
        self._execute = execute
        self._buf = bytearray(_SEND_BUFFER_BYTES)
        self._enc = Encoder(self._buf)
        self._head = UplinkHead(session.inc, session.boot, 0, birth.build)
        self._head.manifest = birth.manifest
        self._is_beat_due = False
        self._heartbeat: bytes | None = None  # the newest that is not acknowledged, encoded
        self._heartbeat_key: tuple = ()
        self._last_cseq = -1
        self.in_flight = InFlight()
        self.pause_s: int | None = None
        self.wants_poll = False
        self.ack_latency_ms = 0

    @property
    def has_anything(self) -> bool:
        """True when there is something to say."""
        is_beating = self._is_beat_due or self._heartbeat is not None
        return self.wants_poll or is_beating or self._outbox.depth > 0

    def begin(self, now_ms: int) -> None:
        """Write the boot and say hello; everything else does it first when it was not done yet."""
        if not self._session.has_begun:
            self._session.begin()
            self._outbox.inc = self._session.inc
            self.add_hello(now_ms)

    def add_hello(self, now_ms: int, has_catalog: bool = False) -> bool:
        """Store a hello, with the catalog of channels when the receiver asked for it."""
        from phonehome_wire.hello import put_hello

        self._begin_record(_RTYPE_HELLO, now_ms)
        session, birth = self._session, self._birth
        put_hello(
            self._enc,
            birth.agent,
            birth.reset_cause,
            birth.platform,
            session.clean_boot or None,
            session.config_version or None,
            birth.catalog() if has_catalog else None,
            session.is_lost or session.is_volatile,
            birth.certainty,
            birth.reset_name,
        )
        forget("phonehome_wire.hello")
        return self._store(is_urgent=True)

    def add_fault(self, fault, now_ms: int, is_urgent: bool) -> bool:
        """Store a transition of a fault."""
        self.begin(now_ms)
        session = self._session
        self._enc.reset()
        encode_fault(self._enc, session.boot, session.take_seq(), now_ms, fault)
        return self._store(is_urgent)

    def add_crash(self, crash, now_ms: int) -> bool:
        """Store a crash."""
        from phonehome_wire.crash import encode_crash

        self.begin(now_ms)
        session = self._session
        self._enc.reset()
        encode_crash(self._enc, session.boot, session.take_seq(), now_ms, crash)
        forget("phonehome_wire.crash")
        return self._store(is_urgent=True)

    def add_log(self, crumbs: list, now_ms: int) -> bool:
        """Store an excerpt of the log: 1..32 breadcrumbs, oldest first."""
        from phonehome_wire.log import put_log

        self._begin_record(_RTYPE_LOG, now_ms)
        put_log(self._enc, crumbs)
        forget("phonehome_wire.log")
        return self._store(is_urgent=False)

    def release(self) -> None:
        """Give the buffer back to the heap, for the last words of a boot that has no other."""
        self._buf = self._enc = None  # type: ignore[assignment]

    def add_result(self, cseq: int, status: int, value, now_ms: int) -> bool:
        """Store the result of a command; a value that has no room makes it a failed one."""
        from phonehome_wire.result import put_result

        self._begin_record(_RTYPE_RESULT, now_ms)
        body = self._enc.pos
        try:
            put_result(self._enc, cseq, status, value)
        except EncodeError:
            self._enc.pos = body
            put_result(self._enc, cseq, _RESULT_FAILED)
        forget("phonehome_wire.result")
        return self._store(is_urgent=True)

    def beat(self) -> None:
        """Put a heartbeat into the next report; the newest one only, it is measured at signing."""
        self._is_beat_due = True

    def compose(self, now_ms: int):
        """Put together and sign the next report; a view of the buffer, or None: nothing to say.

        The view is valid until the next record or report: whoever sends it copies it first.
        """
        self.begin(now_ms)
        if self._is_beat_due:
            self._make_heartbeat(now_ms)
        limit = self.in_flight.limit
        room = _MAX_BATCH_BYTES - _BATCH_OVERHEAD_BYTES - len(self._heartbeat or b"")
        inc, records = self._outbox.batch(limit - 1 or 1, room)
        keys = [read_head(record)[1:] for record in records]
        if self._heartbeat and inc == self._session.inc and len(records) < limit:
            records.append(self._heartbeat)
            keys.append(self._heartbeat_key)
        if not records and not self.wants_poll:
            return None
        self.wants_poll = False
        self.in_flight.begin(inc, keys, now_ms)
        return self._sign(records, inc, now_ms)

    def compose_state(self, state: int, conn: int, now_ms: int) -> bytes:
        """The signed word for the state topic: STATE_ONLINE or STATE_OFFLINE of a connection."""
        self.begin(now_ms)
        self._head.state, self._head.conn = state, conn
        message = bytes(self._sign([], self._session.inc, now_ms))
        self._head.state = self._head.conn = None
        return message

    def hear(self, message, now_ms: int) -> str:
        """Take a downlink message and act on it; return what it was: ack, command or ignored.

        WireError when it is not from the receiver or breaks a rule of the wire.
        """
        said = open_downlink(message, self._identity.down_key, self._identity.kid)
        session = self._session
        if isinstance(said, Ack) and said.inc == session.inc and said.boot == session.boot:
            self._hear_ack(said, now_ms)
            return "ack"
        if isinstance(said, Command) and said.inc == session.inc and said.boot == session.boot:
            return self._hear_command(said, now_ms)
        return "ignored"

    def fail(self, is_malformed: bool) -> None:
        """The report in flight failed; when it was unreadable repeatedly, isolate the cause."""
        in_flight = self.in_flight
        if not is_malformed:
            in_flight.fail()
        elif in_flight.fail_unread():
            boot, seq = in_flight.ids[0]
            if (boot, seq) == self._heartbeat_key:
                self._heartbeat = None
                self._outbox.drop("heartbeat")
            else:
                self._outbox.set_aside(in_flight.inc, boot, seq)

    def _hear_ack(self, ack: Ack, now_ms: int) -> None:
        self._clock.hear(ack.server_ms, ack.echo_ms, now_ms)
        in_flight = self.in_flight
        self.ack_latency_ms = max(0, now_ms - in_flight.sent_at_ms)
        inc = ack.origin_inc or ack.inc
        done, refused = in_flight.settle(inc, ack.echo_ms, ack.stored, ack.refused)
        if self._heartbeat_key in done or self._heartbeat_key in [tuple(r[:2]) for r in refused]:
            self._heartbeat = None
        for boot, seq, code in refused:
            self._outbox.quarantine(inc, boot, seq, code)
        if done:
            self._outbox.remove(inc, done)
        self.pause_s = ack.backoff_s
        poll = ack.poll or 0
        self.wants_poll = bool(poll & _POLL_COMMANDS)
        if poll & _POLL_HELLO:
            self.add_hello(now_ms, has_catalog=True)

    def _hear_command(self, command: Command, now_ms: int) -> str:
        if command.cseq <= self._last_cseq:
            return "ignored"
        self._last_cseq = command.cseq
        if now_ms > command.deadline_ms:
            status, value = _RESULT_EXPIRED, None
        else:
            status, value = self._execute(command.code, command.args or {})
        self.add_result(command.cseq, status, value, now_ms)
        return "command"

    def _make_heartbeat(self, now_ms: int) -> None:
        """Measure and encode it; one that was never acknowledged is given up and counted."""
        self._is_beat_due = False
        if self._heartbeat is not None:
            self._outbox.drop("heartbeat")
        self._heartbeat_key = (self._session.boot, self._session.next_seq)
        self._begin_record(_RTYPE_HEARTBEAT, now_ms)
        put_heartbeat(self._enc, self._measure(now_ms))
        self._heartbeat = bytes(self._record())

    def _begin_record(self, rtype: int, now_ms: int) -> None:
        self.begin(now_ms)
        self._enc.reset()
        put_head(self._enc, rtype, self._session.boot, self._session.take_seq(), now_ms)

    def _record(self) -> memoryview:
        return memoryview(self._buf)[PAYLOAD_OFFSET : self._enc.pos]

    def _store(self, is_urgent: bool) -> bool:
        is_stored: bool = self._outbox.append(self._record(), is_urgent)
        return is_stored

    def _sign(self, records: list, inc: bytes, now_ms: int) -> memoryview:
        head, enc = self._head, self._enc
        self._fill_head(head, inc, now_ms)
        enc.reset()
        begin_uplink(enc, head, len(records))
        for record in records:
            enc.put_raw(record)
        end_uplink(enc, head)
        start, end = seal(self._buf, enc.pos, self._identity.up_key, self._identity.kid)
        self._clock.note_signed(now_ms)
        return memoryview(self._buf)[start:end]

    def _fill_head(self, head: UplinkHead, inc: bytes, now_ms: int) -> None:
        session, clock = self._session, self._clock
        head.inc = session.inc
        head.boot = session.boot
        head.now_ms = now_ms
        head.utc_ms = clock.utc_ms(now_ms)
        head.utc_quality = clock.quality()
        head.dropped = self._outbox.dropped or None
        head.next_seq = session.next_seq
        head.server_ms = clock.server_ms
        head.server_at_ms = clock.server_at_ms
        head.origin_inc = None if inc == session.inc else inc
