"""Short names: the cheapest that are free, in the same order for the same sources."""

from binascii import crc32
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product
from string import ascii_letters

from phonehome_tools.linking import rom

_LEAF = 4


def cheapest(taken: Collection[str], of: Iterable[str] = ()) -> Iterator[str]:
    """Names that are not taken: first those of the list, then one letter, then two."""
    for name in (*of, *_made()):
        if name not in taken:
            yield name


def settled(labels: Iterable[str], taken: Collection[str], of: Sequence[str]) -> dict[str, str]:
    """A name for every label that depends on little but the label.

    Functions show in tracebacks, and crashes of a fleet are grouped by them: a release with one
    more function must not rename the others. Only where two labels fall on one name the later goes
    on to the next.
    """
    names: dict[str, str] = {}
    gone = {*taken}
    for label in sorted(labels):
        at = crc32(label.encode()) % len(of)
        name = next(word for word in (*of[at:], *of[:at]) if word not in gone)
        names[label] = name
        gone.add(name)
    return names


def member_words(taken: Collection[str]) -> Iterator[str]:
    """Names for what is behind a dot."""
    words = (*rom.WORDS, *rom.PARAMETERS, *rom.BUILT_IN, *rom.FIRMWARE)
    return cheapest({*taken, *rom.PROBED}, words)


def method_words() -> list[str]:
    """Names for private functions of a class."""
    words = (*rom.WORDS, *rom.PARAMETERS, *rom.BUILT_IN)
    return [word for word in words if word not in rom.PROBED]


def leaves(count: int) -> list[str]:
    """Names for so many modules of one package; each is in two longer ones, its path and address.

    Letters are names of something else as well, and so are short words of the firmware.
    """
    words = (*rom.WORDS, *rom.PARAMETERS, *rom.BUILT_IN)
    return _roomy(count, (*ascii_letters, *(word for word in words if len(word) <= _LEAF)))


def seldom_words(count: int) -> list[str]:
    """Names for so many functions of a module that is dropped again."""
    return _roomy(count, _lasting())


def _lasting() -> list[str]:
    """What the firmware has in any case: a name outlives the module that it is in."""
    taken = (*rom.PROBED, *rom.DECORATORS, *rom.COMPILED)
    return [word for word in (*rom.WORDS, *rom.BUILT_IN) if word not in taken]


def shared_words(count: int) -> list[str]:
    """Names for so many functions of the resident module, or methods: both draw from one list."""
    taken = (*rom.PROBED, *rom.DECORATORS, *rom.COMPILED)
    free = [word for word in rom.BUILT_IN if word not in taken]
    return _roomy(count, (*free, *rom.FIRMWARE))


def apart_words(count: int) -> list[str]:
    """Names for so many classes that are told apart by them."""
    return _roomy(count, rom.FIRMWARE)


def pairs() -> list[str]:
    """All names of two letters."""
    return [name for name in _made() if len(name) == 2]


def _roomy(count: int, words: Iterable[str]) -> list[str]:
    """The words, while half of them stay free, so that labels seldom meet; else with pairs.

    Their number grows in large steps: with each all names are others.
    """
    cheap = [*words]
    size = len(cheap)
    while size < 2 * count:
        size *= 2
    return [*cheap, *(pair for pair in pairs() if pair not in cheap)][:size]


def global_words(taken: Collection[str]) -> Iterator[str]:
    """Names for what a module defines; `taken` has the built-in ones that it uses."""
    return cheapest(taken, (*rom.WORDS, *rom.BUILT_IN))


def _made() -> Iterator[str]:
    yield from ascii_letters
    for pair in product(ascii_letters, ascii_letters):
        name = "".join(pair)
        if name not in _KEYWORDS:
            yield name


_KEYWORDS = frozenset({"as", "if", "in", "is", "or"})
