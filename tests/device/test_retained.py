"""Retained memory: what was written is read or nothing is, in every kind of memory."""

from phonehome.ports.blockcells import BlockCells
from phonehome.ports.cells import cells_of
from phonehome.ports.retained import Retained
from phonehome.ports.wordcells import WordCells
from tests.fakes.flash import FakeFlash

ADDRESSES = [0x4005800C + 4 * i for i in (0, 1, 2, 3, 5, 6, 7)]


def scratch():
    """The watchdog's scratch registers, and retained memory in them."""
    words = dict.fromkeys(ADDRESSES, 0)
    return words, Retained(WordCells(words, ADDRESSES))


def test_scratch_registers_keep_eighteen_bytes():
    """They survive a new object, and a word never needs more than 24 bits."""
    words, retained = scratch()
    assert retained.room == 18
    assert retained.read() == b""
    retained.write(bytes(range(200, 230)))
    assert Retained(WordCells(words, ADDRESSES)).read() == bytes(range(200, 218))
    assert all(word < 1 << 24 for word in words.values())
    retained.write(b"")
    assert retained.read() == b""


def test_damage_is_nothing():
    """Any flipped bit of any word makes it empty, instead of wrong."""
    words, retained = scratch()
    retained.write(b"nine lives")
    for address in ADDRESSES[:5]:
        for bit in range(24):
            words[address] ^= 1 << bit
            assert retained.read() in (b"", b"nine lives")
            assert retained.read() == b"" or address == ADDRESSES[4]
            words[address] ^= 1 << bit
    assert retained.read() == b"nine lives"


def test_a_block_is_read_and_written_as_a_whole():
    """RTC memory that was never written, or by somebody else, reads as empty."""
    memory = [b""]

    def write(buf):
        memory[0] = bytes(buf)

    retained = Retained(BlockCells(lambda: memory[0], write))
    assert retained.read() == b""
    memory[0] = b"somebody else's counter"
    assert retained.read() == b""
    retained.write(b"words")
    assert retained.read() == b"words"
    assert len(memory[0]) == retained.room + 3


def test_a_computer_keeps_a_file():
    """Where no memory is retained, a file in the agent's folder stands for it."""
    flash = FakeFlash()
    Retained(cells_of(None, flash, "linux")).write(b"why")
    assert Retained(cells_of(None, flash, "linux")).read() == b"why"


def test_backup_memory_of_later_firmware():
    """`machine.mem_backup()` is written byte by byte."""

    class Machine:
        memory = bytearray(200)

        def mem_backup(self):
            return self.memory

    machine = Machine()
    Retained(cells_of(machine, None, "mimxrt")).write(b"why")
    assert Retained(cells_of(machine, None, "mimxrt")).read() == b"why"


def test_each_board_has_its_memory():
    """The RP2 keeps it in scratch words, never in the watchdog's own; the ESP32 in RTC memory."""

    class Machine:
        def __init__(self):
            self.mem32 = {0x4005800C + 4 * i: 0 for i in range(8)}
            self.kept = b""

        def RTC(self):  # noqa: N802  # as in `machine`
            return self

        def memory(self, data=None):
            self.kept = self.kept if data is None else bytes(data)
            return self.kept

    machine = Machine()
    for platform, room in (("rp2", 18), ("esp32", 125)):
        Retained(cells_of(machine, None, platform)).write(b"why")
        retained = Retained(cells_of(machine, None, platform))
        assert (retained.read(), retained.room) == (b"why", room)
    assert machine.mem32[0x4005801C] == 0
    assert len(machine.kept) == 128
