"""Products by name or by file, and which of them have a physical model here."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from phonehome_product import Product, ProductError, compile_device, load
from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.interpreter import folder_of


@dataclass(frozen=True)
class CatalogEntry:
    """A checked product and the half of it that a board loads."""

    product: Product
    device_half: bytes

    @property
    def sensor_names(self) -> list[str]:
        """The sensors in the order of the file."""
        return [sensor.name for sensor in self.product.sensors]


def products_folder() -> Path:
    """Where the products of this project are: in the source tree, or inside the package."""
    package = folder_of("phonehome_product")
    inside = package / "products"
    return inside if inside.is_dir() else package.parent / "products"


def find_product(word: str) -> CatalogEntry:
    """The product that a name or a file means; SetupError tells what is known or wrong."""
    path = Path(word) if word.endswith(".toml") else products_folder() / f"{word}.toml"
    if not path.exists():
        known = ", ".join(product_names())
        raise SetupError(f"product '{word}' is not here: name one of {known}, or a .toml file")
    try:
        product = load(path)
    except ProductError as error:
        raise SetupError(f"{error}; 'phonehome product check {path}' shows all") from error
    return CatalogEntry(product, compile_device(product))


def product_names() -> list[str]:
    """The products that are here."""
    return sorted(path.stem for path in products_folder().glob("*.toml"))


def has_model(name: str) -> bool:
    """Whether a physical model with this name can be simulated."""
    return (folder_of("phonehome_sim") / "models" / f"{name}.py").exists()


def check_model_faults(name: str, wanted: Iterable[str]) -> None:
    """SetupError when a scripted fault is none that this model can have."""
    module = importlib.import_module(f"phonehome_sim.models.{name}")
    known_faults = getattr(module, name.capitalize()).FAULTS
    for fault in wanted:
        if fault not in known_faults:
            known = ", ".join(sorted(known_faults))
            raise SetupError(f"fault '{fault}': the {name} has none of that name; use {known}")


def model_names() -> list[str]:
    """The products with a physical model."""
    return [name for name in product_names() if has_model(name)]
