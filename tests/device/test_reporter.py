"""Reports end to end without a network: made, verified, acknowledged, as two ends back to back."""

from phonehome.core.clock import Clock
from phonehome.core.identity import Identity
from phonehome.core.outbox import Outbox
from phonehome.core.reporter import Reporter
from phonehome.core.session import Session
from phonehome.ports.segments import Segments
from phonehome.ports.slots import Slots
from phonehome_wire import registry
from phonehome_wire.errors import WireError
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import Crash, Fault
from tests.fakes.desk import SERVER_MS, FakeDesk
from tests.fakes.flash import FakeFlash

DEVICE = bytes(range(8))
KEY = bytes(range(32))
NOW = 5000


class Product:
    def catalog(self):
        return [(0, "flow", "L/min"), (3, "temp", "Cel")]


class Birth:
    agent = "test 1"
    platform = "bench"
    reset_cause = registry.RESET_WATCHDOG
    certainty = registry.CERTAINTY_SURE
    reset_name = "sampling"
    is_safe = False
    build = b"bild"
    manifest = b"mani"
    product = Product()


class Pair:
    """A device's reporter and the desk that reads it."""

    def __init__(self, flash=None, draw=b"inc1") -> None:
        self.flash = flash or FakeFlash()
        self.desk = FakeDesk(DEVICE, KEY)
        self.asked = []
        self.clock = Clock()
        self.boot(draw)

    def boot(self, draw=b"inc2"):
        session = Session(Slots(self.flash, "state"), lambda size: draw)
        self.session = session
        self.outbox = Outbox(Segments(self.flash), session.inc)
        identity = Identity(DEVICE, b"\x01" + KEY)
        self.reporter = Reporter(
            identity, session, self.clock, self.outbox, Birth(), self.measure, self.execute
        )

    def measure(self, now_ms):
        metrics = Metrics()
        metrics.set(registry.METRIC_UPTIME_S, now_ms // 1000)
        return metrics

    def execute(self, code, args):
        self.asked.append(code)
        return registry.RESULT_OK, 7

    def send(self, now_ms=NOW):
        """One report over to the desk; what the desk read, or None."""
        view = self.reporter.compose(now_ms)
        return None if view is None else self.desk.take(bytes(view))

    def round(self, now_ms=NOW):
        report = self.send(now_ms)
        assert self.reporter.hear(self.desk.ack(report), now_ms + 20) == "ack"
        return report


def fault(spn=520201):
    """A confirmed fault."""
    made = Fault()
    made.spn, made.fmi, made.kind = spn, 31, registry.KIND_CONFIRMED
    return made


def kinds(report):
    """The types of the records of a report."""
    return [record.rtype for record in report.records]


def refused(reporter, message):
    """The reason for which a message is refused."""
    try:
        reporter.hear(message, NOW)
    except WireError as error:
        return error.reason
    raise AssertionError("accepted")


def test_hello_is_first_in_each_boot():
    """Whatever comes first, the first record of a boot is its hello, number 0."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    report = pair.round()
    assert kinds(report) == [registry.RTYPE_HELLO, registry.RTYPE_FAULT]
    hello = report.records[0]
    assert (hello.boot, hello.seq) == (1, 0)
    assert hello.body[registry.HELLO_STATE_LOST] is True
    assert hello.body[registry.HELLO_RESET_CERTAINTY] == registry.CERTAINTY_SURE
    assert hello.body[registry.HELLO_RESET_NAME] == "sampling"
    pair.boot()
    assert kinds(pair.round()) == [registry.RTYPE_HELLO]
    assert (pair.session.inc, pair.session.boot) == (b"inc1", 2)


def test_an_ack_empties_the_outbox():
    """What was acknowledged is gone, what was not is sent again with the same bytes."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=False)
    first = pair.send()
    pair.reporter.fail(is_malformed=False)
    again = pair.round(NOW + 1000)
    assert [r.raw for r in again.records] == [r.raw for r in first.records]
    assert pair.outbox.depth == 0
    assert not pair.reporter.has_anything
    assert pair.reporter.compose(NOW + 2000) is None
    assert not pair.desk.collisions


def test_the_envelope_says_how_things_stand():
    """Build, manifest, next number, drops and the newest server time travel with every report."""
    pair = Pair()
    first = pair.round()
    assert (first.build, first.manifest, first.next_seq, first.dropped) == (
        b"bild",
        b"mani",
        1,
        None,
    )
    assert first.utc_ms is None
    pair.outbox.drop("log", 2)
    pair.reporter.add_fault(fault(), NOW, is_urgent=False)
    second = pair.round(NOW + 1000)
    assert (second.dropped, second.next_seq) == (2, 2)
    assert (second.server_ms, second.server_at_ms) == (SERVER_MS, NOW + 20)
    assert (second.utc_ms, second.utc_quality) == (SERVER_MS + 980, registry.QUALITY_ANCHORED)


def test_old_incarnation_has_its_own_envelope():
    """Records of a lost incarnation are sent under its name and acknowledged under it."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=False)
    for name in ("state.a", "state.b"):
        pair.flash.files.pop(name, None)
    pair.boot()
    reports = [pair.round(), pair.round(NOW + 100)]
    assert [r.origin_inc for r in reports] == [None, b"inc1"]
    assert [r.inc for r in reports] == [b"inc2", b"inc2"]
    assert [kinds(r) for r in reports] == [[1], [1, 3]]
    assert pair.outbox.depth == 0


def test_only_the_newest_heartbeat():
    """Heartbeats are not queued: one is measured when it leaves, and kept until acknowledged."""
    pair = Pair()
    for _ in range(3):
        pair.reporter.beat()
    report = pair.send(9000)
    assert kinds(report) == [registry.RTYPE_HELLO, registry.RTYPE_HEARTBEAT]
    assert report.records[1].body == {registry.METRIC_UPTIME_S: 9}
    pair.reporter.fail(is_malformed=False)
    assert pair.send(10000).records[1].raw == report.records[1].raw
    pair.reporter.beat()
    newer = pair.round(12000)
    assert newer.records[1].body == {registry.METRIC_UPTIME_S: 12}
    assert newer.dropped == 1
    assert not pair.reporter.has_anything


def test_forged_and_foreign_acks_delete_nothing():
    """Only the receiver's signature for this incarnation and boot deletes anything."""
    pair = Pair()
    report = pair.send()
    ack = pair.desk.ack(report)
    for at in range(len(ack)):
        bad = bytearray(ack)
        bad[at] ^= 1
        refused(pair.reporter, bytes(bad))
    assert refused(pair.reporter, pair.desk.ack(report, key=bytes(32))) == "tag"
    report.boot = 9
    assert pair.reporter.hear(pair.desk.ack(report), NOW) == "ignored"
    report.boot, report.inc = 1, b"else"
    assert pair.reporter.hear(pair.desk.ack(report), NOW) == "ignored"
    assert pair.outbox.depth == 1


def test_an_ack_for_what_was_not_sent_deletes_nothing():
    """Records that were not in flight stay, even when a signed ack names them."""
    pair = Pair()
    report = pair.send()
    pair.reporter.add_fault(fault(), NOW, is_urgent=False)
    report.records[0].seq = 1
    pair.reporter.hear(pair.desk.ack(report), NOW)
    assert pair.outbox.depth == 2


def test_a_late_ack_still_counts():
    """An ack that comes after its report was given up deletes what it names."""
    pair = Pair()
    report = pair.send()
    pair.reporter.fail(is_malformed=False)
    assert pair.reporter.hear(pair.desk.ack(report), NOW + 40000) == "ack"
    assert pair.outbox.depth == 0


def test_refused_records_are_not_retried():
    """A record that the receiver refuses for good leaves the queue for the quarantine."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=False)
    pair.desk.refuse[1, 1] = registry.REFUSED_MALFORMED
    pair.round()
    assert pair.outbox.depth == 0
    assert len(pair.flash.read("refused.bin")) > 20


def test_a_poison_record_is_isolated():
    """A batch that cannot be read is halved until the record at fault is alone; others pass."""
    pair = Pair()
    for spn in range(10):
        pair.reporter.add_fault(fault(spn), NOW, is_urgent=False)
    poison = (1, 4)
    passed = set()
    for step in range(60):
        view = pair.reporter.compose(NOW + step)
        keys = pair.reporter.in_flight.ids
        if poison in keys:
            pair.reporter.fail(is_malformed=True)
            if len(passed) == 10:
                break
            continue
        passed |= set(keys)
        pair.reporter.hear(pair.desk.ack(pair.desk.take(bytes(view))), NOW + step)
    assert passed == {(1, seq) for seq in range(11)} - {poison}
    assert pair.outbox.depth == 1


def test_commands_are_done_once():
    """A command is carried out once, in time, and its result is a record."""
    pair = Pair()
    report = pair.round()
    command = pair.desk.command(report, 1, registry.COMMAND_PING)
    assert pair.reporter.hear(command, NOW) == "command"
    assert pair.reporter.hear(command, NOW) == "ignored"
    assert pair.asked == [registry.COMMAND_PING]
    late = pair.desk.command(report, 2, registry.COMMAND_PING, deadline_ms=NOW - 1)
    assert pair.reporter.hear(late, NOW) == "command"
    assert pair.asked == [registry.COMMAND_PING]
    bodies = [record.body for record in pair.round(NOW + 1).records]
    assert bodies == [{0: 1, 1: registry.RESULT_OK, 2: 7}, {0: 2, 1: registry.RESULT_EXPIRED}]


def test_commands_need_this_boot_and_the_long_tag():
    """A command of another boot, under another key or with the short tag is not carried out."""
    pair = Pair()
    report = pair.round()
    command = pair.desk.command(report, 1, registry.COMMAND_PING, key=bytes(32))
    assert refused(pair.reporter, command) == "tag"
    report.boot = 2
    command = pair.desk.command(report, 1, registry.COMMAND_PING)
    assert pair.reporter.hear(command, NOW) == "ignored"
    assert pair.asked == []


def test_poll_bits_are_answered():
    """Asked for the catalog the device says hello with it; told of commands it polls."""
    pair = Pair()
    pair.desk.poll = registry.POLL_HELLO
    pair.round()
    hello = pair.round(NOW + 1).records[0]
    assert hello.body[registry.HELLO_CATALOG] == {0: ["flow", "L/min"], 3: ["temp", "Cel"]}
    report = pair.send(NOW + 2)
    assert report is None
    pair.reporter.beat()
    pair.desk.poll = registry.POLL_COMMANDS
    pair.round(NOW + 3)
    assert pair.reporter.has_anything
    assert pair.round(NOW + 4).records == []
    assert not pair.reporter.has_anything


def poll(pair, now_ms):
    """The report of a device that was told that commands wait."""
    pair.desk.poll = registry.POLL_COMMANDS
    pair.reporter.beat()
    pair.round(now_ms)
    return pair.send(now_ms + 10)


def test_a_command_answers_a_poll():
    """A poll carries nothing, and is answered by a command as well as by an ack."""
    pair = Pair()
    report = poll(pair, NOW)
    pair.reporter.add_fault(fault(), NOW + 5, is_urgent=True)
    assert report.records == []
    assert pair.reporter.in_flight.is_open
    command = pair.desk.command(report, 1, registry.COMMAND_PING)
    assert pair.reporter.hear(command, NOW + 20) == "command"
    assert not pair.reporter.in_flight.is_open
    assert not pair.reporter.wants_poll
    assert len(pair.round(NOW + 30).records) == 2


def test_a_command_that_comes_again_answers_a_poll():
    """When the result was lost the command comes once more: the poll is over, nothing is done."""
    pair = Pair()
    report = poll(pair, NOW)
    command = pair.desk.command(report, 1, registry.COMMAND_PING)
    pair.reporter.hear(command, NOW + 20)
    pair.round(NOW + 30)
    poll(pair, NOW + 40)
    assert pair.reporter.hear(command, NOW + 60) == "ignored"
    assert not pair.reporter.in_flight.is_open
    assert len(pair.asked) == 1


def test_a_command_is_no_ack():
    """A report with records stays in flight when a command comes instead of its ack."""
    pair = Pair()
    report = pair.send(NOW)
    pair.reporter.hear(pair.desk.command(report, 1, registry.COMMAND_PING), NOW + 20)
    assert pair.reporter.in_flight.is_open
    assert pair.outbox.depth == 2


def test_a_lost_poll_is_asked_again():
    """A poll without an answer is repeated, unless records wait: their ack tells of commands."""
    pair = Pair()
    poll(pair, NOW)
    pair.reporter.fail(is_malformed=False)
    assert pair.reporter.wants_poll
    assert pair.send(NOW + 100).records == []
    pair.reporter.add_fault(fault(), NOW + 105, is_urgent=True)
    pair.reporter.fail(is_malformed=False)
    assert len(pair.send(NOW + 200).records) == 1


def test_pauses_are_handed_on():
    """The back-off in an ack is there for the sender to obey."""
    pair = Pair()
    pair.desk.backoff_s = 90
    pair.round()
    assert pair.reporter.pause_s == 90


def test_state_words_carry_no_records():
    """The words for the state topic are signed, numbered and empty."""
    pair = Pair()
    word = pair.desk.take(pair.reporter.compose_state(registry.STATE_OFFLINE, 3, NOW))
    assert (word.state, word.conn, word.records) == (registry.STATE_OFFLINE, 3, [])
    assert pair.round().state is None


def test_a_batch_fits_one_segment_of_tcp():
    """However much waits, a report stays below 1400 bytes and 64 records."""
    pair = Pair()
    crash = Crash(registry.CRASHKIND_EXCEPTION)
    crash.exception, crash.message = "ValueError", "m" * 96
    crash.frames = [("main.py", line, "run") for line in range(12)]
    for spn in range(30):
        pair.reporter.add_fault(fault(spn), NOW, is_urgent=False)
        pair.reporter.add_crash(crash, NOW)
    pair.reporter.beat()
    count = 0
    while pair.outbox.depth:
        view = pair.reporter.compose(NOW + count)
        assert len(view) <= 1400
        report = pair.desk.take(bytes(view))
        assert 1 <= len(report.records) <= 64
        pair.reporter.hear(pair.desk.ack(report), NOW + count)
        count += 1
    assert len(pair.desk.stored) == 62
