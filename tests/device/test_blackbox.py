"""The black box: last words taken without memory, kept in two places, read at the next boot."""

import gc
import sys

from phonehome.core import blackbox, lastwords, logring
from phonehome.core.blackbox import BlackBox
from phonehome.core.faults import CONFIRMED
from phonehome.core.lastwords import crash_of, crumbs_of, find_slot, read_words
from phonehome.core.logring import Logger, LogRing
from phonehome.core.traceback import Traceback
from phonehome.ports.retained import Retained
from phonehome.ports.wordcells import WordCells
from phonehome_wire import registry
from phonehome_wire.bodies import defect_of
from phonehome_wire.decoder import decode
from phonehome_wire.encoder import Encoder
from phonehome_wire.record import encode_crash
from tests.fakes.flash import FakeFlash

ADDRESSES = list(range(7))


class Bench:
    """A board, its clock and its faults, all of them already there when memory runs out."""

    spn, fmi = 520201, 18

    def __init__(self):
        self.specs = [self, self]
        self.time_ms = 3661234
        self.words = dict.fromkeys(ADDRESSES, 0)
        self.flash = FakeFlash()
        self.ring = LogRing(self)
        self.box = self.boot()

    def boot(self):
        self.retained = Retained(WordCells(self.words, ADDRESSES))
        return BlackBox(self.retained, self.flash, Traceback(), self.ring)

    def now_ms(self):
        return self.time_ms

    def state(self, index):
        return CONFIRMED if index == 1 else 0

    def heap_left(self):
        return 23000

    def heap_largest(self):
        return 9000

    def print_exception(self, error, stream):
        if hasattr(sys, "print_exception"):
            sys.print_exception(error, stream)
        else:
            import traceback

            traceback.print_exception(error, file=stream)

    def capture(self, error):
        self.box.capture(error, self, self, self)

    def read(self):
        name = find_slot(self.flash.names())
        return read_words(self.retained.read(), self.flash.read(name), name)


def fail(message):
    """Raise."""
    raise RuntimeError(message)


def boom(message):
    """An exception with frames."""
    try:
        fail(message)
    except RuntimeError as error:
        return error


def test_the_slot_tells_all():
    """Type, message, frames, crumbs, heap, faults and uptime come back from flash."""
    bench = Bench()
    log = Logger(bench.ring, "pump")
    log.info("pressure %d", 12)
    bench.time_ms += 2500
    log.error("no flow")
    bench.capture(boom("valve stuck: 7"))
    bench.box.save()
    words = bench.read()
    crash = words.crash
    assert (words.meaning, words.name, words.uptime_s) == (
        registry.RESET_CRASH,
        "RuntimeError",
        3663,
    )
    assert (crash.kind, crash.exception, crash.message) == (1, "RuntimeError", "valve stuck: 7")
    assert [frame[2] for frame in crash.frames] == ["boom", "fail"]
    assert (crash.heap_free, crash.heap_largest, crash.faults) == (23000, 9000, [(520201, 18)])
    assert crash.crumbs == [(-2500, "pump", "pressure 12", 6), (0, "pump", "no flow", 3)]
    enc = Encoder(bytearray(2048), 0)
    encode_crash(enc, 1, 2, 3, crash)
    body = decode(enc.buf[: enc.pos])[4]
    assert defect_of(registry.RTYPE_CRASH, body) is None
    assert body[registry.CRASH_FAULTS] == [[520201, 18]]


def test_retained_memory_alone_tells_the_kind():
    """Eighteen bytes say why, when and which exception."""
    bench = Bench()
    bench.capture(MemoryError("no room"))
    words = bench.read()
    assert (words.meaning, words.crash.kind) == (registry.RESET_OUT_OF_MEMORY, 4)
    assert (words.crash.exception, words.crash.frames) == ("MemoryError", [])
    assert words.crash.heap_free is None


