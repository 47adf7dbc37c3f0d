"""Which line of a TOML text holds which key; tomllib keeps no positions, and messages need them.

The text must have been accepted by tomllib before: this reads only where keys stand, it does not
check. A path is a tuple such as `("fault", 2, "rule", "high")`; tables of an array count from 0.
"""

import re
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_KEY_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|([A-Za-z0-9_-]+)')
_SKIPPED = re.compile(r"#[^\n]*|[ \t\r\n]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_OPENING, _CLOSING = "[{", "]}"


class LineIndex:
    """The line of every key path in a text, counted from 1."""

    def __init__(self, text: str) -> None:
        """Read `text`, which tomllib accepts."""
        self._text = text
        self._pos = 0
        self._table: Path = ()
        self._counts: dict[Path, int] = {}
        self._line_of: dict[Path, int] = {}
        self._read()

    def find(self, path: Path) -> int | None:
        """Return the line of the path or of its nearest parent that has one."""
        while path:
            if path in self._line_of:
                return self._line_of[path]
            path = path[:-1]
        return None

    def _read(self) -> None:
        self._skip()
        while self._pos < len(self._text):
            if self._text[self._pos] == "[":
                self._read_header()
            else:
                self._read_pair()
            self._skip()

    def _skip(self) -> None:
        while found := _SKIPPED.match(self._text, self._pos):
            self._pos = found.end()

    def _note(self, path: Path) -> None:
        if path not in self._line_of:
            self._line_of[path] = self._text.count("\n", 0, self._pos) + 1

    def _read_header(self) -> None:
        is_array = self._text.startswith("[[", self._pos)
        start = self._pos
        self._pos += 2 if is_array else 1
        path = self._resolve(self._read_key())
        if is_array:
            count = self._counts.get(path, 0)
            self._counts[path] = count + 1
            path = (*path, count)
        self._pos, end = start, self._text.find("\n", start)
        self._note(path)
        self._pos = len(self._text) if end < 0 else end
        self._table = path

    def _resolve(self, key: Path) -> Path:
        """Put the number of the current element behind every array of tables on the way."""
        path: Path = ()
        for part in key[:-1]:
            path = (*path, part)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return (*path, key[-1])

    def _read_key(self) -> Path:
        parts: list[str | int] = []
        while True:
            self._skip()
            found = _KEY_PART.match(self._text, self._pos)
            if found is None:
                break
            parts.append(next(group for group in found.groups() if group is not None))
            self._pos = found.end()
            self._skip()
            if not self._text.startswith(".", self._pos):
                break
            self._pos += 1
        return tuple(parts) or ("",)

    def _read_pair(self) -> None:
        start = self._pos
        path = (*self._table, *self._read_key())
        end, self._pos = self._pos, start
        self._note(path)
        self._pos = end + 1
        self._read_value(path)

    def _read_value(self, path: Path) -> None:
        """Walk over a value, noting the line where each element of an outer array begins."""
        depth, element = 0, 0
        while self._pos < len(self._text):
            char = self._text[self._pos]
            if depth == 1 and char not in "],# \t\r\n":
                self._note((*path, element))
            if depth == 0 and char in "#\n":
                return
            depth += (char in _OPENING) - (char in _CLOSING)
            element += char == "," and depth == 1
            self._step(char)

    def _step(self, char: str) -> None:
        pattern = _SKIPPED if char == "#" else _STRING if char in "\"'" else None
        found = pattern.match(self._text, self._pos) if pattern else None
        self._pos = found.end() if found else self._pos + 1
