"""The outbox: what is sent first, what is given up last, what an ack may delete."""

from phonehome.core.outbox import Outbox
from phonehome.core.recordhead import read_head
from phonehome.ports.segments import Segments
from tests.fakes.flash import FakeFlash
from tests.fakes.records import crash, fault, log

INC = b"inc1"
OLD = b"inc0"


def make_outbox(flash, quota_bytes=65536, inc=INC):
    """An outbox on some flash."""
    return Outbox(Segments(flash), inc, quota_bytes)


def ids(records):
    """(boot, seq) of records."""
    return [read_head(record)[1:] for record in records]


def drain(outbox):
    """Send and acknowledge everything; the records in the order of sending, by incarnation."""
    sent = []
    for _ in range(1000):
        inc, records = outbox.batch(63, 1295)
        if not records:
            return sent
        sent += [(inc, bytes(record)) for record in records]
        outbox.remove(inc, ids(records))
    raise AssertionError("the queue does not empty")


def test_records_come_out_as_they_went_in():
    """Records leave in the order of their making, byte for byte, and are gone after the ack."""
    flash = FakeFlash()
    outbox = make_outbox(flash)
    records = [fault(1, seq, 520200 + seq) for seq in range(100)]
    for record in records:
        assert outbox.append(record)
    assert outbox.depth == 100
    assert [record for _, record in drain(outbox)] == records
    assert outbox.depth == 0
    assert flash.names() == []


def test_a_batch_keeps_its_bounds():
    """A batch has no more records and bytes than asked for, except one record that is larger."""
    outbox = make_outbox(FakeFlash())
    for seq in range(80):
        outbox.append(fault(1, seq))
    size = len(fault(1, 30))
    _, records = outbox.batch(10, 10000)
    assert len(records) == 10
    _, records = outbox.batch(63, 5 * size)
    assert len(records) == 5
    assert len(outbox.batch(63, 1)[1]) == 1


def test_urgent_records_go_first():
    """What is urgent stands before what is older, once."""
    outbox = make_outbox(FakeFlash())
    for seq in range(5):
        outbox.append(fault(1, seq))
    outbox.append(fault(1, 5), is_urgent=True)
    assert outbox.has_urgent
    _, records = outbox.batch(63, 1295)
    assert [seq for _, seq in ids(records)] == [5, 0, 1, 2, 3, 4]
    outbox.remove(INC, ids(records))
    assert not outbox.has_urgent


def test_another_boot_finds_what_waits():
    """What was not acknowledged is there after a restart, behind it new records."""
    flash = FakeFlash()
    make_outbox(flash).append(fault(1, 0))
    outbox = make_outbox(flash)
    outbox.append(fault(2, 0))
    assert outbox.depth == 2
    assert len(flash.names()) == 1
    assert ids([record for _, record in drain(outbox)]) == [(1, 0), (2, 0)]


def test_incarnations_do_not_mix():
    """Records of an older incarnation travel by themselves and are acknowledged under its name."""
    flash = FakeFlash()
    make_outbox(flash, inc=OLD).append(fault(7, 3))
    outbox = make_outbox(flash)
    outbox.append(fault(1, 0))
    assert outbox.batch(63, 1295)[0] == OLD
    assert len(outbox.batch(63, 1295)[1]) == 1
    assert outbox.remove(INC, [(7, 3)]) == 0
    assert [inc for inc, _ in drain(outbox)] == [OLD, INC]


def test_urgent_now_before_old_incarnation():
    """An urgent record of this incarnation does not wait for the leftovers of another one."""
    flash = FakeFlash()
    make_outbox(flash, inc=OLD).append(fault(7, 3))
    outbox = make_outbox(flash)
    outbox.append(fault(1, 0), is_urgent=True)
    assert outbox.batch(63, 1295)[0] == INC


def test_only_named_records_are_deleted():
    """An ack deletes what it names and nothing beside it, whatever it claims."""
    outbox = make_outbox(FakeFlash())
    for seq in range(4):
        outbox.append(fault(1, seq))
    assert outbox.remove(INC, [(1, 1), (1, 99), (2, 0)]) == 1
    assert ids([record for _, record in drain(outbox)]) == [(1, 0), (1, 2), (1, 3)]


def test_given_up_in_order():
    """Over quota, logs go first, then repeated transitions, then old faults, never crashes."""
    outbox = make_outbox(FakeFlash(), quota_bytes=8192)
    outbox.append(crash(1, 0, "first"))
    for seq in range(1, 60):
        outbox.append(log(1, seq, "l" * 40))
    assert not outbox.drops
    for seq in range(60, 400):
        outbox.append(fault(1, seq, 520200 + seq % 4))
    drops = dict(outbox.drops)
    assert drops["log"] == 59
    assert drops["fault"] > 0
    assert "crash" not in drops
    left = ids([record for _, record in drain(outbox)])
    assert (1, 0) in left
    assert {(1, 60), (1, 61), (1, 62), (1, 63)} <= set(left)
    assert {(1, 396), (1, 397), (1, 398), (1, 399)} <= set(left)
    assert len(left) + outbox.dropped == 400


def test_oldest_faults_before_crashes():
    """With single transitions only, the oldest are given up; the crash is still there."""
    outbox = make_outbox(FakeFlash(), quota_bytes=8192)
    outbox.append(crash(1, 0))
    for seq in range(1, 400):
        assert outbox.append(fault(1, seq, seq))
    left = ids([record for _, record in drain(outbox)])
    assert left[0] == (1, 0)
    assert left[-1] == (1, 399)
    assert len(left) + outbox.drops["fault"] == 400


