"""Retained memory in registers: the scratch words of the RP2's watchdog."""

from phonehome_wire.compat import const

_WORD_BYTES = const(3)  # of four: a full word would be an allocated integer on a 32-bit board


class WordCells:
    """Words of a memory that can only be written whole, three bytes in each."""

    def __init__(self, words, addresses) -> None:
        self._words = words
        self._addresses = addresses
        self.size = _WORD_BYTES * len(addresses)

    def load(self, buf) -> None:
        """Fill the buffer from the words."""
        at = 0
        for address in self._addresses:
            word = self._words[address]
            for shift in (0, 8, 16):
                buf[at] = word >> shift & 0xFF
                at += 1

    def store(self, buf) -> None:
        """Write the buffer into the words."""
        at = 0
        for address in self._addresses:
            self._words[address] = buf[at] | buf[at + 1] << 8 | buf[at + 2] << 16
            at += _WORD_BYTES
