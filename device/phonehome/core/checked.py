"""A product that an earlier boot has read and checked: loaded by the firmware's own JSON parser.

Reading a compiled product file takes a Pico 240 ms, most of it for the modules that decode and
check; a battery pays for that at each wake. So the first boot writes what came out beside it.
"""

import json
from binascii import crc32

from .channel import Channel
from .product import FaultSpec, Product


class CheckedProduct(Product):
    """What `Product` holds, from `dump`; nothing is checked again."""

    def __init__(self, parts: list) -> None:
        head, sensors, faults = parts
        self.name, self.version, self.freeze_period_ms, self.freeze_samples, manifest = head
        self.manifest = None if manifest is None else bytes.fromhex(manifest)
        self.channels = [Channel(*sensor) for sensor in sensors]
        self.faults = [_spec_of(fault) for fault in faults]
        self.predicates = {}


def load_checked(path: str) -> Product:
    """Return the product of a compiled file; ProductError when that is damaged.

    Beside it lies `path` + ".checked", made here when it is not there or of another file.
    """
    with open(path, "rb") as file:
        data = file.read()
    sum32 = crc32(data)
    parts = _read(path + ".checked")
    if parts and parts[0] == sum32:
        return CheckedProduct(parts[1:])
    from .product import load

    product = load(data)
    try:
        with open(path + ".checked", "w") as file:
            file.write(json.dumps([sum32] + _dump(product)))
    except OSError:
        pass  # a full or read-only flash: each wake reads and checks
    return product


def _read(path: str) -> list:
    try:
        with open(path) as file:
            parts: list = json.loads(file.read())
    except (OSError, ValueError):
        return []
    return parts if isinstance(parts, list) and len(parts) == 4 else []


def _dump(product: Product) -> list:
    manifest = None if product.manifest is None else product.manifest.hex()
    head = (product.name, product.version, product.freeze_period_ms, product.freeze_samples)
    sensors = [[c.id, c.name, c.unit, c.exp, c.period_ms] for c in product.channels]
    return [list(head) + [manifest], sensors, [list(spec) for spec in product.faults]]


def _spec_of(row: list) -> FaultSpec:
    row[7] = tuple(row[7])
    row[12] = tuple([tuple(gate) for gate in row[12]])
    return FaultSpec(*row)
