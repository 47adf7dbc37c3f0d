"""The outbox by way of a courier: what is exported, and what an ack deletes, whenever it comes."""

from phonehome.core.identity import Identity
from phonehome.core.reporting.carried import begin_tour, compose_next, hear_carried
from phonehome_wire import registry
from phonehome_wire.errors import WireError
from phonehome_wire.plain import open_plain
from phonehome_wire.uplink import decode_uplink
from tests.device.test_reporter import DEVICE, KEY, NOW, Pair, fault

LATER = NOW + 1000


def export(pair, now_ms=NOW):
    """All reports of one export, as a laptop has them."""
    tour, reports = begin_tour(pair.reporter, now_ms), []
    while True:
        view = compose_next(pair.reporter, tour, now_ms)
        if view is None:
            break
        reports.append(bytes(view))
    assert tour.reports == len(reports)
    return reports


def carry(pair, reports):
    """The acks of the desk for these reports."""
    return [pair.desk.ack(pair.desk.take(report)) for report in reports]


def wipe(pair, draw):
    """The state is lost: the next boot is another incarnation, the records stay."""
    pair.flash.files = {n: d for n, d in pair.flash.files.items() if not n.startswith("state")}
    pair.boot(draw)


def is_refused(function, *args):
    """Whether a call raises WireError."""
    try:
        function(*args)
    except WireError:
        return True
    return False


def test_an_export_and_its_acks_empty_the_outbox():
    """What is exported is what the network would get, and the ack deletes just that."""
    pair = Pair()
    for spn in range(520192, 520195):
        pair.reporter.add_fault(fault(spn), NOW, is_urgent=True)
    (report,) = export(pair)
    assert pair.outbox.depth == 4  # with the hello; an export takes nothing away
    (ack,) = carry(pair, [report])
    assert hear_carried(pair.reporter, ack) == (4, 0)
    assert (pair.outbox.depth, pair.outbox.has_urgent) == (0, False)
    assert [one.is_carried for one in pair.desk.reports] == [True]
    assert [record.rtype for record in pair.desk.stored.values()].count(registry.RTYPE_FAULT) == 3
    assert hear_carried(pair.reporter, ack) == (0, 0)


def test_many_records_are_several_reports():
    """More than one report holds, or 64 records: each record once, in order, none too large."""
    pair = Pair()
    for i in range(150):
        pair.reporter.add_fault(fault(520192 + i), NOW, is_urgent=False)
    reports = export(pair)
    assert len(reports) > 3 and max([len(report) for report in reports]) <= 1400
    acks = carry(pair, reports)
    assert len(pair.desk.stored) == 151 and pair.desk.collisions == []
    acks.reverse()  # in any order
    for ack in acks:
        hear_carried(pair.reporter, ack)
    assert pair.outbox.depth == 0


def test_an_ack_of_another_boot_deletes_what_it_names_and_nothing_else():
    """Days and boots later the records of then go, those since stay."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    acks = carry(pair, export(pair))
    for _ in range(3):
        pair.boot()
        pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    assert pair.outbox.depth == 8
    assert [hear_carried(pair.reporter, ack) for ack in acks] == [(2, 0)]
    assert pair.outbox.depth == 6
    acks = carry(pair, export(pair))
    assert [hear_carried(pair.reporter, ack) for ack in acks] == [(6, 0)]


def test_each_incarnation_has_its_reports_and_its_acks():
    """Records of a lost state go out under their origin; no ack touches those of another one."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    wipe(pair, b"inc2")
    pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    first, second = export(pair)
    old, new = carry(pair, [first, second])
    assert [report.origin_inc for report in pair.desk.reports] == [b"inc1", None]
    assert {key[0] for key in pair.desk.stored} == {b"inc1", b"inc2"}
    assert hear_carried(pair.reporter, old) == (2, 0)
    (report,) = export(pair)
    assert pair.desk.take(report).origin_inc is None  # (boot, seq) are the same as those deleted
    wipe(pair, b"inc3")
    assert hear_carried(pair.reporter, new) == (2, 0)
    assert pair.outbox.depth == 0


