"""Short names: the cheapest that are free, in the same order for the same sources."""

from collections.abc import Collection, Iterable, Iterator
from itertools import product
from string import ascii_letters

from phonehome_tools.linking import rom


def cheapest(taken: Collection[str], of: Iterable[str] = ()) -> Iterator[str]:
    """Names that are not taken: first those of the list, then one letter, then two."""
    for name in (*of, *_made()):
        if name not in taken:
            yield name


def member_words(taken: Collection[str]) -> Iterator[str]:
    """Names for what is behind a dot."""
    return cheapest({*taken, *rom.PROBED}, (*rom.WORDS, *rom.PARAMETERS, *rom.BUILT_IN))


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
