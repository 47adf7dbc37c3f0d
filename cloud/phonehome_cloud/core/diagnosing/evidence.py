"""Which evidence of a product file the facts show: there, not there, or not to be told.

What cannot be told is left out: missing evidence speaks neither for a cause nor against it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from phonehome_product import Evidence, Fault, Product
from phonehome_wire.names import METRIC_NAMES

from .facts import Facts
from .statistics import find_samples, take_statistic

_MS_PER_DAY: Final = 86_400_000
_METRICS: Final = MappingProxyType({name: number for number, name in METRIC_NAMES.items()})


def observe(product: Product, fault: Fault, facts: Facts) -> dict[str, bool]:
    """Evidence of the fault by id: whether it is there; what cannot be told is absent."""
    seen: dict[str, bool] = {}
    for evidence in fault.evidence:
        told = _LOOKS[evidence.what](product, evidence, facts)
        if told is not None:
            seen[evidence.id] = told
    return seen


def _is_within(evidence: Evidence, value: float | None) -> bool | None:
    if value is None:
        return None
    least, most = evidence.min, evidence.max
    return (least is None or value >= float(least)) and (most is None or value <= float(most))


def _look_at_frame(product: Product, evidence: Evidence, facts: Facts) -> bool | None:
    if facts.frame is None or evidence.sensor is None or evidence.statistic is None:
        return None
    channels = {sensor.name: sensor.channel for sensor in product.sensors}
    gates = [(channels[gate.sensor], gate.min, gate.max) for gate in evidence.when]
    samples = find_samples(facts.frame, channels[evidence.sensor], gates)
    return _is_within(evidence, take_statistic(evidence.statistic, samples, facts.frame))


def _look_for_fault(product: Product, evidence: Evidence, facts: Facts) -> bool | None:
    """Faults that are not reported are not there: the receiver knows all that are."""
    other = next((fault for fault in product.faults if fault.code == evidence.fault), None)
    return None if other is None else (other.id, other.fmi) in facts.active


def _look_at_metric(_: Product, evidence: Evidence, facts: Facts) -> bool | None:
    return _is_within(evidence, facts.metrics.get(_METRICS.get(evidence.metric or "", -1)))


def _look_at_age(_: Product, evidence: Evidence, facts: Facts) -> bool | None:
    return _is_within(evidence, facts.age_days)


def _look_at_usage(_: Product, evidence: Evidence, facts: Facts) -> bool | None:
    return _is_within(evidence, facts.usage.get(evidence.usage or ""))


def _look_at_build(_: Product, evidence: Evidence, facts: Facts) -> bool | None:
    return None if facts.build is None else facts.build.startswith(evidence.prefix or "")


def _look_at_repairs(_: Product, evidence: Evidence, facts: Facts) -> bool | None:
    """Days since the newest repair of the cause; a cause that was never mended is not there."""
    mended = [repair.at for repair in facts.repairs if repair.cause == evidence.cause]
    if not mended:
        return False
    return _is_within(evidence, (facts.now_at - max(mended)) / _MS_PER_DAY)


def _look_at_answer(product: Product, evidence: Evidence, facts: Facts) -> bool | None:
    value, exp = facts.answers.get(evidence.command or ""), 0
    if evidence.sensor is not None:
        sensor = next(s for s in product.sensors if s.name == evidence.sensor)
        value, exp = _enter(value, sensor.channel), sensor.exp
    elif evidence.field is not None:
        value = _enter(value, evidence.field)
    if not isinstance(value, int | float):
        return None
    return _is_within(evidence, value * 10**exp if exp >= 0 else value / 10**-exp)


def _enter(value: Any, key: int) -> Any:
    """An element of an answer; keys of a map are texts once they were JSON."""
    if isinstance(value, Mapping):
        return value.get(key, value.get(str(key)))
    if isinstance(value, list | tuple) and key < len(value):
        return value[key]
    return None


_LOOKS: Final[Mapping[str, Callable[[Product, Evidence, Facts], bool | None]]] = MappingProxyType(
    {
        "frame": _look_at_frame,
        "fault": _look_for_fault,
        "metric": _look_at_metric,
        "age_days": _look_at_age,
        "usage": _look_at_usage,
        "build": _look_at_build,
        "repairs": _look_at_repairs,
        "answer": _look_at_answer,
    }
)
