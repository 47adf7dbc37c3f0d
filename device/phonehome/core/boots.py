"""Boots that died young, before a minute of health; after some in a row the application stays off.

The count is in retained memory, beside the last words, because resets follow each other quickly
and flash wears. A file has it for power cuts: written only when there is something to count, so
three times in a loop and then once a try. Retained memory lost and no file is no dead boot: nobody
can tell somebody at the switch from a boot that died. Needed at a start.
"""

from phonehome_wire.compat import const

# Folded away on a board; a test holds them to the wire's registry and limits.
_RESET_COMMANDED = const(8)
_RESET_UPDATE = const(11)

FILE = "boots.bin"
RETRY = "retry"
_SERVICE = "service "
_MOST = const(15)
_COUNT_SHIFT = const(4)  # as blackbox writes them; a test holds these to its
_BEGUN = const(8)
_WAITS_MIN = (5, 15, 60, 240)
_SHORT_BYTES = const(18)
_MAX_SERVICE_MIN = const(240)


def count_young(words, kept: bytes) -> int:
    """How many boots in a row died young, of the words and the file; one that is begun too."""
    if words.young is not None:
        young: int = words.young
        return young
    return min(kept[0], _MOST) if kept else 0


def is_safe(limit: int, words, young: int) -> bool:
    """Whether the application stays off in the next boot.

    A reset on command or for an update is a try; the words of a boot that had begun are older.
    """
    is_try = words.meaning in (_RESET_COMMANDED, _RESET_UPDATE) and not words.is_begun
    return 0 < limit <= young and not is_try


def wait_ms(limit: int, young: int) -> int:
    """How long to stay off before the next try: each that fails makes it longer."""
    step = min(max(young - limit, 0), len(_WAITS_MIN) - 1)
    return _WAITS_MIN[step] * 60000


def remember(folder, young: int) -> None:
    """Keep the count for a power cut, unless it is there."""
    kept = bytes((min(young, _MOST),)) if young else b""
    if folder.read(FILE) == kept:
        return
    try:
        if kept:
            folder.replace(FILE, kept)
        else:
            folder.remove(FILE)
    except OSError:
        pass  # a full flash: retained memory counts


def mark(retained: bytes, young: int, is_begun: bool = True) -> bytearray:
    """The retained words with another count, and whether this boot is one of them already.

    Words of a boot that had begun and said nothing more are older than it, and are dropped.
    """
    marked = bytearray(retained)
    if len(marked) < _SHORT_BYTES or marked[1] & _BEGUN:
        marked = bytearray(_SHORT_BYTES)
    count = min(young, _MOST) << _COUNT_SHIFT
    marked[1] = marked[1] & (_BEGUN - 1) | count | (_BEGUN if is_begun else 0)
    return marked


def stand_in(product) -> dict:
    """Readers, and functions for Python rules, of an application that is off: they say nothing."""
    for spec in product.faults:
        product.predicates.setdefault(spec.code, _say_nothing)
    return {channel.name: _say_nothing for channel in product.channels}


def _say_nothing(*_) -> None:
    return None


def service_name(minutes: int) -> str:
    """What a reset is called that makes the next boot begin without a watchdog."""
    return "%s%d" % (_SERVICE, min(max(minutes, 1), _MAX_SERVICE_MIN))


def grace_ms(meaning: int, name: str) -> int:
    """How long a boot goes without a watchdog, by what the boot before meant; 0: it has one."""
    digits = name[len(_SERVICE) :]
    if meaning != _RESET_COMMANDED or not name.startswith(_SERVICE) or not digits.isdigit():
        return 0
    return min(int(digits), _MAX_SERVICE_MIN) * 60000
