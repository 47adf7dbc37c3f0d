"""The identity of a boot: on flash before it is used, unique even where flash fails."""

from phonehome.core.session import Session
from phonehome.ports.slots import Slots
from tests.fakes.flash import FakeFlash


class Draws:
    """Random bytes that can be told apart."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, size):
        self.count += 1
        return self.count.to_bytes(size, "big")


def boot(flash, draws):
    """A boot that began."""
    session = Session(Slots(flash, "state"), draws)
    session.begin()
    return session


def test_boots_count_up():
    """Each boot has the next number of the same incarnation; only the first says state lost."""
    flash, draws = FakeFlash(), Draws()
    sessions = [boot(flash, draws) for _ in range(3)]
    assert [s.boot for s in sessions] == [1, 2, 3]
    assert {s.inc for s in sessions} == {sessions[0].inc}
    assert [s.is_lost for s in sessions] == [True, False, False]


def test_a_boot_that_never_began_has_no_number():
    """A boot that ends before it had anything to say writes nothing and leaves its number free."""
    flash, draws = FakeFlash(), Draws()
    boot(flash, draws)
    before = dict(flash.files)
    Session(Slots(flash, "state"), draws)
    assert flash.files == before
    assert boot(flash, draws).boot == 2


def test_lost_state_is_a_new_incarnation():
    """Damaged slots give a new incarnation that says so."""
    flash, draws = FakeFlash(), Draws()
    first = boot(flash, draws)
    flash.files = dict.fromkeys(flash.files, b"damaged")
    second = boot(flash, draws)
    assert second.is_lost
    assert second.boot == 1
    assert second.inc != first.inc


def test_one_damaged_slot_is_survived():
    """With the newest slot damaged, the boot number goes on from the older one."""
    flash, draws = FakeFlash(), Draws()
    for _ in range(3):
        boot(flash, draws)
    flash.files["state.a"] = b""
    session = boot(flash, draws)
    assert not session.is_lost
    assert session.boot >= 3


def test_read_only_flash_is_volatile():
    """Where the boot cannot be written, it gets an incarnation that no other boot has."""
    flash, draws = FakeFlash(), Draws()
    first = boot(flash, draws)
    flash.is_read_only = True
    second, third = boot(flash, draws), boot(flash, draws)
    assert second.is_volatile and third.is_volatile
    assert len({first.inc, second.inc, third.inc}) == 3


def test_state_is_kept():
    """Clock floor, and the last clean boot, are there after a restart."""
    flash, draws = FakeFlash(), Draws()
    session = boot(flash, draws)
    session.keep_floor(1700000000123)
    session.end()
    session = boot(flash, draws)
    assert session.floor_ms == 1700000000123
    assert session.clean_boot == 1


def test_numbers_of_records_rise():
    """Every record has its own number."""
    session = boot(FakeFlash(), Draws())
    assert [session.take_seq() for _ in range(3)] == [0, 1, 2]
    assert session.next_seq == 3


def test_a_reset_costs_no_seconds_of_operation():
    """What retained memory knows of the boot before counts, less what that boot saved itself."""
    flash, draws = FakeFlash(), Draws()
    first = boot(flash, draws)
    first.uptime_s = 3600
    first.keep_floor(1)
    for past_s, operated_s in ((0, 3600), (3600, 3600), (5000, 5000), (10, 3600)):
        assert Session(Slots(flash, "state"), draws, past_s).operated_s == operated_s


def test_older_states_are_read():
    """The states of earlier versions are taken over, with what they did not have as zero."""
    for size in (24, 36):
        flash, draws = FakeFlash(), Draws()
        boot(flash, draws)
        state = Slots(flash, "state").load()
        Slots(flash, "state").save(state[:size])
        session = Session(Slots(flash, "state"), draws, 50)
        assert not session.is_lost
        assert (session.inc, session.boot, session.operated_s) == (state[:4], 2, 50)
