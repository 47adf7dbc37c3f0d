"""From a world file to a World, or to every problem it has."""

from collections.abc import Callable
from pathlib import Path

from phonehome_product import Problem, Product, ProductError
from phonehome_product.documents import as_error, parse_toml, read_text
from phonehome_product.fields import FieldsError, read_section
from phonehome_product.values import Section

from .checks import check_world
from .world import (
    Area,
    Batch,
    Costs,
    Craft,
    Desk,
    Devices,
    Head,
    Household,
    Noise,
    Owners,
    Remedy,
    Sign,
    Stock,
    Technician,
    Travel,
    Trouble,
    World,
)

MAX_FILE_BYTES = 512 * 1024  # those that ship have 10 KB
_TABLES: dict[tuple[str, ...], type[Section]] = {
    (): World,
    ("world",): Head,
    ("owners",): Owners,
    ("household",): Household,
    ("area",): Area,
    ("travel",): Travel,
    ("technician",): Technician,
    ("craft",): Craft,
    ("part",): Stock,
    ("desk",): Desk,
    ("devices",): Devices,
    ("costs",): Costs,
    ("sensor",): Noise,
    ("fault",): Trouble,
    ("fault", "evidence"): Sign,
    ("fault", "action"): Remedy,
    ("batch",): Batch,
}
_HEAD = '[world]\ntitle = "..."'


def load_world(path: Path, find_product: Callable[[str, Path], Product]) -> tuple[World, Product]:
    """The checked world and its product; ProductError with every problem, OSError when unreadable.

    `find_product` gives the product that a name means, or a path beside the world file's folder;
    it raises ValueError with the reason.
    """
    text = read_text(path, "world file", MAX_FILE_BYTES)
    raw = parse_toml(text, str(path))
    if "world" not in raw:
        fix = f"add a section {_HEAD!r}"
        raise ProductError([Problem(str(path), 1, "world", None, "missing", fix)])
    try:
        world = read_section(World, raw, _TABLES)
    except FieldsError as error:
        raise as_error(error.findings, raw, text, str(path)) from error
    try:
        product = find_product(world.world.product, path.parent)
    except ValueError as error:
        found = [(("world", "product"), world.world.product, "cannot be used", str(error))]
        raise as_error(found, raw, text, str(path)) from error
    findings = list(check_world(world, product))
    if findings:
        raise as_error(findings, raw, text, str(path))
    return world, product
