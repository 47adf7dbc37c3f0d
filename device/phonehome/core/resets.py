"""Why the board started: what the agent wrote before, what the chip's registers hold, and what
the firmware says, reconciled by one table. Needed once a boot.

Each source alone lies. Firmware of the RP2 calls every `machine.reset()` a watchdog reset, that of
the ESP32 a brown-out a power-on and a panic a hard reset; registers do not know what a program
meant by its reset; an intent says nothing when the power failed a moment later.
"""

from phonehome_wire.compat import const

# Folded away on a board; a test holds them to the wire's registry and limits.
_CERTAINTY_GUESSED = const(1)
_CERTAINTY_LIKELY = const(2)
_CERTAINTY_NONE = const(0)
_CERTAINTY_SURE = const(3)
_CRASHKIND_BROWN_OUT = const(5)
_CRASHKIND_EXCEPTION = const(1)
_CRASHKIND_HARD_FAULT = const(3)
_CRASHKIND_OUT_OF_MEMORY = const(4)
_CRASHKIND_UNKNOWN_RESET = const(6)
_CRASHKIND_WATCHDOG = const(2)
_RESET_BROWN_OUT = const(6)
_RESET_COMMANDED = const(8)
_RESET_CRASH = const(9)
_RESET_DEEP_SLEEP = const(4)
_RESET_HARD = const(2)
_RESET_OUT_OF_MEMORY = const(10)
_RESET_PANIC = const(7)
_RESET_PIN = const(12)
_RESET_POWER_ON = const(1)
_RESET_SOFT = const(5)
_RESET_UNKNOWN = const(0)
_RESET_UPDATE = const(11)
_RESET_WATCHDOG = const(3)

# Chip -> rows (address, mask, value, reason): the first row whose register holds the value wins.
# The RP2 watchdog leaves its mark of time-out in scratch 4; its reason register is 0 after any
# other reset, and a watchdog reset leaves the register of the chip's reset as it was.
_TIMED_OUT = const(0x6AB73121)
_ESP32_CAUSES = (
    (1, _RESET_POWER_ON),
    (3, _RESET_COMMANDED),
    (4, _RESET_WATCHDOG),
    (5, _RESET_DEEP_SLEEP),
    (7, _RESET_WATCHDOG),
    (8, _RESET_WATCHDOG),
    (9, _RESET_WATCHDOG),
    (11, _RESET_WATCHDOG),
    (12, _RESET_COMMANDED),
    (13, _RESET_WATCHDOG),
    (15, _RESET_BROWN_OUT),
    (16, _RESET_WATCHDOG),
)
_LATER_CAUSES = _ESP32_CAUSES + (
    (17, _RESET_WATCHDOG),
    (18, _RESET_WATCHDOG),
    (21, _RESET_PIN),
    (22, _RESET_PIN),
    (23, _RESET_BROWN_OUT),
)


def _esp32(address: int, causes: tuple) -> tuple:
    return tuple([(address, 0x3F, value, reason) for value, reason in causes])


REGISTERS = {
    "RP2040": (
        (0x4005801C, 0xFFFFFFFF, _TIMED_OUT, _RESET_WATCHDOG),
        (0x40058008, 0x3, 0x1, _RESET_COMMANDED),
        (0x40058008, 0x2, 0x2, _RESET_COMMANDED),
        (0x40064008, 0x00010000, 0x00010000, _RESET_PIN),
        (0x40064008, 0x00000100, 0x00000100, _RESET_POWER_ON),
    ),
    "RP2350": (
        (0x400D801C, 0xFFFFFFFF, _TIMED_OUT, _RESET_WATCHDOG),
        (0x400D8008, 0x3, 0x1, _RESET_COMMANDED),
        (0x400D8008, 0x2, 0x2, _RESET_COMMANDED),
        (0x4010002C, 0x00020000, 0x00020000, _RESET_BROWN_OUT),
        (0x4010002C, 0x02000000, 0x02000000, _RESET_BROWN_OUT),
        (0x4010002C, 0x00040000, 0x00040000, _RESET_PIN),
        (0x4010002C, 0x00010000, 0x00010000, _RESET_POWER_ON),
    ),
    "ESP32": _esp32(0x3FF48034, _ESP32_CAUSES),
    "ESP32S2": _esp32(0x3F408038, _LATER_CAUSES),
    "ESP32S3": _esp32(0x60008038, _LATER_CAUSES),
    "ESP32C3": _esp32(0x60008038, _LATER_CAUSES),
}

ANY = const(-1)
MEANT = const(-2)  # the result is what was meant
TOLD = const(-3)  # the result is what the firmware says

