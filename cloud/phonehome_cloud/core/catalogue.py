"""What the product files say about faults, as the digest asks for it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from phonehome_product import Fault, Product, compile_device, manifest_of
from phonehome_wire.names import FMI_TEXTS

# How long a fault of no known product must stay healed before its ticket resolves.
UNKNOWN_RESOLVE_AFTER_S: Final = 3600


class FaultKnowledge(NamedTuple):
    """What is known about one fault; `severity` is None when only the device's word counts."""

    title: str
    code: str | None = None
    severity: int | None = None
    resolve_after_s: int = UNKNOWN_RESOLVE_AFTER_S


class Catalogue:
    """Faults of all products by (product, fault id, failure mode)."""

    def __init__(self, products: Iterable[Product]) -> None:
        self.products = {product.name: product for product in products}
        self._by_manifest = {
            manifest_of(compile_device(product)).hex(): name
            for name, product in self.products.items()
        }
        self._faults = {
            (name, fault.id, fault.fmi): _knowledge(fault)
            for name, product in self.products.items()
            for fault in product.faults
        }

    @property
    def manifests(self) -> frozenset[str]:
        """The manifest ids (hex) whose channels the product files describe."""
        return frozenset(self._by_manifest)

    def product_of(self, manifest: str | None) -> str | None:
        """The product whose device half has this manifest id."""
        return self._by_manifest.get(manifest) if manifest else None

    def fault(self, product: str | None, spn: int, fmi: int) -> FaultKnowledge:
        """What is known; a fault that no file names still gets a title."""
        known = self._faults.get((product, spn, fmi)) if product else None
        return known or _unknown(spn, fmi)


@lru_cache(4096)
def _unknown(spn: int, fmi: int) -> FaultKnowledge:
    return FaultKnowledge(neutral_title(spn, fmi))


def neutral_title(spn: int, fmi: int) -> str:
    """What to call a fault that no product file names."""
    return f"Fault {spn}: {FMI_TEXTS.get(fmi, f'failure mode {fmi}')}"


def _knowledge(fault: Fault) -> FaultKnowledge:
    return FaultKnowledge(fault.title, fault.code, fault.severity_code, fault.resolve_after_s)
