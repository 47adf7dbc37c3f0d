"""Why a board started: the registers of each chip, and three sources reconciled."""

from phonehome.core import resets
from phonehome_wire import registry as r

SURE, LIKELY, GUESSED, NONE = (
    r.CERTAINTY_SURE,
    r.CERTAINTY_LIKELY,
    r.CERTAINTY_GUESSED,
    r.CERTAINTY_NONE,
)
UNKNOWN = r.RESET_UNKNOWN

RP2040 = (0x4005801C, 0x40058008, 0x40064008)  # watchdog scratch 4, its reason, chip reset
RP2350 = (0x400D801C, 0x400D8008, 0x4010002C)
ESP32 = {"ESP32": 0x3FF48034, "ESP32S2": 0x3F408038, "ESP32S3": 0x60008038, "ESP32C3": 0x60008038}
MARK = 0x6AB73121

# chip, words at the addresses above, what it means
RP2_CASES = (
    (RP2040, "RP2040", (MARK, 1, 0x100), r.RESET_WATCHDOG),
    (RP2040, "RP2040", (0, 1, 0x100), r.RESET_COMMANDED),
    (RP2040, "RP2040", (0, 2, 0x100), r.RESET_COMMANDED),
    (RP2040, "RP2040", (0, 3, 0x10000), r.RESET_COMMANDED),
    (RP2040, "RP2040", (0, 0, 0x10000), r.RESET_PIN),
    (RP2040, "RP2040", (0, 0, 0x100), r.RESET_POWER_ON),
    (RP2040, "RP2040", (0, 0, 0), UNKNOWN),
    (RP2350, "RP2350", (MARK, 1, 1 << 16), r.RESET_WATCHDOG),
    (RP2350, "RP2350", (0, 2, 1 << 16), r.RESET_COMMANDED),
    (RP2350, "RP2350", (0, 0, 1 << 17), r.RESET_BROWN_OUT),
    (RP2350, "RP2350", (0, 0, 1 << 25), r.RESET_BROWN_OUT),
    (RP2350, "RP2350", (0, 0, 1 << 18), r.RESET_PIN),
    (RP2350, "RP2350", (0, 0, 1 << 16), r.RESET_POWER_ON),
)
# low six bits of the reset state register, on which chips, what it means
ESP32_CASES = (
    (1, ESP32, r.RESET_POWER_ON),
    (3, ESP32, r.RESET_COMMANDED),
    (5, ESP32, r.RESET_DEEP_SLEEP),
    (7, ESP32, r.RESET_WATCHDOG),
    (8, ESP32, r.RESET_WATCHDOG),
    (9, ESP32, r.RESET_WATCHDOG),
    (12, ESP32, r.RESET_COMMANDED),
    (13, ESP32, r.RESET_WATCHDOG),
    (15, ESP32, r.RESET_BROWN_OUT),
    (16, ESP32, r.RESET_WATCHDOG),
    (17, ("ESP32S2", "ESP32S3", "ESP32C3"), r.RESET_WATCHDOG),
    (18, ("ESP32S2", "ESP32S3", "ESP32C3"), r.RESET_WATCHDOG),
    (21, ("ESP32S3", "ESP32C3"), r.RESET_PIN),
    (23, ("ESP32S3", "ESP32C3"), r.RESET_BROWN_OUT),
    (17, ("ESP32",), UNKNOWN),
    (0, ESP32, UNKNOWN),
)

