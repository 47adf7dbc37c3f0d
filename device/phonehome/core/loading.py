"""From the bytes of a compiled product file to a product; needed once a boot."""

import hashlib

from phonehome_wire.compat import const
from phonehome_wire.decoder import decode
from phonehome_wire.errors import WireError

from .errors import ProductError
from .product import FaultSpec, Product

_FORMAT = const(1)
_MAX_FILE_BYTES = const(16384)


def read_product(data: bytes) -> Product:
    """Return the product of a compiled file (`phonehome product build`).

    Raise ProductError when it is damaged, of another format, or contradicts itself.
    """
    try:
        parts = decode(data, max_bytes=_MAX_FILE_BYTES)
    except WireError as error:
        raise ProductError("product file: %s; build it again" % error) from None
    if not isinstance(parts, dict) or parts.get(0) != _FORMAT:
        raise ProductError("product file: not of format %d; build it for this agent" % _FORMAT)
    name, version, freeze = parts.get(1, ""), parts.get(2, -1), parts.get(3)
    period_ms, samples = _expect_list("product file", "freeze", freeze, 2)
    product = Product(name, version, period_ms, samples)
    for row in _expect_list("product file", "sensors", parts.get(4)):
        number, name, unit, exp, period_ms = _expect_list("sensor", "fields", row, 5)
        product.sensor(name, unit, exp, period_ms, number)
    shared: dict = {}  # equal limits and gates are one object, by how they are written
    for row in _expect_list("product file", "faults", parts.get(5)):
        product.add(_spec_of(_expect_list("fault", "fields", row, 14), shared))
    product.manifest = hashlib.sha256(data).digest()[:4]
    return product


def _spec_of(row: list, shared: dict) -> FaultSpec:
    where = "fault %r" % (row[3],)
    row[4] = bool(row[4])
    params = tuple(_expect_list(where, "params", row[7]))
    row[7] = shared.setdefault(repr(params), params)
    rows = _expect_list(where, "when", row[12])
    gates = tuple([tuple(_expect_list(where, "when", gate, 3)) for gate in rows])
    row[12] = shared.setdefault(repr(gates), gates)
    return FaultSpec(*row)


def _expect_list(where: str, field: str, value, length: "int | None" = None) -> list:
    if not isinstance(value, list) or length not in (None, len(value)):
        want = "a list" if length is None else "a list of %d" % length
        raise ProductError(
            "%s: %s = %r; want %s, build the file again" % (where, field, value, want)
        )
    return value
