"""An answer of the console: lines for a person, or with `--json` one line for a program.

Written as it comes, so that its length costs no memory. Both forms say the same by the same names.
"""

import json

from phonehome_wire.compat import const

_MISSING = const(-(2**31))  # as in core.channel


class WordError(ValueError):
    """A word that does not fit; the text names it, and what would."""


class Scaled:
    """A number of steps of 10**exp, MISSING when there is none, written without a float."""

    def __init__(self, steps: int, exp: int) -> None:
        self._steps = steps
        self._exp = exp

    def __str__(self) -> str:
        """Digits with a point, as in -1.05; null without a value, as JSON has it."""
        if self._steps == _MISSING:
            return "null"
        if self._exp >= 0:
            return str(self._steps * 10**self._exp)
        digits = str(abs(self._steps))
        digits = "0" * (1 - self._exp - len(digits)) + digits
        sign = "-" if self._steps < 0 else ""
        return sign + digits[: self._exp] + "." + digits[self._exp :]


class Answer:
    """Call it with a name and a value, or `row` for a line of a table.

    `write(text)` prints, `is_called()` says that a key was hit, for what goes on until then. A
    value is a text, a number, True, False, None or a list of those.
    """

    def __init__(self, write, is_called, command: str, is_json: bool) -> None:
        self._write = write
        self._command = command
        self.is_called = is_called
        self.is_json = is_json
        self._table = ""  # whose rows are being written
        self._is_begun = self.is_ended = False

    def __call__(self, name: str, value) -> None:
        """One fact."""
        if self.is_json:
            self._begin()
            self._write(", %s: %s" % (json.dumps(name), _coded(value)))
        else:
            self._write("%s: %s\n" % (name, _plain(value)))

    def row(self, table: str, *fields) -> None:
        """One row of a table; `fields` are (name, value). A person is not shown the first name."""
        if self.is_json:
            if self._table != table:
                self._begin()
                self._write(", %s: [" % json.dumps(table))
                self._table = table
            else:
                self._write(", ")
            told = ["%s: %s" % (json.dumps(name), _coded(value)) for name, value in fields]
            self._write("{" + ", ".join(told) + "}")
        else:
            told = ["%s=%s" % (name, _plain(value)) for name, value in fields[1:]]
            self._write("  ".join([_plain(fields[0][1])] + told) + "\n")

    def none(self, table: str) -> None:
        """A table without rows."""
        if self.is_json:
            self._begin()
            self._write(", %s: []" % json.dumps(table))
        else:
            self._write("%s: none\n" % table)

    def line(self, text: str) -> None:
        """A line as it is, for what has a form of its own; not for an answer in JSON."""
        self._write(text + "\n")

    def end(self) -> None:
        """Nothing more follows."""
        if self.is_json and not self.is_ended:
            self._begin()
            self._write("}\n")
        self.is_ended = True

    def again(self) -> None:
        """One is whole; what may follow is an answer of its own, of the same command."""
        self.end()
        self._is_begun = False

    def _begin(self) -> None:
        """The head of an answer, or the end of a table in it."""
        if not self._is_begun:
            self._is_begun, self.is_ended = True, False
            self._write('{"command": %s' % json.dumps(self._command))
        elif self._table:
            self._write("]")
        self._table = ""


def _coded(value) -> str:
    return str(value) if isinstance(value, Scaled) else json.dumps(value)


def _plain(value) -> str:
    if value is None:
        return "none"
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join([_plain(one) for one in value]) or "none"
    return str(value)