def test_neither_the_clock_nor_the_pace_nor_what_is_in_flight_moves():
    """An export and its ack between a report of the network and its ack change nothing of it."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    report = pair.send(NOW)
    ack = pair.desk.ack(report)
    for i in range(6):  # more often than the clock remembers signed moments
        (carried,) = export(pair, NOW + i)
    pair.desk.backoff_s, pair.desk.poll = 86400, 3
    (answer,) = carry(pair, [carried])
    clock, in_flight = pair.reporter.clock, pair.reporter.in_flight
    before = (clock.floor_ms, clock.server_ms, clock.is_anchored, list(in_flight.ids))
    assert hear_carried(pair.reporter, answer) == (2, 0)
    assert before == (clock.floor_ms, clock.server_ms, clock.is_anchored, list(in_flight.ids))
    assert (pair.reporter.pause_s, pair.reporter.wants_poll) == (None, False)
    assert in_flight.is_open and pair.reporter.acked_ms == -1
    assert pair.reporter.hear(ack, NOW + 20) == "ack"
    assert not in_flight.is_open and in_flight.ids == [] and clock.is_anchored
    assert pair.outbox.depth == 0 and pair.desk.collisions == []


def test_a_report_of_the_network_that_fails_behind_a_typed_ack_is_not_missed():
    """What the courier brought first is not sent again when the network's report was lost."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    pair.send(NOW)
    acks = carry(pair, export(pair))
    hear_carried(pair.reporter, acks[0])
    pair.reporter.fail(is_malformed=True)
    assert not pair.reporter.has_anything
    pair.reporter.add_fault(fault(), LATER, is_urgent=True)
    assert len(pair.round(LATER).records) == 1


def test_what_the_receiver_refuses_goes_to_the_quarantine():
    """As over the network: out of the queue, kept for inspection, never sent again."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    pair.desk.refuse[(1, 1)] = registry.REFUSED_MALFORMED
    (ack,) = carry(pair, export(pair))
    assert hear_carried(pair.reporter, ack) == (1, 1)
    assert pair.outbox.depth == 0
    assert len(pair.flash.read("refused.bin")) > 15
    assert export(pair) == []


def test_what_is_not_the_receivers_ack_does_nothing():
    """Forged, damaged, for another device, a command: refused, and every record stays."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    (report,) = export(pair)
    said = pair.desk.take(report)
    ack = pair.desk.ack(said)
    wrong = [ack[:i] + bytes([ack[i] ^ 1]) + ack[i + 1 :] for i in range(len(ack))]
    wrong += [ack[:-1], ack + b"\x00", report, b"", pair.desk.ack(said, key=bytes(32))]
    wrong.append(pair.desk.command(said, 1, registry.COMMAND_REBOOT))
    for message in wrong:
        assert is_refused(hear_carried, pair.reporter, message)
    assert pair.outbox.depth == 2 and pair.asked == []


def test_records_made_during_an_export_wait_for_the_next_one():
    """An export ends, however fast new records come."""
    pair = Pair()
    pair.reporter.add_fault(fault(), NOW, is_urgent=False)
    tour, count = begin_tour(pair.reporter, NOW), 0
    while compose_next(pair.reporter, tour, NOW) is not None:
        pair.reporter.add_fault(fault(520300 + count), NOW, is_urgent=False)
        count += 1
        assert count < 5
    assert (tour.reports, tour.records) == (1, 2)


def test_an_outbox_that_shrinks_during_an_export_spoils_nothing():
    """Acks of the network between two reports: no record twice, none of the others missed."""
    pair = Pair()
    for i in range(150):
        pair.reporter.add_fault(fault(520192 + i), NOW, is_urgent=False)
    tour = begin_tour(pair.reporter, NOW)
    carried = [bytes(compose_next(pair.reporter, tour, NOW))]
    pair.round(NOW + 1)
    while True:
        view = compose_next(pair.reporter, tour, NOW)
        if view is None:
            break
        carried.append(bytes(view))
    seqs = [[record.seq for record in pair.desk.take(one).records] for one in carried]
    flat = [seq for some in seqs for seq in some]
    assert flat == sorted(set(flat))
    assert {key[2] for key in pair.desk.stored} == set(range(151))


def test_without_a_key_the_export_is_plain_and_says_so():
    """A device that is not provisioned names itself; nothing of it looks signed, no ack holds."""
    pair = Pair()
    pair.reporter.identity = Identity(DEVICE, b"")
    pair.reporter.add_fault(fault(), NOW, is_urgent=True)
    (plain,) = export(pair)
    device, payload = open_plain(plain)
    assert device == DEVICE
    said = decode_uplink(bytes(payload))
    assert [record.defect for record in said.records] == [None, None]
    assert is_refused(pair.desk.take, plain)
    assert is_refused(hear_carried, pair.reporter, pair.desk.ack(said))
    assert pair.outbox.depth == 2
    pair.reporter.identity = Identity(DEVICE, b"\x01" + KEY)
    (report,) = export(pair)
    assert len(pair.desk.take(report).records) == 2  # provisioned later: the same records, signed


def test_a_damaged_segment_costs_its_record_and_no_export():
    """A flipped bit on flash: the others are exported, the lost one is counted."""
    pair = Pair()
    for i in range(5):
        pair.reporter.add_fault(fault(520192 + i), NOW, is_urgent=False)
    file = next(name for name in pair.flash.names() if name.endswith(".seg"))
    data = bytearray(pair.flash.files[file])
    data[60] ^= 1
    pair.flash.files[file] = bytes(data)
    (report,) = export(pair)
    assert len(pair.desk.take(report).records) == 5
    assert pair.outbox.dropped == 1
