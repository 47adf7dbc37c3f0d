"""A CSV file as somebody's spreadsheet wrote it: rows with values, and every fault with its place.

Commas, semicolons or tabs, with or without quotes and a byte order mark; UTF-8, UTF-16 with its
mark, or the encoding that was named.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .kinds import Field, Kind

MAX_ROWS: Final = 100_000
MAX_SHOWN_CHARS: Final = 80
_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS: Final = (",", ";", "\t")
_SEPARATOR: Final = re.compile("[;|]")  # between the values of a cell that has many


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, and what would be right; line 1 is the header."""

    file: str
    line: int
    column: str
    value: str
    fix: str


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one line; columns that the file does not have are not in it."""

    file: str
    line: int
    values: Mapping[str, Any]
    # As they stood there, for problems that only the database can find.
    texts: Mapping[str, str]

    def problem(self, column: str, fix: str) -> Problem:
        """Something is wrong with a value of this row."""
        return Problem(self.file, self.line, column, _cut(self.texts.get(column, "")), fix)


@dataclass(slots=True)
class Sheet:
    """The good rows of a file, and the problems of the others."""

    kind: Kind
    file: str
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    # Of bad rows, too: who refers to one of those is not to blame for it.
    keys: set[str] = field(default_factory=set)


def read_sheet(kind: Kind, file: str, content: bytes, encoding: str = "") -> Sheet:
    """Read a whole file; nothing is thrown, everything that is wrong is in `problems`.

    `encoding` is a name of Python's; empty: UTF-8, or UTF-16 by its mark.
    """
    sheet = Sheet(kind, file)
    try:
        text = _decode(content, encoding)
    except (ValueError, LookupError) as error:  # codecs raise either, and UnicodeError
        sheet.problems.append(_undecodable(file, content, encoding, error))
        return sheet
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=_delimiter(kind, text), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        columns = _read_header(sheet, header)
        if columns is not None:
            _read_rows(sheet, columns, reader)
    except csv.Error as error:
        fix = f"write it as CSV: {error}"
        sheet.problems.append(Problem(file, reader.line_num, "", "", fix))
    return sheet


def check(
    kind: Kind, texts: Mapping[str, str | Sequence[str]]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The values of the texts of one thing, and what is wrong as (field, fix).

    Of a field that takes many values a text may hold several, and a sequence is one each.
    """
    values: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for name, given in texts.items():
        found = kind.find(name)
        if found is None:
            continue
        try:
            values[name] = _read(found, given)
        except ValueError as error:
            wrong.append((name, str(error)))
    return values, wrong or list(_contradictions(values))


def _read(of: Field, given: str | Sequence[str]) -> Any:
    if isinstance(given, str):
        given = _SEPARATOR.split(given) if of.many else [given]
    parts = [part.strip() for part in given if part.strip()]
    if not parts:
        if of.is_needed:
            raise ValueError(f"it is needed: {of.wants}")
        return of.default
    return tuple(map(of.read, parts)) if of.many else of.read(parts[0])


def _contradictions(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with values beside each other."""
    for last in ("warranty_until", "contract_until"):
        bought, until = values.get("bought"), values.get(last)
        if bought is not None and until is not None and until < bought:
            yield last, "a day after the one on which it was bought"
    if values.get("grants") and "contract" in values and not values["contract"]:
        yield "grants", "without a contract nobody grants anything: name the contract"
    if values.get("postcode") and "country" in values and not values["country"]:
        yield "country", "a postcode needs its country, as in DE"
    names = [name for name, _ in values.get("vans") or ()]
    if len(set(names)) < len(names):
        yield "vans", "each technician once"


def _decode(content: bytes, encoding: str) -> str:
    if not encoding:
        encoding = "utf-16" if content[:2] in _MARKS else "utf-8-sig"
    return content.decode(encoding).removeprefix("\ufeff")


def _undecodable(file: str, content: bytes, encoding: str, error: Exception) -> Problem:
    if isinstance(error, UnicodeDecodeError):
        line = content.count(b"\n", 0, error.start) + 1
        value = f"byte 0x{content[error.start]:02x}"
        fix = f"this is not {encoding or 'UTF-8'}: save it as UTF-8, or name its encoding (cp1252)"
        return Problem(file, line, "", value, fix)
    return Problem(file, 0, "", encoding, "an encoding as in utf-8, cp1252 or utf-16")


def _delimiter(kind: Kind, text: str) -> str:
    """The one that splits the first line into the most names of columns."""
    header = text.splitlines()[0] if text else ""
    names = {of.name for of in kind.fields}

    def known(delimiter: str) -> int:
        return sum(name.strip(' "') in names for name in header.split(delimiter))

    return max(_DELIMITERS, key=known)


def _read_header(sheet: Sheet, header: list[str]) -> list[str] | None:
    kind, found = sheet.kind, sheet.problems
    known = ", ".join(of.name for of in kind.fields)
    for name in header:
        if kind.find(name) is None:
            fix = f"no such column of {kind.name}; known: {known}"
            found.append(Problem(sheet.file, 1, name, _cut(name), fix))
        elif header.count(name) > 1:
            found.append(Problem(sheet.file, 1, name, name, "have each column once"))
    for of in kind.fields:
        if of.is_needed and of.name not in header:
            fix = f"the column is missing: {of.wants}"
            found.append(Problem(sheet.file, 1, of.name, "", fix))
    return None if found else header


def _read_rows(sheet: Sheet, columns: list[str], reader: Any) -> None:
    """`reader` counts lines as an editor does, and a quoted cell may have several."""
    seen: dict[str, int] = {}
    line = reader.line_num + 1
    for cells in reader:
        here, line = line, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(seen) >= MAX_ROWS:
            fix = f"at most {MAX_ROWS} rows: make it several files"
            sheet.problems.append(Problem(sheet.file, here, "", "", fix))
            return
        if len(cells) != len(columns):
            fix = f"{len(columns)} cells as in the header; quote those with the delimiter in them"
            sheet.problems.append(Problem(sheet.file, here, "", f"{len(cells)} cells", fix))
            continue
        texts = dict(zip(columns, cells, strict=True))
        values, wrong = check(sheet.kind, texts)
        row = Row(sheet.file, here, values, texts)
        problems = [row.problem(*each) for each in wrong]
        problems += _note_key(sheet, row, seen)
        sheet.problems += problems
        if not problems:
            sheet.rows.append(row)


def _note_key(sheet: Sheet, row: Row, seen: dict[str, int]) -> list[Problem]:
    name = sheet.kind.key.name
    key = row.values.get(name, f"\n{row.line}")  # no key can be like this
    sheet.keys.add(key)
    before = seen.setdefault(key, row.line)
    if before == row.line:
        return []
    return [row.problem(name, f"line {before} has it already: have each once")]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"
