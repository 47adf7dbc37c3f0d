"""The fault table: states, status byte, occurrence, ageing, and what survives a reboot."""

from phonehome.core.debounce import (
    EVENT_CONFIRM,
    EVENT_FAIL,
    EVENT_FALL_BACK,
    EVENT_HEAL,
    FAIL,
    NOTHING,
    PASS,
)
from phonehome.core.faults import (
    CLEARED,
    CONFIRMED,
    EVENT_AGE,
    EVENT_CLEAR,
    HEALED,
    OK,
    PENDING,
    TRANSITIONS,
    FaultTable,
)
from phonehome_wire import registry

EVENTS = (EVENT_FAIL, EVENT_CONFIRM, EVENT_FALL_BACK, EVENT_HEAL, EVENT_CLEAR, EVENT_AGE)

# The whole table: for each state, what fail, confirm, fall back, heal, clear and age lead to.
TABLE = {
    OK: (PENDING, CONFIRMED, OK, OK, OK, OK),
    PENDING: (PENDING, CONFIRMED, OK, PENDING, CLEARED, PENDING),
    CONFIRMED: (CONFIRMED, CONFIRMED, CONFIRMED, HEALED, CLEARED, CONFIRMED),
    HEALED: (HEALED, CONFIRMED, HEALED, HEALED, CLEARED, CLEARED),
    CLEARED: (PENDING, CONFIRMED, CLEARED, CLEARED, CLEARED, CLEARED),
}
PATHS = {  # events that lead from ok to a state
    OK: (),
    PENDING: (EVENT_FAIL,),
    CONFIRMED: (EVENT_CONFIRM,),
    HEALED: (EVENT_CONFIRM, EVENT_HEAL),
    CLEARED: (EVENT_CONFIRM, EVENT_CLEAR),
}
KINDS = {
    PENDING: registry.KIND_PENDING,
    CONFIRMED: registry.KIND_CONFIRMED,
    HEALED: registry.KIND_HEALED,
    CLEARED: registry.KIND_CLEARED,
    OK: None,
}


class Spec:
    def __init__(self, code="E21", spn=520192, fmi=0, urgent=False):
        self.code = code
        self.spn = spn
        self.fmi = fmi
        self.urgent = urgent


def table_in(state, urgent=False, **words):
    """A table of one fault, led to a state."""
    table = FaultTable([Spec(urgent=urgent)], **words)
    for event in PATHS[state]:
        table.apply(0, event)
    return table


def reboot(table, **words):
    """The table of the next boot, and the codes that age has cleared."""
    after = FaultTable(table.specs, **words)
    return after, [fault.spec.code for fault in after.restore(table.snapshot())]


def run_cycle(table, *verdicts):
    """Note the tests of one operation cycle."""
    for verdict in verdicts:
        table.note_test(0, verdict)


def test_every_cell_of_the_table():
    """Each event in each state leads where the table says and is reported once, as what it is."""
    for state, row in TABLE.items():
        for event, after in zip(EVENTS, row):  # noqa: B905  # MicroPython has no strict
            table = table_in(state)
            assert table.state(0) == state
            kind = table.apply(0, event)
            assert table.state(0) == after, (state, event)
            assert kind == (None if after == state else KINDS[after]), (state, event)
    assert len(TRANSITIONS) == sum(after != state for state, row in TABLE.items() for after in row)


def test_nothing_changes_nothing():
    """The event NOTHING is no transition in any state."""
    for state in TABLE:
        table = table_in(state)
        assert table.apply(0, NOTHING) is None
        assert table.state(0) == state


def test_status_bits_of_a_life():
    """The status byte of ISO 14229-1 through a life: new, tested, failing, healed, cleared."""
    table = FaultTable([Spec(urgent=True)])
    fault = table[0]
    assert fault.status == 0x50, "nothing tested yet"
    table.note_test(0, PASS)
    assert fault.status == 0x00
    table.note_test(0, FAIL)
    table.apply(0, EVENT_FAIL)
    assert fault.status == 0x27, "failed, this cycle, pending, since clear"
    table.apply(0, EVENT_CONFIRM)
    assert fault.status == 0xAF, "confirmed, and an urgent one asks for the warning"
    table.note_test(0, PASS)
    table.apply(0, EVENT_HEAL)
    assert fault.status == 0x2E, "passes now, confirmed stays, pending until a clean cycle"
    assert table.clear(0) == registry.KIND_CLEARED
    assert fault.status == 0x50
    assert fault.occurrence == 0


def test_a_pending_fault_that_falls_back_remembers():
    """Fallen back to ok, a fault still says that it failed in this cycle and since the clear."""
    table = table_in(PENDING)
    table.note_test(0, FAIL)
    table.apply(0, EVENT_FALL_BACK)
    assert table.status(0) == 0x26


def test_only_urgent_faults_ask_for_the_warning():
    """The warning bit is set while an urgent fault is confirmed."""
    assert table_in(CONFIRMED).status(0) & registry.STATUS_WARNING == 0
    assert table_in(CONFIRMED, urgent=True).status(0) & registry.STATUS_WARNING
    assert table_in(HEALED, urgent=True).status(0) & registry.STATUS_WARNING == 0


