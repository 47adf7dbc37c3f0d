"""From a TOML file to a Product, or to every problem it has."""

from collections.abc import Iterator
from pathlib import Path as FilePath

from pydantic import ValidationError

from phonehome_wire.decoder import decode
from phonehome_wire.errors import WireError

from .checks import check_together
from .device_half import MAX_DEVICE_HALF_BYTES, compile_device
from .documents import as_error, parse_toml, read_text
from .fields import Finding, find_in_fields
from .model import Product
from .service_checks import check_service

MAX_FILE_BYTES = 256 * 1024  # the washer has 15 KB; a wrong file should not be read for minutes


def load(path: str | FilePath) -> Product:
    """Return the checked product; raise ProductError with every problem, OSError when unreadable.

    A file whose single fields are wrong is not checked further: what they mean together is not
    known before each of them is good.
    """
    return parse(read_text(FilePath(path), "product file", MAX_FILE_BYTES), str(path))


def parse(text: str, file: str) -> Product:
    """Return the product in a TOML text; `file` is the name that the problems carry."""
    raw = parse_toml(text, file)
    try:
        product = Product.model_validate(raw)
    except ValidationError as error:
        raise as_error(find_in_fields(error), raw, text, file) from error
    together = (*check_together(product), *check_service(product))
    findings = together or tuple(_check_board(product))
    if findings:
        raise as_error(findings, raw, text, file)
    return product


def _check_board(product: Product) -> Iterator[Finding]:
    """A board decodes as strictly as the receiver, so its bounds on a message hold here too."""
    try:
        decode(compile_device(product), max_bytes=MAX_DEVICE_HALF_BYTES)
    except WireError as error:
        what = f"the device half is too large for a board ({error})"
        yield ("fault",), None, what, "remove faults or conditions"
