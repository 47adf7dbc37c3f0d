"""Records into the outbox, reports out of it, and the receiver's word about them.

Everything is written in the one buffer that is allocated here: a record is encoded once and copied
to flash; a report is put together and signed in place. Nothing here waits. What does the work is
in the room `reporting`, loaded when there is something to say or to hear.
"""

from phonehome_wire.compat import const

from .inflight import InFlight
from .ondemand import rest

# Folded away on a board; a test holds them to the wire's registry and limits.
_SEND_BUFFER_BYTES = const(2048)


class Reporter:
    """Speaks for the device; `birth` says who it is, `measure(now_ms)` gives Metrics.

    `execute(code, args)` carries out a command and returns (RESULT_*, value or None). After
    `hear`, `pause_s` is the back-off of the newest ack (None: none), `wants_poll` says that
    commands wait, and `acked_ms` is the uptime at which the report of the newest ack was signed.
    `heartbeat` is the newest that is not acknowledged, encoded.
    """

    def __init__(self, identity, session, clock, outbox, birth, measure, execute) -> None:
        self.identity = identity
        self.session = session
        self.clock = clock
        self.outbox = outbox
        self.birth = birth
        self.measure = measure
        self.execute = execute
        self.buf = bytearray(_SEND_BUFFER_BYTES)
        self.in_flight = InFlight()
        self.is_beat_due = self.wants_poll = False
        self.heartbeat: bytes | None = None
        self.heartbeat_key: tuple = ()
        self.last_cseq = self.acked_ms = -1
        self.pause_s: int | None = None
        self.ack_latency_ms = 0
        self.typed: tuple | None = None  # what came of an ack that a courier types, line by line

    @property
    def has_anything(self) -> bool:
        """True when there is something to say."""
        is_beating = self.is_beat_due or self.heartbeat is not None
        return self.wants_poll or is_beating or self.outbox.depth > 0

    def add_hello(self, now_ms: int, has_catalog: bool = False) -> bool:
        """Store a hello, with the catalog of channels when the receiver asked for it."""
        from .reporting.records import add_hello

        return add_hello(self, now_ms, has_catalog)

    def add_fault(self, fault, now_ms: int, is_urgent: bool) -> bool:
        """Store a transition of a fault."""
        from .reporting.records import add_fault

        return add_fault(self, fault, now_ms, is_urgent)

    def add_crash(self, crash, now_ms: int) -> bool:
        """Store a crash."""
        from .reporting.records import add_crash

        return add_crash(self, crash, now_ms)

    def add_log(self, crumbs: list, now_ms: int) -> bool:
        """Store an excerpt of the log: 1..32 breadcrumbs, oldest first."""
        from .reporting.records import add_log

        return add_log(self, crumbs, now_ms)

    def add_result(self, cseq: int, status: int, value, now_ms: int) -> bool:
        """Store the result of a command; a value that has no room makes it a failed one."""
        from .reporting.records import add_result

        return add_result(self, cseq, status, value, now_ms)

    def rest(self) -> None:
        """Drop what is loaded only to speak: before a wait, when nothing is half said."""
        self.outbox.close()
        rest()

    def release(self) -> None:
        """Give the buffer back to the heap, for the last words of a boot that has no other."""
        self.buf = None  # type: ignore[assignment]

    def beat(self) -> None:
        """Put a heartbeat into the next report; the newest one only, it is measured at signing."""
        self.is_beat_due = True

    def compose(self, now_ms: int):
        """Put together and sign the next report; a view of the buffer, or None: nothing to say.

        The view is valid until the next record or report: whoever sends it copies it first.
        """
        from .reporting.reports import compose

        return compose(self, now_ms)

    def compose_state(self, state: int, conn: int, now_ms: int) -> bytes:
        """The signed word for the state topic: STATE_ONLINE or STATE_OFFLINE of a connection."""
        from .reporting.reports import compose_state

        return compose_state(self, state, conn, now_ms)

    def hear(self, message, now_ms: int) -> str:
        """Take a downlink message and act on it; return what it was: ack, command or ignored.

        WireError when it is not from the receiver or breaks a rule of the wire.
        """
        from .reporting.answers import hear

        return hear(self, message, now_ms)

    def note_failure(self, error) -> None:
        """Talking ended in a LinkError; a key that is not proven yet may be the cause."""
        if self.identity.change is not None:
            self.identity.change.note_failure(error)

    def fail(self, is_malformed: bool) -> None:
        """The report in flight failed; when it was unreadable repeatedly, isolate the cause."""
        in_flight = self.in_flight
        if in_flight.is_poll:  # records go first now: their ack says it again if commands wait
            self.wants_poll = self.outbox.depth == 0
        if not is_malformed:
            in_flight.fail()
        elif in_flight.fail_unread():
            boot, seq = in_flight.ids[0]
            if (boot, seq) == self.heartbeat_key:
                self.heartbeat = None
                self.outbox.open().drop("heartbeat")
            else:
                self.outbox.open().set_aside(in_flight.inc, boot, seq)
