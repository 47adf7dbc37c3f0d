"""The device's half of a product: deterministic CBOR, the small form that a board loads.

Layout, format 1:

    {0: 1, 1: name, 2: version, 3: [freeze_period_ms, samples],
     4: [[channel, name, unit, exp, period_ms], ...],
     5: [[id, fmi, severity, code, urgent, kind, sensor index or null, [parameters],
          on_delay_ms, off_delay_ms, n, m, [[sensor index, min or null, max or null], ...],
          settle_ms], ...]}

Limits are integers scaled like the sensor's samples; those of a rate are thousandths of that per
second. Parameters: range [low, high, deadband]; rate [low, high, window_ms, deadband]; stuck
[band, window_ms]; missing [max_age_ms]; python none.
"""

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from phonehome_wire.encoder import Encoder

from .checks import RATE_FACTOR
from .model import Fault, Product, Rule, Sensor
from .scaling import scale
from .vocabulary import KINDS

FORMAT = 1
MAX_DEVICE_HALF_BYTES = 16_384  # what the loader on the board accepts


def compile_device(product: Product) -> bytes:
    """Return the device half of a checked product; the same product gives the same bytes.

    Raise TooBigError of the wire when it is larger than a board accepts.
    """
    buffer = bytearray(MAX_DEVICE_HALF_BYTES)
    encoder = Encoder(buffer, 0)
    encoder.put_map(6)
    for key, value in enumerate(_parts(product)):
        encoder.put_uint(key)
        _put(encoder, value)
    return bytes(buffer[: encoder.pos])


def manifest_of(device_half: bytes) -> bytes:
    """Return the manifest id that devices send with this device half (uplink key 8)."""
    return hashlib.sha256(device_half).digest()[:4]


def _parts(product: Product) -> list[Any]:
    order = {sensor.name: number for number, sensor in enumerate(product.sensors)}
    return [
        FORMAT,
        product.name,
        product.version,
        [product.freeze.period_ms, product.freeze.samples],
        [[s.channel, s.name, s.unit, s.exp, s.period_ms] for s in product.sensors],
        [_fault(fault, product.sensors, order) for fault in product.faults],
    ]


def _fault(fault: Fault, sensors: tuple[Sensor, ...], order: dict[str, int]) -> list[Any]:
    rule = fault.rule
    index = None if rule.sensor is None else order[rule.sensor]
    exp = 0 if index is None else sensors[index].exp
    head = [fault.id, fault.fmi, fault.severity_code, fault.code, int(fault.urgent)]
    judged = [KINDS[rule.kind], index, _PARAMETERS[rule.kind](rule, exp)]
    timing = [rule.on_delay_ms, rule.off_delay_ms, rule.n, rule.m]
    return [*head, *judged, *timing, _gates(rule, sensors, order), rule.settle_ms]


def _gates(
    rule: Rule, sensors: tuple[Sensor, ...], order: dict[str, int]
) -> list[list[int | None]]:
    gates = []
    for gate in rule.when:
        index = order[gate.sensor]
        exp = sensors[index].exp
        gates.append([index, _scale(gate.min, exp), _scale(gate.max, exp)])
    return gates


def _scale(value: Decimal | None, exp: int, factor: int = 1) -> int | None:
    return None if value is None else scale(value, exp, factor)


def _range(rule: Rule, exp: int) -> list[int | None]:
    return [_scale(value, exp) for value in (rule.low, rule.high, rule.deadband)]


def _rate(rule: Rule, exp: int) -> list[int | None]:
    low, high = _scale(rule.low, exp, RATE_FACTOR), _scale(rule.high, exp, RATE_FACTOR)
    return [low, high, rule.window_ms, _scale(rule.deadband, exp, RATE_FACTOR)]


_PARAMETERS: dict[str, Callable[[Rule, int], list[int | None]]] = {
    "range": _range,
    "rate": _rate,
    "stuck": lambda rule, exp: [_scale(rule.deadband, exp), rule.window_ms],
    "missing": lambda rule, _: [rule.window_ms],
    "python": lambda _, __: [],
}


def _put(encoder: Encoder, value: Any) -> None:
    """Write a value made of None, integers, texts and lists: a fixed order, never a dict."""
    if value is None:
        encoder.put_null()
    elif isinstance(value, int):
        encoder.put_int(value)
    elif isinstance(value, str):
        encoder.put_text(value)
    else:
        encoder.put_array(len(value))
        for element in value:
            _put(encoder, element)
