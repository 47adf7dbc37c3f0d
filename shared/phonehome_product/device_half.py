"""The device's half of a product: deterministic CBOR, the small form that a board loads.

Layout, format 1:

    {0: 1, 1: name, 2: version, 3: [freeze_period_ms, samples],
     4: [[channel, name, unit, exp, period_ms], ...],
     5: [[id, fmi, severity, code, urgent, kind, sensor index or null, [parameters],
          on_delay_ms, off_delay_ms, n, m, [[sensor index, min or null, max or null], ...],
          settle_ms], ...]}

Limits are integers scaled like the sensor's samples; those of a rate are thousandths of that per
second, those of noise thousandths, those of a count are numbers. Kinds and parameters are only
ever added to: 1 range [low, high, deadband]; 2 rate [low, high, window_ms, deadband]; 3 stuck
[band, window_ms]; 4 missing [max_age_ms]; 5 python none; 6 noise [low, high, window_ms,
deadband]; 7 disagree [low, high, deadband, other sensor's index]; 8 count [low, high, window_ms,
deadband, level, rearm]; 9 drift [low, high, excess in steps times ms, deadband].
"""

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from phonehome_wire.encoder import Encoder

from .checks import FACTORS, MILLI
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


def compile_fault(product: Product, fault: Fault) -> list[Any]:
    """Return the row of one fault of a checked product, as the device half has it."""
    order = {sensor.name: number for number, sensor in enumerate(product.sensors)}
    return _fault(fault, product.sensors, order)


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
    parameters = _PARAMETERS[rule.kind](rule, exp)
    if rule.other is not None:
        parameters.append(order[rule.other])
    judged = [KINDS[rule.kind], index, parameters]
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


def _limits(rule: Rule, exp: int) -> list[int | None]:
    factor = FACTORS.get(rule.kind, 1)
    return [_scale(value, exp, factor) for value in (rule.low, rule.high, rule.deadband)]


def _rate(rule: Rule, exp: int) -> list[int | None]:
    low, high, deadband = _limits(rule, exp)
    return [low, high, rule.window_ms, deadband]


def _count(rule: Rule, exp: int) -> list[int | None]:
    level = _scale(rule.level, exp)
    rearm = level if rule.rearm is None else _scale(rule.rearm, exp)
    return [*_rate(rule, 0), level, rearm]


def _drift(rule: Rule, exp: int) -> list[int | None]:
    low, high, deadband = _limits(rule, exp)
    return [low, high, _scale(rule.excess, exp, MILLI), deadband]


_PARAMETERS: dict[str, Callable[[Rule, int], list[int | None]]] = {
    "range": _limits,
    "rate": _rate,
    "stuck": lambda rule, exp: [_scale(rule.deadband, exp), rule.window_ms],
    "missing": lambda rule, _: [rule.window_ms],
    "python": lambda _, __: [],
    "noise": _rate,
    "disagree": _limits,
    "count": _count,
    "drift": _drift,
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
