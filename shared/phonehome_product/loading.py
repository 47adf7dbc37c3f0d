"""From a TOML file to a Product, or to every problem it has."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from phonehome_wire.decoder import decode
from phonehome_wire.errors import WireError

from .checks import check_together
from .device_half import MAX_DEVICE_HALF_BYTES, compile_device
from .errors import Problem, ProductError
from .fields import Finding, find_in_fields
from .lines import LineIndex, Path
from .model import Product

MAX_FILE_BYTES = 256 * 1024  # the washer has 15 KB; a wrong file should not be read for minutes

_POSITION = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_LABELS = ("code", "name", "id")  # what people call an element of a list, instead of its number
_LABEL_CHARACTERS = 24  # as long as a good name may be


def load(path: str | FilePath) -> Product:
    """Return the checked product; raise ProductError with every problem, OSError when unreadable.

    A file whose single fields are wrong is not checked further: what they mean together is not
    known before each of them is good.
    """
    return parse(_read(FilePath(path)), str(path))


def parse(text: str, file: str) -> Product:
    """Return the product in a TOML text; `file` is the name that the problems carry."""
    raw = _parse_toml(text, file)
    try:
        product = Product.model_validate(raw)
    except ValidationError as error:
        raise _as_error(find_in_fields(error), raw, text, file) from error
    findings = list(check_together(product)) or list(_check_board(product))
    if findings:
        raise _as_error(findings, raw, text, file)
    return product


def _check_board(product: Product) -> Iterator[Finding]:
    """A board decodes as strictly as the receiver, so its bounds on a message hold here too."""
    try:
        decode(compile_device(product), max_bytes=MAX_DEVICE_HALF_BYTES)
    except WireError as error:
        what = f"the device half is too large for a board ({error})"
        yield ("fault",), None, what, "remove faults or conditions"


def _read(path: FilePath) -> str:
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        what = f"{size} bytes are more than a product file has ({MAX_FILE_BYTES})"
        raise _file_error(path, None, what, "give the path of a product file")
    try:
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _file_error(path, line, "not UTF-8", "save the file as UTF-8") from error


def _file_error(path: FilePath | str, line: int | None, what: str, fix: str) -> ProductError:
    return ProductError([Problem(str(path), line, "", None, what, fix)])


def _parse_toml(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        what = f"not TOML: {_POSITION.sub('', str(error))}"
        raise _file_error(file, line, what, "mend the syntax of this line") from error
    except RecursionError as error:
        fix = "write lists at most two deep"
        raise _file_error(file, None, "lists inside lists without end", fix) from error


def _as_error(
    findings: Iterable[Finding], raw: dict[str, Any], text: str, file: str
) -> ProductError:
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
