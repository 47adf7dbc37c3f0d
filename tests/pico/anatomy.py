"""What the bytes of the base's .mpy files are: `python -m tests.pico.anatomy` prints a row a file.

Of .mpy version 6 (py/persistentcode.c and py/bc.h of MicroPython 1.19 and later), bytecode only.
"""

from collections import Counter
from typing import Final

from phonehome_tools.linking.device import compiled_units, link_device, path_of
from phonehome_tools.packaging.parts import BASE, divide

KINDS: Final = ("opcodes", "constants", "names", "lines", "arguments", "heads")
_HEADER_BYTES: Final = 4
_FLAGS: Final = {1, 2, 3, 4}  # None, False, True, Ellipsis: objects without a length
_TEXTS: Final = {5, 6}  # str and bytes have a zero behind them
_TUPLE: Final = 10


class Anatomy:
    """Counts the bytes of one file by kind in `found`; ValueError when they do not add up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = _HEADER_BYTES
        self.found: Counter[str] = Counter(heads=_HEADER_BYTES)
        names, objects = self._number("heads"), self._number("heads")
        for _ in range(names):
            self._name()
        for _ in range(objects):
            self._object()
        self._code()
        if self._at != len(data) or sum(self.found.values()) != len(data):
            raise ValueError(f"{len(data)} bytes, of which {sum(self.found.values())} were found")

    def _number(self, kind: str) -> int:
        number, is_more = 0, 1
        while is_more:
            byte = self._data[self._at]
            number, is_more = number << 7 | byte & 127, byte & 128
            self._take(1, kind)
        return number

    def _take(self, count: int, kind: str) -> None:
        self._at += count
        self.found[kind] += count

    def _name(self) -> None:
        head = self._number("names")
        if not head & 1:  # else it is one of the firmware's, by its number
            self._take((head >> 1) + 1, "names")

    def _object(self) -> None:
        kind = self._data[self._at]
        self._take(1, "constants")
        if kind in _FLAGS:
            return
        length = self._number("constants")
        if kind == _TUPLE:
            for _ in range(length):
                self._object()
        elif kind:
            self._take(length + (kind in _TEXTS), "constants")

    def _code(self) -> None:
        head = self._number("heads")
        end = self._at + (head >> 3)
        parameters = self._signature()
        info_end, cells = self._sizes()
        for _ in range(1 + parameters):  # its own name first
            self._number("arguments")
        self._take(info_end - self._at, "lines")
        self._take(cells, "heads")
        self._take(end - self._at, "opcodes")
        if head & 4:
            for _ in range(self._number("heads")):
                self._code()

    def _signature(self) -> int:
        """How many parameters a function has: the first bytes of its prelude."""
        byte = self._data[self._at]
        by_place, by_name, place = byte & 3, 0, 0
        self._take(1, "heads")
        while byte & 128:
            byte = self._data[self._at]
            by_place |= (byte & 4) << place
            by_name |= (byte & 8) >> 3 << place
            place += 1
            self._take(1, "heads")
        return by_place + by_name

    def _sizes(self) -> tuple[int, int]:
        """(where the names and lines of a function end, bytes of its cells)."""
        info = cells = place = 0
        is_more = 1
        while is_more:
            byte = self._data[self._at]
            info |= (byte & 126) >> 1 << 6 * place
            cells |= (byte & 1) << place
            is_more = byte & 128
            place += 1
            self._take(1, "heads")
        return self._at + info, cells


def main() -> None:
    """Print a row for each file of the base, the largest first, and their sum."""
    linked = link_device()
    files = compiled_units(linked)
    rows = {name: Anatomy(files[path_of(name)]).found for name in _base(linked)}
    rows["all"] = sum(rows.values(), Counter())
    print("  ".join(f"{kind:>9}" for kind in (*KINDS, "sum")))
    for name, found in sorted(rows.items(), key=lambda row: -row[1].total()):
        old = [module for module, new in linked.addresses.items() if new == name]
        numbers = [*(found[kind] for kind in KINDS), found.total()]
        print("  ".join(f"{number:>9,}" for number in numbers), name, *old)


def _base(linked) -> list[str]:
    return divide(linked.units, linked.addresses)[BASE]


if __name__ == "__main__":
    main()
