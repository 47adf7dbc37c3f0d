"""Recorded samples, a row a line: `utc_ms,value,...`; an empty value is a missing sample."""


class RowError(ValueError):
    """A line that is no row; the text names the line."""


class Rows:
    """Reads one row after another with constant memory; `utc_ms` and `values` are the newest."""

    def __init__(self, lines, names):
        self._lines = iter(lines)
        self._names = names
        self._number = 0
        self.utc_ms = 0
        self.values = dict.fromkeys(names)

    def advance(self) -> bool:
        """Take the next row; False at the end. RowError when it is malformed or goes back."""
        for line in self._lines:
            self._number += 1
            self._take(line.strip().split(","))
            return True
        return False

    def reader(self, name):
        """A sensor function that returns the newest row's value of one column."""
        return lambda: self.values[name]

    def _take(self, words):
        if len(words) != len(self._names) + 1:
            raise RowError("row %d has %d columns" % (self._number, len(words)))
        try:
            utc_ms = int(words[0])
            values = [float(word) if word else None for word in words[1:]]
        except ValueError:
            raise RowError("row %d is not numbers" % self._number)
        if utc_ms < self.utc_ms:
            raise RowError("row %d goes back in time" % self._number)
        self.utc_ms = utc_ms
        for index, name in enumerate(self._names):
            self.values[name] = values[index]
