"""From a TOML file to a Product, or to every problem it has."""

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from phonehome_wire.decoder import decode
from phonehome_wire.errors import WireError

from .checks import check_together
from .device_half import MAX_DEVICE_HALF_BYTES, compile_device
from .documents import as_error, parse_toml, read_text
from .fields import FieldsError, Finding, read_section
from .model import Product
from .service_checks import check_service

MAX_FILE_BYTES = 256 * 1024  # the washer has 63 KB; a wrong file should not be read for minutes
PICTURES = "pictures"  # the folder beside the product files


def load(path: str | FilePath) -> Product:
    """Return the checked product; raise ProductError with every problem, OSError when unreadable.

    A file whose single fields are wrong is not checked further: what they mean together is not
    known before each of them is good. Pictures may lie elsewhere: see load_whole.
    """
    return parse(_read(path), str(path))


def load_whole(path: str | FilePath) -> Product:
    """As load, with every picture of its articles in the folder `pictures` beside the file."""
    text = _read(path)
    product, raw = _parse(text, str(path))
    findings = list(_check_pictures(product, FilePath(path).parent / PICTURES))
    if findings:
        raise as_error(findings, raw, text, str(path))
    return product


def _read(path: str | FilePath) -> str:
    return read_text(FilePath(path), "product file", MAX_FILE_BYTES)


def parse(text: str, file: str) -> Product:
    """Return the product in a TOML text; `file` is the name that the problems carry."""
    return _parse(text, file)[0]


def _parse(text: str, file: str) -> tuple[Product, dict[str, Any]]:
    raw = parse_toml(text, file)
    try:
        product = read_section(Product, raw)
    except FieldsError as error:
        raise as_error(error.findings, raw, text, file) from error
    together = (*check_together(product), *check_service(product))
    findings = together or tuple(_check_board(product))
    if findings:
        raise as_error(findings, raw, text, file)
    return product, raw


def _check_pictures(product: Product, folder: FilePath) -> Iterator[Finding]:
    for number, article in enumerate(product.articles):
        for place, wording in enumerate(article.texts):
            for count, step in enumerate(wording.steps):
                if step.picture and not (folder / step.picture).is_file():
                    path = ("article", number, "text", place, "step", count, "picture")
                    what = f"not in the folder {folder}"
                    yield path, step.picture, what, "put the picture there, or remove the line"


def _check_board(product: Product) -> Iterator[Finding]:
    """A board decodes as strictly as the receiver, so its bounds on a message hold here too."""
    try:
        decode(compile_device(product), max_bytes=MAX_DEVICE_HALF_BYTES)
    except WireError as error:
        what = f"the device half is too large for a board ({error})"
        yield ("fault",), None, what, "remove faults or conditions"