# meant, register, firmware -> reason, certainty
STORIES = (
    ("plugged in", UNKNOWN, r.RESET_POWER_ON, r.RESET_POWER_ON, r.RESET_POWER_ON, SURE),
    ("rp2 commanded", r.RESET_COMMANDED, r.RESET_COMMANDED, 3, r.RESET_COMMANDED, SURE),
    ("rp2 reset by a program", UNKNOWN, r.RESET_COMMANDED, 3, r.RESET_COMMANDED, LIKELY),
    ("rp2 real time-out", UNKNOWN, r.RESET_WATCHDOG, 3, r.RESET_WATCHDOG, SURE),
    ("stuck task named", r.RESET_WATCHDOG, r.RESET_WATCHDOG, 3, r.RESET_WATCHDOG, SURE),
    ("hung on its way", r.RESET_COMMANDED, r.RESET_WATCHDOG, 3, r.RESET_WATCHDOG, LIKELY),
    ("crash", r.RESET_CRASH, r.RESET_COMMANDED, 3, r.RESET_CRASH, SURE),
    ("no memory", r.RESET_OUT_OF_MEMORY, r.RESET_COMMANDED, 3, r.RESET_OUT_OF_MEMORY, SURE),
    ("update", r.RESET_UPDATE, r.RESET_COMMANDED, 2, r.RESET_UPDATE, SURE),
    ("esp32 brown-out", UNKNOWN, r.RESET_BROWN_OUT, r.RESET_POWER_ON, r.RESET_BROWN_OUT, SURE),
    ("brown-out over a plan", r.RESET_UPDATE, r.RESET_BROWN_OUT, 1, r.RESET_BROWN_OUT, SURE),
    ("esp32 panic", UNKNOWN, r.RESET_COMMANDED, r.RESET_HARD, r.RESET_PANIC, GUESSED),
    ("esp32 soft", UNKNOWN, r.RESET_COMMANDED, r.RESET_SOFT, r.RESET_SOFT, LIKELY),
    ("deep sleep", UNKNOWN, r.RESET_DEEP_SLEEP, 4, r.RESET_DEEP_SLEEP, SURE),
    ("planned sleep", r.RESET_DEEP_SLEEP, r.RESET_DEEP_SLEEP, 4, r.RESET_DEEP_SLEEP, SURE),
    ("sleep, no register", UNKNOWN, UNKNOWN, 4, r.RESET_DEEP_SLEEP, SURE),
    ("run pin", UNKNOWN, r.RESET_PIN, 1, r.RESET_PIN, SURE),
    ("no register", UNKNOWN, UNKNOWN, r.RESET_HARD, r.RESET_HARD, GUESSED),
    ("no register, told watchdog", UNKNOWN, UNKNOWN, 3, r.RESET_WATCHDOG, GUESSED),
    ("only our word", r.RESET_CRASH, UNKNOWN, UNKNOWN, r.RESET_CRASH, LIKELY),
    ("our word against power-on", r.RESET_CRASH, UNKNOWN, 1, r.RESET_CRASH, GUESSED),
    ("not our word", 200, UNKNOWN, UNKNOWN, UNKNOWN, NONE),
    ("silence", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, NONE),
)


def test_rp2_registers():
    """Each combination of the watchdog's and the chip's registers has its meaning."""
    for addresses, chip, words, wanted in RP2_CASES:
        memory = {address: words[i] for i, address in enumerate(addresses)}
        assert resets.read_registers(chip, memory) == wanted, (chip, words)
        assert memory[addresses[0]] == 0, "a start by hand must not find the mark again"


def test_esp32_registers():
    """Each reset code has its meaning on each variant, whatever the upper bits hold."""
    for code, chips, wanted in ESP32_CASES:
        for chip in chips:
            memory = {ESP32[chip]: 0xABCDC0 | code}
            assert resets.read_registers(chip, memory) == wanted, (chip, code)


def test_a_computer_has_no_registers():
    """Without a chip that is known nothing is read."""
    assert resets.read_registers("", None) == UNKNOWN


def test_chips_are_known_by_the_firmwares_name():
    """The last word names the chip; one without a table is none, so no wrong address is read."""
    assert resets.chip_of("Raspberry Pi Pico W with RP2040") == "RP2040"
    assert resets.chip_of("Generic ESP32S3 module with Octal-SPIRAM with ESP32S3") == "ESP32S3"
    assert resets.chip_of("Generic ESP32 module with ESP32") == "ESP32"
    assert resets.chip_of("M5 with ESP32-C3") == "ESP32C3"
    assert resets.chip_of("Generic ESP32C6 module with ESP32C6") == ""
    assert resets.chip_of("linux [GCC 14] version") == ""


def test_three_sources_make_one_story():
    """Every story of the field is told with its reason, and as surely as its sources allow."""
    for title, meant, register, told, reason, certainty in STORIES:
        assert resets.reconcile(meant, register, told) == (reason, certainty), title


def test_every_combination_has_an_answer():
    """Whatever the sources say, the answer is a reason of the wire and a certainty."""
    names = range(13)
    for meant in names:
        for register in names:
            for told in names:
                reason, certainty = resets.reconcile(meant, register, told)
                assert 0 <= reason <= 12 and 0 <= certainty <= 3
                assert (reason == UNKNOWN) <= (certainty == NONE)


def test_bad_ends_become_crashes():
    """What was not meant is a crash of the right kind; a killed program on a computer is not."""
    assert resets.crash_kind(r.RESET_WATCHDOG, True) == r.CRASHKIND_WATCHDOG
    assert resets.crash_kind(r.RESET_PANIC, True) == r.CRASHKIND_HARD_FAULT
    assert resets.crash_kind(r.RESET_BROWN_OUT, True) == r.CRASHKIND_BROWN_OUT
    assert resets.crash_kind(r.RESET_OUT_OF_MEMORY, False) == r.CRASHKIND_OUT_OF_MEMORY
    assert resets.crash_kind(r.RESET_CRASH, False) == r.CRASHKIND_EXCEPTION
    assert resets.crash_kind(UNKNOWN, True) == r.CRASHKIND_UNKNOWN_RESET
    assert resets.crash_kind(UNKNOWN, False) == 0
    for good in (r.RESET_POWER_ON, r.RESET_COMMANDED, r.RESET_UPDATE, r.RESET_DEEP_SLEEP):
        assert resets.crash_kind(good, True) == 0