def test_a_log_never_displaces_a_fault():
    """A newcomer that is worth less than everything stored is itself given up, and counted."""
    outbox = make_outbox(FakeFlash(), quota_bytes=8192)
    seq = 0
    while not outbox.drops:
        outbox.append(fault(1, seq, seq))
        seq += 1
    kept = outbox.depth
    before = outbox.drops["fault"]
    refused = [n for n in range(200) if not outbox.append(log(1, seq + n, "l" * 40))]
    assert outbox.drops["log"] >= len(refused) > 0
    assert outbox.drops["fault"] == before
    assert outbox.depth >= kept


def test_crashes_displace_only_older_crashes():
    """When nothing but crashes is left, the oldest of them are given up for the newest."""
    outbox = make_outbox(FakeFlash(), quota_bytes=8192)
    for seq in range(300):
        assert outbox.append(crash(1, seq, "m" * 60))
    left = ids([record for _, record in drain(outbox)])
    assert left[-1] == (1, 299)
    assert len(left) + outbox.drops["crash"] == 300


def test_a_full_disk_is_counted():
    """ENOSPC gives up older records for newer ones; everything is either stored or counted."""
    outbox = make_outbox(FakeFlash(capacity=3000))
    stored = [seq for seq in range(200) if outbox.append(fault(1, seq, seq))]
    assert stored[-1] == 199
    left = ids([record for _, record in drain(outbox)])
    assert left[-1] == (1, 199)
    assert len(left) + outbox.dropped == 200


def test_a_full_disk_keeps_the_crash():
    """On a full disk a fault does not displace a crash; it is given up and counted itself."""
    flash = FakeFlash()
    outbox = make_outbox(flash)
    outbox.append(crash(1, 0))
    flash.capacity = sum(len(data) for data in flash.files.values())
    assert not outbox.append(fault(1, 1))
    assert outbox.drops == {"fault": 1}
    assert ids([record for _, record in drain(outbox)]) == [(1, 0)]


def test_a_read_only_disk_is_counted():
    """Where nothing can be written, every record is counted as given up, and that is all."""
    flash = FakeFlash()
    outbox = make_outbox(flash)
    outbox.append(fault(1, 0))
    flash.is_read_only = True
    assert not outbox.append(fault(1, 1))
    assert outbox.dropped == 1
    assert outbox.remove(INC, [(1, 0)]) == 1
    assert outbox.depth == 0


def test_refused_records_are_kept_apart():
    """A refused record is never sent again, not after a restart either, and can be looked at."""
    flash = FakeFlash()
    outbox = make_outbox(flash)
    records = [fault(1, seq) for seq in range(3)]
    for record in records:
        outbox.append(record)
    outbox.quarantine(INC, 1, 1, 3)
    assert records[1] in flash.read("refused.bin")
    assert ids([record for _, record in drain(make_outbox(flash))]) == [(1, 0), (1, 2)]


def test_the_quarantine_is_bounded():
    """However many records are refused, the file of them stays within one segment."""
    flash = FakeFlash()
    outbox = make_outbox(flash)
    for seq in range(200):
        outbox.append(crash(1, seq, "m" * 90))
        outbox.quarantine(INC, 1, seq, 1)
        assert len(flash.read("refused.bin")) <= 4096
    assert outbox.depth == 0


def test_a_record_set_aside_goes_last():
    """What may be poison waits until everything else is through, and is then tried again."""
    outbox = make_outbox(FakeFlash())
    for seq in range(3):
        outbox.append(fault(1, seq), is_urgent=seq == 1)
    outbox.set_aside(INC, 1, 1)
    assert [seq for _, seq in ids([record for _, record in drain(outbox)])] == [0, 2, 1]


def test_drops_are_told():
    """Whoever asked hears of every record that is given up."""
    heard = []
    outbox = Outbox(Segments(FakeFlash(capacity=0)), INC, on_drop=lambda *fact: heard.append(fact))
    outbox.append(fault(1, 0))
    assert heard == [("fault", 1)]


def test_drops_survive_a_reboot():
    """What was given up stays counted by kind over boots, also where it was never stored."""
    flash = FakeFlash()
    outbox = make_outbox(flash, 8192)
    for seq in range(400):
        outbox.append(fault(1, seq))
    assert outbox.drops["fault"] == outbox.dropped > 0
    again = make_outbox(flash, 8192)
    assert (again.drops, again.dropped) == (outbox.drops, 0)
    assert len(drain(again)) + again.drops["fault"] == 400


def test_damaged_counts_are_no_counts():
    """A file of counts that does not check is as good as none, and the next one is whole."""
    flash = FakeFlash()
    segments = Segments(flash)
    assert segments.load_drops() == []
    segments.keep_drops([1, 2, 3])
    assert segments.load_drops() == [1, 2, 3]
    whole = flash.files["drops.bin"]
    for at in range(len(whole)):
        flash.files["drops.bin"] = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert segments.load_drops() == []
        flash.files["drops.bin"] = whole[:at]
        assert segments.load_drops() == []


def test_a_waiting_record_is_found_by_its_number():
    """A record is found by type and the low bits of its number until it is acknowledged."""
    outbox = make_outbox(FakeFlash())
    outbox.append(crash(0x301, 0x20002))
    outbox.append(fault(0x301, 3))
    assert outbox.holds(4, (1, 2))
    assert not outbox.holds(3, (1, 2)) and not outbox.holds(4, (1, 3))
    outbox.remove(INC, [(0x301, 0x20002)])
    assert not outbox.holds(4, (1, 2))
