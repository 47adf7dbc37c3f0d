"""What a product is put together with, and asked by name; needed before the first sample."""

from .channel import Channel
from .errors import ProductError
from .rules import KIND_PYTHON


def add_sensor(product, name: str, unit: str, exp: int, period_ms: int, channel) -> Channel:
    """Add a sensor; without a channel it gets the number after the highest so far."""
    from .checks import check_sensor

    if channel is None:
        channel = 1 + max([other.id for other in product.channels], default=-1)
    check_sensor(product, name, unit, exp, period_ms, channel)
    for other in product.channels:
        if other.unit == unit:
            unit = other.unit  # one object for all that have it
    added = Channel(channel, name, unit, exp, period_ms)
    product.channels.append(added)
    return added


def add_rule(product, code: str, predicate) -> None:
    """Give the Python rule of a fault its function."""
    if not callable(predicate):
        raise ProductError("fault %s: predicate = %r; give a function" % (code, predicate))
    for spec in product.faults:
        if spec.code == code and spec.kind == KIND_PYTHON:
            product.predicates[code] = predicate
            return
    raise ProductError("fault %r: no fault of kind python has this code" % (code,))


def find_sensor(product, name: str) -> int:
    """Return the place of a sensor in `channels`."""
    for index, channel in enumerate(product.channels):
        if channel.name == name:
            return index
    names = ", ".join([channel.name for channel in product.channels])
    raise ProductError("sensor %r: the product has %s" % (name, names or "none"))


def find_readers(product, readers) -> list:
    """Return the reader of every sensor, in their order; see too that Python rules have theirs."""
    found = []
    for channel in product.channels:
        reader = readers.get(channel.name)
        if not callable(reader):
            raise ProductError(
                "sensor %r: reader = %r; give a function that returns a number or None"
                % (channel.name, reader)
            )
        found.append(reader)
    for spec in product.faults:
        if spec.kind == KIND_PYTHON and spec.code not in product.predicates:
            raise ProductError(
                "fault %s: a rule of kind python needs a function; give it with rule(%r, function)"
                % (spec.code, spec.code)
            )
    return found