def test_status_bits_across_a_reboot():
    """A new cycle: not tested in it, not failed in it; pending goes after one clean cycle."""
    table = table_in(HEALED)
    run_cycle(table, FAIL, PASS)
    table, _ = reboot(table)
    assert table.status(0) == 0x6C, "confirmed and pending kept, this cycle untested"
    run_cycle(table, PASS)
    assert table.status(0) == 0x2C
    table, _ = reboot(table)
    assert table.status(0) == 0x68, "one clean cycle ends pending"


def test_occurrence_counts_confirmations_up_to_126():
    """Every confirmation counts once; 127 means not available, so the count stops before."""
    table = FaultTable([Spec()])
    for count in range(1, 200):
        assert table.apply(0, EVENT_CONFIRM) == registry.KIND_CONFIRMED
        assert table.apply(0, EVENT_CONFIRM) is None
        assert table.occurrence(0) == min(count, 126)
        table.apply(0, EVENT_HEAL)


def test_a_confirmed_fault_survives_a_reboot():
    """State, occurrence and tests are in the snapshot; confirmed stays confirmed, unreported."""
    table = table_in(CONFIRMED)
    run_cycle(table, FAIL)
    table, aged = reboot(table)
    assert aged == []
    assert (table.state(0), table.occurrence(0)) == (CONFIRMED, 1)
    assert table.apply(0, EVENT_CONFIRM) is None, "not a second time"
    assert table.apply(0, EVENT_HEAL) == registry.KIND_HEALED


def test_a_pending_fault_does_not_survive_a_reboot():
    """Pending rests on verdicts that are lost, so it begins anew; that it failed is kept."""
    table = table_in(PENDING)
    run_cycle(table, FAIL)
    assert table.state(0) == PENDING
    table, _ = reboot(table)
    assert table.state(0) == OK
    assert table.status(0) & registry.STATUS_FAILED_SINCE_CLEAR


def test_age_clears_a_healed_fault():
    """A healed fault is cleared and told after so many clean cycles in a row, counted at boot."""
    table = table_in(HEALED, ageing_cycles=3)
    run_cycle(table, FAIL, PASS)
    told = []
    for _ in range(5):
        table, aged = reboot(table, ageing_cycles=3)
        told.append(aged)
        run_cycle(table, PASS)
    assert told == [[], [], [], ["E21"], []]
    assert table.state(0) == CLEARED
    assert table.status(0) & registry.STATUS_CONFIRMED == 0
    assert table.occurrence(0) == 1, "the count is kept until a command clears it"


def test_only_tested_clean_cycles_age():
    """A cycle without a test does not age a fault, and one with a failure starts anew."""
    table = table_in(HEALED, ageing_cycles=2)
    for verdicts in ((PASS,), (), (FAIL, PASS), (PASS,), ()):
        run_cycle(table, *verdicts)
        table, aged = reboot(table, ageing_cycles=2)
        assert aged == []
    run_cycle(table, PASS)
    table, aged = reboot(table, ageing_cycles=2)
    assert aged == ["E21"]


def test_a_confirmed_fault_does_not_age():
    """However many boots pass, a fault that is there stays there."""
    table = table_in(CONFIRMED, ageing_cycles=1)
    for _ in range(5):
        run_cycle(table, PASS)
        table, aged = reboot(table, ageing_cycles=1)
        assert aged == []
    assert table.state(0) == CONFIRMED


def test_a_snapshot_fits_another_product():
    """Faults are found by id and failure mode: new ones start fresh, gone ones are dropped."""
    old = FaultTable([Spec("E1", 520192, 0), Spec("E2", 520193, 5)])
    old.apply(1, EVENT_CONFIRM)
    new = FaultTable([Spec("E9", 524287, 31), Spec("E2b", 520193, 5), Spec("E3", 520193, 6)])
    new.restore(old.snapshot())
    assert [new.state(index) for index in range(3)] == [OK, CONFIRMED, OK]
    assert len(old.snapshot()) == 1 + 2 * 6


def test_what_is_no_snapshot_is_refused():
    """Bytes that are damaged or of another format raise ValueError, whatever they are."""
    good = table_in(CONFIRMED).snapshot()
    bad = (b"", b"\x02" + good[1:], good[:-1], good + b"\x00", good[:4] + b"\x07" + good[5:])
    for data in bad:
        try:
            FaultTable([Spec()]).restore(data)
        except ValueError:
            continue
        raise AssertionError(data)


def test_a_refused_snapshot_changes_nothing():
    """A wrong entry behind good ones leaves the table as it was, not half restored."""
    old = FaultTable([Spec("E1", 520192), Spec("E2", 520193)])
    old.apply(0, EVENT_CONFIRM)
    data = bytearray(old.snapshot())
    data[-2] = 127
    table = FaultTable(old.specs)
    try:
        table.restore(bytes(data))
    except ValueError:
        assert table.snapshot() == FaultTable(old.specs).snapshot()
        return
    raise AssertionError("no ValueError")


def test_faults_are_found_and_counted():
    """By place, by code, and how many are active; what is not there is None or an IndexError."""
    table = FaultTable([Spec("E1", 520192), Spec("E2", 520193)])
    table.apply(1, EVENT_CONFIRM)
    assert [fault.spec.code for fault in table] == ["E1", "E2"]
    assert len(table) == 2
    assert table.active_count == 1
    assert table.maybe_find("E2").is_confirmed
    assert table.maybe_find("E3") is None
