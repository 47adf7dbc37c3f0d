"""A channel turns whatever a reader does into a sample or a counted missing one."""

from phonehome.core.channel import MAX_SPAN_MS, Channel
from phonehome_wire.series import MISSING


def channel(exp=-2, period_ms=1000):
    """A water temperature in hundredths of a degree."""
    return Channel(3, "water_temp", "Cel", exp, period_ms)


def scaled_or_error(exp, number):
    """The steps of a number, or the class of the error."""
    try:
        return channel(exp).scale(number)
    except (TypeError, ValueError) as error:
        return type(error)


def failing(error):
    """A reader that raises."""

    def read():
        raise error

    return read


def test_numbers_become_steps():
    """A number becomes the nearest step of the exponent, halves go up."""
    cases = (
        (-2, 21.37, 2137),
        (-2, 21, 2100),
        (-1, -0.25, -2),
        (0, 7.5, 8),
        (0, -7.5, -7),
        (0, True, 1),
        (2, 12345, 123),
        (2, 12350, 124),
        (2, 12350.0, 124),
        (2, -150, -1),
        (3, 0, 0),
        (-9, 1, 1000000000),
    )
    for exp, number, steps in cases:
        assert scaled_or_error(exp, number) == steps, (exp, number)


def test_what_is_no_number_of_use_is_refused():
    """Text, NaN, infinities and what has no room in 32 bits are errors, not samples."""
    assert scaled_or_error(0, "7") is TypeError
    assert scaled_or_error(0, b"7") is TypeError
    assert scaled_or_error(0, [7]) is TypeError
    assert scaled_or_error(0, float("nan")) is ValueError
    assert scaled_or_error(0, float("inf")) is ValueError
    assert scaled_or_error(0, -float("inf")) is ValueError
    assert scaled_or_error(-2, 2**31) is ValueError
    assert scaled_or_error(0, 2**31) is ValueError
    assert scaled_or_error(0, -(2**31)) is ValueError, "the sentinel is no value"
    assert scaled_or_error(0, 2**31 - 1) == 2**31 - 1


def test_a_failed_read_is_a_missing_sample():
    """An error, None, text or NaN is missing and counted; the next good sample is a sample."""
    readers = (
        failing(OSError(5)),
        failing(ValueError("CRC error")),
        failing(Exception("checksum error")),
        lambda: None,
        lambda: "21",
        lambda: float("nan"),
        lambda: 1e12,
    )
    read = channel()
    for count, reader in enumerate(readers, 1):
        read.tick(1000)
        read.read(reader)
        assert read.value == MISSING
        assert read.errors == count
        assert read.age_ms == 1000 * count
    read.tick(1000)
    read.read(lambda: 21.5)
    assert (read.value, read.errors, read.age_ms) == (2150, len(readers), 0)


def test_running_out_of_memory_is_not_a_missing_sample():
    """A MemoryError passes through: the crash report needs it."""
    read = channel()
    try:
        read.read(failing(MemoryError()))
    except MemoryError:
        return
    raise AssertionError("MemoryError was swallowed")


def test_a_scaled_reader_gives_steps():
    """With is_scaled integers are taken as they are, and nothing else is taken."""
    read = channel()
    read.is_scaled = True
    for number, steps in ((2150, 2150), (True, 1), (21.5, MISSING), (2**31, MISSING)):
        read.tick(1000)
        read.read(lambda n=number: n)
        assert read.value == steps


def test_samples_keep_their_grid():
    """A late sample does not move the next one; samples that were slept through stay lost."""
    read = channel(period_ms=1000)
    assert read.tick(0)
    read.read(lambda: 1)
    assert read.wait_ms == 1000
    assert not read.tick(999)
    assert read.tick(31)
    read.read(lambda: 1)
    assert (read.wait_ms, read.interval_ms) == (970, 1030)
    assert read.tick(5000)
    read.read(lambda: 1)
    assert (read.wait_ms, read.interval_ms) == (1000, 5000)


def test_the_age_stops_growing():
    """The age of the newest good sample stays a small integer for ever."""
    read = channel()
    for _ in range(5):
        read.tick(2**29)
        read.read(lambda: None)
    assert read.age_ms == MAX_SPAN_MS
