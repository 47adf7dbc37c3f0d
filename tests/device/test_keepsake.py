"""What survives a sleep, byte by byte."""

from phonehome.core.keepsake import Reader, Writer, key_of, open_pack, pack, unpack
from phonehome.core.product import Product
from phonehome.core.sampler import Sampler
from phonehome.core.schedule import Schedule

ROOM = 1920


def make_product(high=50):
    """Two sensors, and a rule with a window."""
    product = Product("kept", freeze_period_ms=60000, freeze_samples=8)
    product.sensor("level", "mm", 0, 60000)
    product.sensor("air", "Cel", -1, 60000)
    product.fault("E01", 520192, 0, "error", "range", "level", high=high, on_delay_ms=90000)
    product.fault("E02", 520193, 10, "error", "rate", "air", high=0.1, window_ms=600000)
    return product


def make_sampler(product, told=None):
    """A sampler of constant readings."""
    told = [] if told is None else told
    readers = {"level": lambda: 60, "air": lambda: 21.5}
    return Sampler(product, readers, lambda fault, kind, now_ms, _: told.append((kind, now_ms)))


def complaint(call):
    """What a ValueError says."""
    try:
        call()
    except ValueError as error:
        return str(error)
    return "nothing"


def refused(data):
    """True when a reader says ValueError before the end of the data."""
    reader = Reader(data)
    try:
        while reader.has_more:
            reader.take()
    except ValueError:
        return True
    return False


def test_tokens_come_back():
    """None, numbers of any size and sign, bytes and texts."""
    values = [None, 0, 1, -1, 63, 64, -64, 2**31, -(2**31), 2**53, b"", b"\x00\xff" * 90, True]
    out = Writer()
    for value in values:
        out.put(value)
    out.put("text")
    reader = Reader(bytes(out.data))
    assert [reader.take() for _ in values] == values
    assert reader.take() == b"text"
    assert not reader.has_more


def test_a_cut_token_is_refused():
    """At each byte inside the last token."""
    out = Writer()
    out.put(b"abcdefgh")
    for size in range(1, len(out.data)):
        assert refused(bytes(out.data[:size]))


def test_every_state_comes_back():
    """The sampler that takes up a keepsake is where the other one was."""
    product = make_product()
    schedule, sampler = Schedule(60000, 60000), make_sampler(product)
    for now_ms in range(0, 300000, 60000):
        sampler.step(now_ms)
    schedule.fall_asleep(250000, 7, False)
    key = key_of(product)
    data = pack(key, schedule, b"voice", sampler, ROOM)
    told = []
    later = make_product()
    again, sampler_again = Schedule(60000, 60000), make_sampler(later, told)
    assert unpack(open_pack(key_of(later), data), again, sampler_again) == b"voice"
    assert pack(key, again, b"voice", sampler_again, ROOM) == data
    assert [state.state for state in sampler_again.faults] == [2, 0]
    sampler_again.step(300000)
    assert told == []


def test_damage_at_any_byte_is_found():
    """One wrong byte, or one that is missing, and the boot begins anew."""
    product = make_product()
    key = key_of(product)
    data = pack(key, Schedule(60000, 60000), b"", make_sampler(product), ROOM)
    assert open_pack(key, data) is not None
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        assert open_pack(key, bytes(damaged)) is None
    for size in range(0, len(data), 7):
        assert open_pack(key, data[:size]) is None


def test_another_product_takes_nothing():
    """A limit that was changed makes another product."""
    product = make_product()
    data = pack(key_of(product), Schedule(60000, 60000), b"", make_sampler(product), ROOM)
    assert open_pack(key_of(make_product(high=51)), data) is None


def test_what_has_no_room_begins_anew():
    """First the ring of samples, then the windows of rules; never the states."""
    product = make_product()
    key, schedule, sampler = key_of(product), Schedule(60000, 60000), make_sampler(product)
    for now_ms in range(0, 300000, 60000):
        sampler.step(now_ms)
    sizes = []
    counts = []
    room = ROOM
    for _ in range(3):
        data = pack(key, schedule, b"", sampler, room)
        sizes.append(len(data))
        room = len(data) - 1
        again = make_sampler(make_product())
        unpack(open_pack(key, data), Schedule(60000, 60000), again)
        assert again.faults.state(0) == 2
        counts.append((again.ring.count, again.rules[1]._window.span_ms))
    assert counts == [(5, 240000), (1, 240000), (1, 0)]
    assert "declare fewer" in complaint(lambda: pack(key, schedule, b"", sampler, room))


def test_a_shelf_goes_on():
    """A sleep takes nothing from it, as it is no reboot."""
    product = make_product()
    sampler = make_sampler(product)
    sampler.step(0)
    sampler.shelve("E01", 3600000)
    sampler.step(60000)
    key = key_of(product)
    again = make_sampler(make_product())
    data = pack(key, Schedule(60000, 60000), b"", sampler, ROOM)
    unpack(open_pack(key, data), Schedule(60000, 60000), again)
    assert again.has_silence
    assert again.silence.shelved_ms(0) == sampler.silence.shelved_ms(0) == 3540000
