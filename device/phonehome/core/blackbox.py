"""The last words of a boot, in memory that was made at its start: why it ends, and in what state.

    head = meaning[1] kind and boots[1] uptime s[3] name[13]    what every retained memory holds
           kind of crash [3 bits] begun [1 bit] boots that died young [4 bits]
           uptime ms[4] free heap[4] largest block[4] omitted lines[1] next line[1] faults[1]
           (spn, fmi)[4] * 8                                    what larger ones hold, and flash
    slot = "PHB1" head, traceback length[2], traceback, log lines, crc32[4]

The retained memory gets the head of every crash and of every reset that the agent means to do, the
slot on flash all of a crash that found no way into the outbox. `lastwords` reads both again.

Before the words become a record both say which: bit 7 of the meaning is set and boot[1] seq[2]
stand for the uptime, and the slot is renamed. Whatever ends the boot between the record and the
wiping of the words, the next one finds the record in the outbox and does not tell it twice.
"""

import struct
from binascii import crc32

from phonehome_wire.compat import IS_MICROPYTHON, const

# Folded away on a board; a test holds them to the wire's registry and limits.
_CRASHKIND_EXCEPTION = const(1)
_CRASHKIND_OUT_OF_MEMORY = const(4)
_MAX_CRASH_FAULTS = const(8)
_RESET_COMMANDED = const(8)
_RESET_CRASH = const(9)
_RESET_DEEP_SLEEP = const(4)
_RESET_OUT_OF_MEMORY = const(10)
_RESET_UPDATE = const(11)

_CONFIRMED = const(2)  # as in faults
_MOST_BOOTS = const(15)
_SMALL = const(0x3FFFFFFF)  # more would not be a small integer on a board

SLOT = "crash.bin"
TOLD_SLOT = "crash-"  # boot and seq in hexadecimal follow
TOLD = const(0x80)
MAGIC = b"PHB1"
HEAD_BYTES = const(65)
_SHORT = "<BBHB13s"
_STATE = "<IIIBBB"
_STATE_AT = const(18)
_FAULTS_AT = const(33)


class BlackBox:
    """Takes last words without allocating; `retained` and `folder` keep them.

    `traceback` is the stream that the exception is printed to, `ring` holds the breadcrumbs.
    `died` counts the boots in a row that died young, `young` this one too until it is healthy.
    """

    def __init__(self, retained, folder, traceback, ring) -> None:
        self.retained = retained
        self.folder = folder
        self.traceback = traceback
        self.ring = ring
        self.head = bytearray(HEAD_BYTES)
        self.slot = ""  # the name of the file that holds words on flash
        self.died = self.young = 0

    def mean(self, reason: int, name: str, now_s: int, kind: int = 0) -> None:
        """Write what the reset that follows is for: RESET_*, and a task or an exception."""
        if not IS_MICROPYTHON:  # which copies out of a text without a detour over bytes
            name = name.encode()  # type: ignore[assignment]
        kind |= self._count_boots(reason) << 4
        struct.pack_into(
            _SHORT, self.head, 0, reason, kind, now_s & 0xFFFF, now_s >> 16 & 0xFF, name
        )
        self._retain()

    def _count_boots(self, reason: int) -> int:
        """A boot that ends as it was meant to did not die; to fall asleep is a sign of health."""
        if reason == _RESET_DEEP_SLEEP:
            return 0
        count = self.died if reason in (_RESET_COMMANDED, _RESET_UPDATE) else self.young
        return min(count, _MOST_BOOTS)

    def capture(self, error: BaseException, uptime, board, faults) -> None:
        """Take what is known about an exception, and keep its head in retained memory.

        `faults` is the FaultTable, None where there is none yet. The traceback comes first: where
        memory is out there is one exception object for all, and measuring the heap raises another.
        """
        traceback = self.traceback
        traceback.clear()
        board.print_exception(error, traceback)
        is_memory = isinstance(error, MemoryError)
        try:
            now_ms = uptime.now_ms()
            now_s = now_ms // 1000
            now_ms &= _SMALL
        except MemoryError:
            now_ms = now_s = 0  # after 12 days the uptime of a board is a number on the heap
        name = type(error).__name__
        free = board.heap_left()
        struct.pack_into(
            _STATE,
            self.head,
            _STATE_AT,
            now_ms,
            free,
            board.heap_largest(),
            min(traceback.lost_lines, 255),
            self.ring.next,
            self._put_faults(faults),
        )
        if is_memory:
            self.mean(_RESET_OUT_OF_MEMORY, name, now_s, _CRASHKIND_OUT_OF_MEMORY)
        else:
            self.mean(_RESET_CRASH, name, now_s, _CRASHKIND_EXCEPTION)

    def save(self) -> None:
        """All of it to flash, unless older words wait there: the first crash tells most.

        MemoryError and OSError when that fails; the retained memory has the head then.
        """
        if self.slot:
            return
        traceback = self.traceback
        parts = (
            MAGIC,
            self.head,
            struct.pack("<H", traceback.used),
            memoryview(traceback.text)[: traceback.used],
            self.ring.lines,
        )
        crc = 0
        for part in parts:
            crc = crc32(part, crc)
        self.folder.replace(SLOT, *parts, struct.pack("<I", crc))
        self.slot = SLOT

    def tell_as(self, boot: int, seq: int) -> None:
        """Note on the words which record they are going to be; OSError from the flash."""
        self.head[0] |= TOLD
        struct.pack_into("<BH", self.head, 2, boot & 0xFF, seq & 0xFFFF)
        self._retain()
        if self.slot:
            told = TOLD_SLOT + "%x-%x" % (boot, seq)
            self.folder.rename(self.slot, told)
            self.slot = told

    def start_again(self, reporter, board) -> None:
        """Save what was captured, with the memory that the reporter gives back, and reset."""
        reporter.release()
        try:
            self.retained.write(self.head)  # a file, on a computer, had no memory to be written
            self.save()
        except (MemoryError, OSError):
            pass  # the retained memory has the head of it
        board.reboot()

    def clear(self) -> None:
        """The words are told: what comes next is a new story."""
        self.mean(0, "", 0)
        if self.slot:
            self.folder.remove(self.slot)
            self.slot = ""

    def _retain(self) -> None:
        try:
            self.retained.write(self.head)
        except (OSError, MemoryError):
            pass  # a file on a computer; boards have registers or memory

    def _put_faults(self, faults) -> int:
        """Note the confirmed faults; returns how many."""
        count = 0
        for index in range(len(faults.specs) if faults else 0):
            if count < _MAX_CRASH_FAULTS and faults.state(index) == _CONFIRMED:
                spec = faults.specs[index]
                key = spec.spn << 5 | spec.fmi
                struct.pack_into("<I", self.head, _FAULTS_AT + 4 * count, key)
                count += 1
        return count
