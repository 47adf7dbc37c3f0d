"""What is done before an application is imported, and when its import ends badly."""

from .assembly import forget_assembly, load_config, make_ground
from .core import boots
from .core.blackbox import BlackBox
from .core.lastwords import find_slot, read_words
from .core.logring import LogRing
from .core.ondemand import forget
from .core.traceback import Traceback
from .core.uptime import Uptime

_BOOTS = __name__.rpartition(".")[0] + ".core.boots"
_IMPORT_MS = 60000  # an import of source takes a Pico seconds
_SERVICE_MIN = 10
_RESET_COMMANDED = 8


class Guard:
    """What is known of the boots before, without an agent."""

    def __init__(self, config, board=None) -> None:
        self.config = load_config(config)
        self.board, self.folder = make_ground(self.config, board)
        self.uptime = Uptime(self.board.ticks, self.board.elapsed)
        self.retained = self.board.make_retained(self.folder)
        self.words = read_words(self.retained.read(), b"")
        self.limit = self.config.dead_boots if self.board.can_reboot else 0
        self.young = boots.count_young(self.words, self.folder.read(boots.FILE))

    def mark(self, is_begun: bool) -> None:
        """Count this boot; the agent that the application makes goes on from here."""
        if self.limit:
            boots.remember(self.folder, self.young)
            young = self.young + is_begun
            self.retained.write(boots.mark(self.retained.read(), young, is_begun))

    def make_box(self) -> BlackBox:
        """A black box for a boot that has no agent yet, or had one."""
        box = BlackBox(self.retained, self.folder, Traceback(), LogRing(self.uptime))
        box.died, box.young = self.young - self.words.is_begun, self.young
        box.slot = find_slot(self.folder.names())
        return box


def begin(config, product=None, board=None) -> tuple:
    """(agent, None) when the application is to stay off, else (None, what feeds the watchdog)."""
    guard = Guard(config, board)
    if boots.is_safe(guard.limit, guard.words, guard.young):
        guard.mark(is_begun=False)
        from .agent import Agent
        from .core.product import Product

        return Agent(product or Product("unknown"), config, board=board), None
    guard.mark(is_begun=True)
    watchdog_ms = guard.config.watchdog_ms
    dog = guard.board.make_watchdog(watchdog_ms) if watchdog_ms else None
    if dog is None or boots.grace_ms(guard.words.meaning, guard.words.name):
        return None, None
    from .starting import Feeder

    return None, Feeder(dog, guard.uptime, _IMPORT_MS)


def let_in(config, feeder, board=None) -> None:
    """Somebody interrupts an import: let the dog sleep, behind a reset too."""
    guard = Guard(config, board)
    if not guard.words.is_begun:
        return  # the agent has done it
    if feeder is not None:
        feeder.pause()
    now_s = guard.uptime.now_ms() // 1000
    guard.make_box().mean(_RESET_COMMANDED, boots.service_name(_SERVICE_MIN), now_s)


def die(config, error: BaseException, board=None) -> None:
    """Keep what ended the application for the next boot, and start it."""
    guard = Guard(config, board)
    guard.board.print_exception(error)
    try:
        box = guard.make_box()
        box.capture(error, guard.uptime, guard.board, None)
        box.save()
    except (MemoryError, OSError):
        pass  # the boot counts as one that died; of what is on the console
    guard.board.reboot()


def forget_guard() -> None:
    """Drop what only the start needs: the application wants the heap."""
    forget_assembly()
    forget(_BOOTS, __name__)