# (meant, register, firmware) -> (reason, certainty); the first row that matches wins, and unknown
# is a source that says nothing. Power comes first: an intent that was followed by a power failure
# explains nothing.
TABLE = (
    (ANY, _RESET_BROWN_OUT, ANY, _RESET_BROWN_OUT, _CERTAINTY_SURE),
    (ANY, _RESET_POWER_ON, ANY, _RESET_POWER_ON, _CERTAINTY_SURE),
    (ANY, _RESET_PIN, ANY, _RESET_PIN, _CERTAINTY_SURE),
    (_RESET_UNKNOWN, _RESET_WATCHDOG, ANY, _RESET_WATCHDOG, _CERTAINTY_SURE),
    (_RESET_WATCHDOG, _RESET_WATCHDOG, ANY, _RESET_WATCHDOG, _CERTAINTY_SURE),
    (ANY, _RESET_WATCHDOG, ANY, _RESET_WATCHDOG, _CERTAINTY_LIKELY),
    (_RESET_UNKNOWN, _RESET_DEEP_SLEEP, ANY, _RESET_DEEP_SLEEP, _CERTAINTY_SURE),
    (_RESET_UNKNOWN, _RESET_COMMANDED, _RESET_HARD, _RESET_PANIC, _CERTAINTY_GUESSED),
    (_RESET_UNKNOWN, _RESET_COMMANDED, _RESET_SOFT, _RESET_SOFT, _CERTAINTY_LIKELY),
    (_RESET_UNKNOWN, _RESET_COMMANDED, ANY, _RESET_COMMANDED, _CERTAINTY_LIKELY),
    (_RESET_UNKNOWN, _RESET_UNKNOWN, _RESET_DEEP_SLEEP, _RESET_DEEP_SLEEP, _CERTAINTY_SURE),
    (_RESET_UNKNOWN, _RESET_UNKNOWN, _RESET_SOFT, _RESET_SOFT, _CERTAINTY_LIKELY),
    (_RESET_UNKNOWN, _RESET_UNKNOWN, _RESET_UNKNOWN, _RESET_UNKNOWN, _CERTAINTY_NONE),
    (_RESET_UNKNOWN, _RESET_UNKNOWN, ANY, TOLD, _CERTAINTY_GUESSED),
    (_RESET_UNKNOWN, ANY, ANY, _RESET_UNKNOWN, _CERTAINTY_NONE),
    (ANY, _RESET_COMMANDED, ANY, MEANT, _CERTAINTY_SURE),
    (ANY, _RESET_DEEP_SLEEP, ANY, MEANT, _CERTAINTY_SURE),
    (ANY, _RESET_UNKNOWN, _RESET_POWER_ON, MEANT, _CERTAINTY_GUESSED),
    (ANY, ANY, ANY, MEANT, _CERTAINTY_LIKELY),
)

# What a start for this reason says about the boot before: a crash record of this kind.
CRASHES = {
    _RESET_WATCHDOG: _CRASHKIND_WATCHDOG,
    _RESET_PANIC: _CRASHKIND_HARD_FAULT,
    _RESET_BROWN_OUT: _CRASHKIND_BROWN_OUT,
    _RESET_CRASH: _CRASHKIND_EXCEPTION,
    _RESET_OUT_OF_MEMORY: _CRASHKIND_OUT_OF_MEMORY,
}
# What is meant when this agent resets its board; anything else in retained memory is not ours.
MEANINGS = (
    _RESET_WATCHDOG,
    _RESET_DEEP_SLEEP,
    _RESET_COMMANDED,
    _RESET_CRASH,
    _RESET_OUT_OF_MEMORY,
    _RESET_UPDATE,
)


def chip_of(machine: str) -> str:
    """The chip at the end of a firmware's name for its board, as REGISTERS calls it, or ""."""
    chip = machine.upper().replace("-", "").split(" ")[-1]
    return chip if chip in REGISTERS else ""


def read_registers(chip: str, memory, was_bitten=None) -> int:
    """RESET_* by the registers of a chip in `memory` (address -> word); unknown for other chips.

    The watchdog's mark is wiped, or a program that is started again by hand would find it again.
    Where a watchdog runs already the mark is its own: then `was_bitten` says what was there.
    """
    for address, mask, value, reason in REGISTERS.get(chip, ()):
        if value == _TIMED_OUT and was_bitten is not None:
            if was_bitten:
                return int(reason)
        elif memory[address] & mask == value:
            if value == _TIMED_OUT:
                memory[address] = 0
            return int(reason)
    return _RESET_UNKNOWN


def reconcile(meant: int, register: int, told: int) -> tuple:
    """(RESET_*, CERTAINTY_*) of three words about a start; RESET_UNKNOWN is a silent source."""
    if meant not in MEANINGS:
        meant = _RESET_UNKNOWN
    for row in TABLE:
        if row[0] in (ANY, meant) and row[1] in (ANY, register) and row[2] in (ANY, told):
            reason = {MEANT: meant, TOLD: told}.get(row[3], row[3])
            return reason, row[4]
    return _RESET_UNKNOWN, _CERTAINTY_NONE


def crash_kind(reason: int, is_board: bool) -> int:
    """CRASHKIND_* of the boot that ended so, 0 when it ended well.

    A computer's program that was killed says nothing about itself; a board that does is odd.
    """
    if reason == _RESET_UNKNOWN and is_board:
        return _CRASHKIND_UNKNOWN_RESET
    kind: int = CRASHES.get(reason, 0)
    return kind
