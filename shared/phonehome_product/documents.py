"""A TOML file that people write: its text, its tables, and its problems with the line of each."""

import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

from .errors import Problem, ProductError
from .fields import Finding
from .lines import LineIndex, Path

_POSITION = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
# What people call an element of a list, instead of its number.
_LABELS = ("name", "code", "id", "number", "language")
_LABEL_CHARACTERS = 24  # as long as a good name may be


def read_text(path: FilePath, noun: str, max_bytes: int) -> str:
    """The text of a `noun` such as "product file"; ProductError when it is too large or no text.

    OSError when it cannot be read.
    """
    size = path.stat().st_size
    if size > max_bytes:
        what = f"{size} bytes are more than a {noun} has ({max_bytes})"
        raise file_error(path, None, what, f"give the path of a {noun}")
    try:
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise file_error(path, line, "not UTF-8", "save the file as UTF-8") from error


def file_error(path: FilePath | str, line: int | None, what: str, fix: str) -> ProductError:
    """What is wrong with a file and not with one of its keys."""
    return ProductError([Problem(str(path), line, "", None, what, fix)])


def parse_toml(text: str, file: str) -> dict[str, Any]:
    """The tables of a TOML text, numbers with a point as Decimal; ProductError with the line."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        what = f"not TOML: {_POSITION.sub('', str(error))}"
        raise file_error(file, line, what, "mend the syntax of this line") from error
    except RecursionError as error:
        fix = "write lists at most two deep"
        raise file_error(file, None, "lists inside lists without end", fix) from error


def as_error(
    findings: Iterable[Finding], raw: dict[str, Any], text: str, file: str
) -> ProductError:
    """The findings about a text with the lines and names of their keys, in the order of the file.

    `raw` are the tables of the text.
    """
    index = LineIndex(text)
    problems = [
        Problem(file, index.find(path), _name_path(path, raw), _plain(value), what, fix)
        for path, value, what, fix in findings
    ]
    return ProductError(sorted(problems, key=lambda problem: problem.line or 0))


def _plain(value: object) -> object:
    return f"{value[0]}, {value[1]}" if isinstance(value, tuple) else value


def _name_path(path: Path, raw: Any) -> str:
    """Write a path as people read it: fault.E21.rule.high, and a number only without a name."""
    words: list[str] = []
    for part in path:
        raw = _enter(raw, part)
        words.append(part if isinstance(part, str) else _label(raw, part))
    return ".".join(words)


def _enter(raw: Any, part: str | int) -> Any:
    try:
        return raw[part]
    except (KeyError, IndexError, TypeError):
        return None


def _label(element: Any, number: int) -> str:
    names = element if isinstance(element, dict) else {}
    label = next((names[key] for key in _LABELS if isinstance(names.get(key), str)), None)
    return label[:_LABEL_CHARACTERS] if label else str(number + 1)
