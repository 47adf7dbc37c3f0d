"""The product files that the receiver knows: titles, severities, causes and off-rules."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import phonehome_product
from phonehome_product import Product, ProductError
from phonehome_product.apart import Outcome, load_here

from .errors import ConfigError

LoadEach = Callable[[Sequence[Path]], list[Outcome]]


def load_products(directory: str, load_each: LoadEach = load_here) -> dict[str, Product]:
    """Every product of a directory by name; "" means the products that come with the package.

    `load_each` reads the files: here, or apart from this process (phonehome_product.apart).
    Raises ConfigError with every problem of every file.
    """
    folder = Path(directory) if directory else _own_folder()
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise ConfigError([f"products.directory = {directory!r}: no *.toml in {folder}"])
    problems: list[str] = []
    products: dict[str, Product] = {}
    for file, product in zip(files, load_each(files), strict=True):
        if isinstance(product, OSError):
            raise product
        if isinstance(product, ProductError):
            problems += [f"products.directory: {problem}" for problem in product.problems]
            continue
        if product.name in products:
            problems.append(f"products.directory: {file} is a second product {product.name!r}")
        products[product.name] = product
    if problems:
        raise ConfigError(problems)
    return products


def find_pictures(directory: str, products: Mapping[str, Product]) -> dict[str, Path]:
    """The pictures that articles name, beside their product files; there are no others."""
    folder = (Path(directory) if directory else _own_folder()) / "pictures"
    return {
        step.picture: folder / step.picture
        for product in products.values()
        for article in product.articles
        for text in article.texts
        for step in text.steps
        if step.picture is not None and (folder / step.picture).is_file()
    }


def _own_folder() -> Path:
    """In the package when installed, beside it in the source tree."""
    package = Path(phonehome_product.__file__).parent
    inside = package / "products"
    return inside if inside.is_dir() else package.parent / "products"
