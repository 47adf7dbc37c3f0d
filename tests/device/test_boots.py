"""Boots that die young: counted over resets and power cuts, and what follows from the count."""

from phonehome.core import boots
from phonehome.core.blackbox import BlackBox
from phonehome.core.lastwords import read_words
from phonehome.core.product import Product
from phonehome.core.sampler import Sampler
from phonehome.ports.retained import Retained
from phonehome.ports.wordcells import WordCells
from phonehome_wire import registry
from tests.fakes.flash import FakeFlash

ADDRESSES = list(range(7))
LIMIT = 3
MINUTE_MS = 60000


class Flash(FakeFlash):
    """Flash that counts what is written."""

    commits = 0

    def replace(self, name, *parts):
        self.commits += 1
        super().replace(name, *parts)

    def remove(self, name):
        self.commits += 1
        super().remove(name)


class Board:
    """A board that boots and dies; `words` are lost with the power, `flash` is not."""

    def __init__(self):
        self.flash = Flash()
        self.cut_power()

    def cut_power(self):
        self.words = dict.fromkeys(ADDRESSES, 0)

    def boot(self):
        """What a start of the agent does; True when the application stays off."""
        retained = Retained(WordCells(self.words, ADDRESSES))
        words = read_words(retained.read(), b"")
        self.box = BlackBox(retained, self.flash, None, None)
        self.died = boots.count_young(words, self.flash.read(boots.FILE))
        is_safe = boots.is_safe(LIMIT, words, self.died)
        boots.remember(self.flash, self.died)
        self.box.died = self.died
        self.box.young = self.died + (not is_safe)
        self.box.mean(0, "", 0)
        return is_safe

    def heal(self):
        """What an agent does that has lived for a minute."""
        self.box.died = self.box.young = 0
        self.box.mean(0, "", 0)
        boots.remember(self.flash, 0)


def test_three_that_die_young_are_enough():
    """The fourth start in a row leaves the application off, and so does the fifth."""
    board = Board()
    assert [board.boot() for _ in range(5)] == [False, False, False, True, True]
    assert board.died == LIMIT


def test_a_minute_of_health_forgets_them():
    """Two bad boots, a good one, two bad ones: the application starts each time."""
    board = Board()
    board.boot()
    board.boot()
    assert not board.boot()
    board.heal()
    assert [board.boot() for _ in range(3)] == [False, False, False]


def test_a_boot_that_is_meant_to_end_did_not_die():
    """Commanded resets in the first minute are not counted; falling asleep is a sign of health."""
    board = Board()
    for _ in range(10):
        assert not board.boot()
        board.box.mean(registry.RESET_COMMANDED, "", 5)
    board.boot()
    board.boot()
    assert board.died == 1
    board.box.mean(registry.RESET_DEEP_SLEEP, "", 5)
    board.boot()
    assert board.died == 0


def test_the_words_of_a_crash_keep_the_count():
    """What a boot says of its end does not get in the way of counting it."""
    board = Board()
    for _ in range(LIMIT):
        assert not board.boot()
        board.box.mean(registry.RESET_CRASH, "ValueError", 5, registry.CRASHKIND_EXCEPTION)
    words = read_words(board.box.retained.read(), b"")
    assert (words.name, words.crash.kind, words.young) == ("ValueError", 1, LIMIT)
    assert board.boot()


def test_a_power_cut_is_no_amnesty():
    """The count is on flash from the first bad boot on, and a cut adds nothing to it."""
    board = Board()
    for _ in range(LIMIT):
        board.boot()
    assert board.boot()
    board.cut_power()
    assert board.boot()
    board = Board()
    for _ in range(10):
        assert not board.boot()
        board.cut_power()


def test_a_boot_loop_wears_nothing():
    """A thousand boots that die write the flash three times; a healthy life not at all."""
    board = Board()
    for _ in range(1000):
        board.boot()
    assert board.flash.commits == LIMIT
    board = Board()
    for _ in range(100):
        board.boot()
        board.heal()
    assert board.flash.commits == 0


def test_a_try_is_a_reset_on_command():
    """The application is tried again, with growing pauses up to four hours."""
    board = Board()
    for _ in range(LIMIT):
        board.boot()
    waits_min = []
    for _ in range(6):
        assert board.boot()
        waits_min.append(boots.wait_ms(LIMIT, board.died) // MINUTE_MS)
        board.box.mean(registry.RESET_COMMANDED, boots.RETRY, 300)
        assert not board.boot()
    assert waits_min == [5, 15, 60, 240, 240, 240]
    board.heal()
    assert not board.boot()


def test_the_count_has_an_end():
    """Twenty tries that fail still are the longest pause, and one good one forgets them."""
    board = Board()
    for _ in range(20):
        board.boot()
        board.box.mean(registry.RESET_COMMANDED, boots.RETRY, 300)
        board.boot()
    assert board.boot()
    assert board.died == 15
    board.heal()
    assert not board.boot()


def test_a_start_before_the_agent_counts_once():
    """A boot that was counted before its application was imported is not counted again."""
    board = Board()
    retained = Retained(WordCells(board.words, ADDRESSES))
    for died in range(LIMIT):
        words = read_words(retained.read(), b"")
        assert not boots.is_safe(LIMIT, words, boots.count_young(words, b""))
        retained.write(boots.mark(retained.read(), died + 1))
        words = read_words(retained.read(), b"")
        assert (boots.count_young(words, b""), words.is_begun) == (died + 1, True)
    assert boots.is_safe(LIMIT, words, LIMIT)


def test_a_mark_keeps_the_last_words():
    """The agent that comes later still reads what the boot before meant."""
    board = Board()
    board.boot()
    board.box.mean(registry.RESET_CRASH, "ValueError", 70000, registry.CRASHKIND_EXCEPTION)
    marked = bytes(boots.mark(board.box.retained.read(), 2))
    words = read_words(marked, b"")
    assert (words.meaning, words.name, words.uptime_s) == (
        registry.RESET_CRASH,
        "ValueError",
        70000,
    )
    assert words.crash.kind == registry.CRASHKIND_EXCEPTION
    assert (words.young, words.is_begun) == (2, True)


def test_a_stale_command_is_no_try():
    """A boot that died at its import leaves the command that started it: that was its try."""
    board = Board()
    board.boot()
    board.box.mean(registry.RESET_COMMANDED, boots.RETRY, 5)
    words = read_words(bytes(boots.mark(board.box.retained.read(), 5)), b"")
    assert boots.is_safe(LIMIT, words, 5)


def test_service_is_a_name_with_minutes():
    """What one boot writes the next understands; anything else is no service."""
    for minutes, wanted_min in ((10, 10), (0, 1), (1000, 240)):
        name = boots.service_name(minutes)
        assert len(name) <= 13
        assert boots.grace_ms(registry.RESET_COMMANDED, name) == wanted_min * MINUTE_MS
    for name in ("service ", "service x", "service over", "retry", ""):
        assert boots.grace_ms(registry.RESET_COMMANDED, name) == 0
    assert boots.grace_ms(registry.RESET_WATCHDOG, "service 10") == 0


def test_an_application_that_is_off_needs_nothing():
    """A product with a Python rule and sensors without readers can be held, and says nothing."""
    product = Product("tank")
    product.sensor("level", "mm", 0, 500)
    product.fault("E1", 520192, 31, "error", "python")
    sampler = Sampler(product, boots.stand_in(product), None)
    assert sampler.faults.active_count == 0
