"""A pushed configuration on flash: never half of one, whatever happens while it is written."""

from phonehome.core.pushed import Pushed
from phonehome.ports.slots import Slots
from phonehome_wire.pushed import MAX_KEYS, MAX_VERSION, TEXTS
from tests.fakes.flash import FakeFlash, PowerCut

VALUES = {1: 60, 1 << 29 | 520192 << 10: -40}


def load(flash):
    """What the next boot finds."""
    return Pushed(Slots(flash, "config"))


def test_nothing_was_pushed():
    """Without a file the configuration is version 0 without values."""
    pushed = load(FakeFlash())
    assert (pushed.current, pushed.trial, pushed.boots) == ((0, {}), None, 0)


def test_a_trial_survives_a_reboot():
    """What was begun is there at the next boot, beside what was kept before."""
    flash = FakeFlash()
    pushed = load(flash)
    pushed.begin_trial(7, VALUES)
    pushed.note_boot()
    found = load(flash)
    assert (found.current, found.kept, found.boots) == ((7, VALUES), (0, {}), 1)
    found.keep()
    found = load(flash)
    assert (found.current, found.trial) == ((7, VALUES), None)
    found.begin_trial(8, {})
    assert load(flash).current == (8, {})
    found.drop()
    assert load(flash).current == (7, VALUES)


def test_power_cut_at_every_byte():
    """Cut at any byte of any change, the next boot has the whole state before it or after it."""
    steps = (
        lambda pushed: pushed.begin_trial(2, {1: 90, 2: 1}),
        lambda pushed: pushed.note_boot(),
        lambda pushed: pushed.keep(),
        lambda pushed: pushed.drop(),
        lambda pushed: pushed.take_back(3),
        lambda pushed: pushed.note_health(),
    )
    start = FakeFlash()
    load(start).begin_trial(1, VALUES)
    load(start).keep()
    files = start.files
    for step in steps:
        before = _seen(load(FakeFlash(files)))
        whole = FakeFlash(files)
        step(load(whole))
        after = _seen(load(whole))
        for budget in range(whole.spent):
            cut = FakeFlash(files, budget)
            take(step, load(cut))
            assert _seen(load(FakeFlash(cut.files))) in (before, after)
        files = whole.files


def take(step, pushed):
    """Do it as far as the power lasts."""
    try:
        step(pushed)
    except PowerCut:
        return


def _seen(pushed):
    return pushed.boots, pushed.trial, pushed.kept, pushed.before, pushed.taken


def test_the_largest_has_room():
    """As many keys as a command may carry, with the largest numbers, on trial, kept and before."""
    flash = FakeFlash()
    pushed = load(flash)
    texts = {key: "x" * greatest for key, (_, _, greatest) in TEXTS.items()}
    values = {(1 << 29) + number: 2**31 - 1 for number in range(MAX_KEYS - len(texts))} | texts
    pushed.begin_trial(MAX_VERSION, values)
    pushed.keep()
    pushed.take_back(15)
    pushed.begin_trial(MAX_VERSION - 1, values)
    pushed.keep()
    pushed.begin_trial(MAX_VERSION - 2, values)
    pushed.keep()
    pushed.begin_trial(MAX_VERSION - 3, values)
    found = load(flash)
    assert found.current == (MAX_VERSION - 3, values)
    assert (found.kept[0], found.before[0]) == (MAX_VERSION - 2, MAX_VERSION - 1)


def test_a_full_flash_changes_nothing():
    """When it cannot be written the old configuration holds, in memory too."""
    flash = FakeFlash()
    pushed = load(flash)
    flash.is_read_only = True
    assert not is_written(pushed)
    assert pushed.current == load(flash).current == (0, {})


def is_written(pushed):
    """Whether the flash took a trial."""
    try:
        pushed.begin_trial(3, VALUES)
    except OSError:
        return False
    return True


def test_what_the_version_before_wrote_counts():
    """A state of the first format has one that is kept, and nothing before it."""
    flash = FakeFlash()
    Slots(flash, "config").save(b"\x84\x01\x00\xf6\x82\x07\xa1\x01\x18\x3c")
    found = load(flash)
    assert (found.current, found.before, found.taken) == ((7, {1: 60}), (0, {}), (0, 0))


def test_what_another_version_wrote_is_left():
    """A state that cannot be read is as none."""
    for state in (b"", b"\xff", b"\x84\x03\x00\xf6\x82\x01\xa0", b"\x01"):
        flash = FakeFlash()
        Slots(flash, "config").save(state)
        assert load(flash).current == (0, {})