def test_an_uptime_that_needs_memory_is_left_out():
    """After 12 days the clock of a board allocates; without memory the rest is told without it."""
    bench = Bench()
    error = boom("late")

    def fail_to_allocate():
        raise MemoryError

    bench.now_ms = fail_to_allocate
    bench.capture(error)
    words = bench.read()
    assert (words.name, words.uptime_s) == ("RuntimeError", 0)


def test_an_intent_is_no_crash():
    """A reset that is meant, or a stuck task, has its meaning and name and nothing else."""
    bench = Bench()
    bench.box.mean(registry.RESET_WATCHDOG, "sampling", 60)
    words = bench.read()
    assert (words.meaning, words.name, words.crash) == (registry.RESET_WATCHDOG, "sampling", None)
    bench.box.clear()
    words = bench.read()
    assert (words.meaning, words.name, words.crash) == (0, "", None)


def test_damaged_words_say_nothing():
    """A slot with any byte wrong or missing is no crash."""
    bench = Bench()
    bench.capture(boom("x"))
    bench.box.save()
    slot = bench.flash.read(blackbox.SLOT)
    assert read_words(b"", slot).crash is not None
    for at in range(0, len(slot), 7):
        bad = slot[:at] + bytes([slot[at] ^ 4]) + slot[at + 1 :]
        assert read_words(b"", bad).crash is None
        assert read_words(b"", slot[:at]).crash is None


def test_the_first_crash_stays():
    """A slot that nobody has read yet is not written over: a loop of crashes spares the flash."""
    bench = Bench()
    bench.capture(boom("first"))
    bench.box.save()
    bench.capture(boom("second"))
    bench.box.save()
    assert bench.read().crash.message == "first"
    bench.box.clear()
    assert bench.flash.names() == []


def test_words_say_which_record_they_become():
    """Retained memory and the slot name the record, each on its own, and keep the crash."""
    bench = Bench()
    bench.capture(boom("valve"))
    bench.box.save()
    assert bench.read().told is None
    bench.box.tell_as(0x1FE, 0x30007)
    words = bench.read()
    assert (words.meaning, words.name) == (registry.RESET_CRASH, "RuntimeError")
    assert (words.told, words.crash.message) == ((0xFE, 7), "valve")
    retained = bench.retained.read()
    assert read_words(retained, b"", "").told == (0xFE, 7)
    bench.retained.write(b"")
    assert bench.read().told == (0xFE, 7)
    bench.box.clear()
    assert (bench.read().told, bench.flash.names()) == (None, [])


def test_nothing_is_allocated():
    """With the heap locked an exception is captured and retained, and a line is logged."""
    if not hasattr(sys, "print_exception"):
        return
    import micropython

    bench = Bench()
    log = Logger(bench.ring, "pump")
    error = boom("locked")
    box, ring, now_ms = bench.box, bench.ring, bench.time_ms
    gc.collect()
    micropython.heap_lock()
    try:
        box.capture(error, bench, bench, bench)
        ring.write(20, "pump", "still here")
    finally:
        micropython.heap_unlock()
    crash = crash_of(box.head, box.traceback.text, box.traceback.used, ring.lines)
    assert crash.message == "locked"
    assert log.isEnabledFor(20)
    assert bench.read().name == "RuntimeError"
    assert crumbs_of(ring.lines, ring.next, now_ms, 1)[0][2] == "still here"


def test_both_sides_agree_on_the_layout():
    """The reader's copies of the writer's formats are the same."""
    if hasattr(sys, "print_exception"):
        return  # folded away
    for name in ("_SHORT", "_STATE_AT", "_FAULTS_AT"):
        assert getattr(lastwords, name) == getattr(blackbox, name)
    assert (lastwords._MAGIC, lastwords._HEAD_BYTES) == (blackbox.MAGIC, blackbox.HEAD_BYTES)
    assert (lastwords._LINE, lastwords._LINE_BYTES) == (logring._LINE, logring._LINE_BYTES)
