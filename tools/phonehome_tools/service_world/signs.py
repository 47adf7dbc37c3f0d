"""What the receiver gets to see of a fault: facts, made so that evidence is there or not.

The truth says which evidence shall be there; this makes the freeze frame, the metrics and answers
in which the receiver's own `observe` finds it. A sensor's noise comes on top, and may turn it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from phonehome_cloud.core.diagnosing.facts import Facts, Repair
from phonehome_product import Evidence, Fault, Product, Sensor
from phonehome_wire.names import METRIC_NAMES

from .luck import Luck
from .settling import SLOPE_MARGIN, Wish, settle

DAY_MS = 86_400_000
_METRICS = {name: number for number, name in METRIC_NAMES.items()}
USUAL_BUILD = "usual"  # begins with no prefix that a product file looks for
_SCALAR = "value"  # where an answer that is one number stands until it is made


class Signs:
    """Makes the facts of failures of one product."""

    def __init__(self, product: Product, noise: Mapping[str, float]) -> None:
        """`noise` is a standard deviation for each sensor that has some, in its unit."""
        self._product = product
        self._noise = noise
        self._sensors = {sensor.name: sensor for sensor in product.sensors}
        self._faults = {fault.code: fault for fault in product.faults}

    def facts(
        self, fault: Fault, shown: Mapping[str, bool], age_days: int, now_at: int, luck: Luck
    ) -> Facts:
        """Facts in which the evidence of `shown` is there or not; answers are made apart.

        `age_days` is the appliance's, whatever evidence of its age says.
        """
        told = [evidence for evidence in fault.evidence if evidence.id in shown]
        frame = self._frame(told, shown, luck)
        metrics = _numbers(told, shown, "metric")
        return Facts(
            device="0000000000000000",
            ticket=1,
            product=self._product.name,
            spn=fault.id,
            fmi=fault.fmi,
            now_at=now_at,
            frame=frame,
            active=frozenset(self._other_faults(told, shown)),
            metrics={_METRICS[name]: value for name, value in metrics.items() if name in _METRICS},
            age_days=age_days,
            usage=_numbers(told, shown, "usage"),
            build=_build(told, shown),
            repairs=tuple(_repairs(told, shown, now_at)),
        )

    def answers(self, fault: Fault, shown: Mapping[str, bool], command: str) -> dict[str, Any]:
        """What the device answers to a command: {command: value}."""
        wishes: defaultdict[int | str, list[Wish]] = defaultdict(list)
        exps: dict[int | str, int] = {}
        for e in fault.evidence:
            if e.what != "answer" or e.command != command or e.id not in shown:
                continue
            sensor = self._sensors.get(e.sensor or "")
            key: int | str = sensor.channel if sensor else _SCALAR if e.field is None else e.field
            exps[key] = sensor.exp if sensor else 0
            wishes[key].append(_wish(e, shown))
        values: dict[int | str, float] = {}
        for key, wished in wishes.items():
            step = 10.0 ** exps[key]
            values[key] = round(settle(wished, step) / step)
        if _SCALAR in values:
            return {command: values[_SCALAR]}
        return {command: values} if values else {}

    def _other_faults(
        self, told: Iterable[Evidence], shown: Mapping[str, bool]
    ) -> Iterable[tuple[int, int]]:
        for e in told:
            if e.what == "fault" and shown[e.id] and e.fault in self._faults:
                other = self._faults[e.fault]
                yield other.id, other.fmi

    def _frame(
        self, told: Iterable[Evidence], shown: Mapping[str, bool], luck: Luck
    ) -> dict[str, Any]:
        levels: defaultdict[str, list[Wish]] = defaultdict(list)
        slopes: defaultdict[str, list[Wish]] = defaultdict(list)
        for e in told:
            if e.what != "frame" or e.sensor is None:
                continue
            wishes = slopes if e.statistic == "slope" else levels
            wishes[e.sensor].append(_wish(e, shown))
            for gate in e.when:
                levels[gate.sensor].append(Wish(_real(gate.min), _real(gate.max), holds=True))
        freeze = self._product.freeze
        return {
            "period_ms": freeze.period_ms,
            "trigger": freeze.samples // 2,
            "channels": [
                self._channel(self._sensors[name], levels[name], slopes[name], luck)
                for name in dict.fromkeys([*levels, *slopes])
            ],
        }

    def _channel(
        self, sensor: Sensor, levels: list[Wish], slopes: list[Wish], luck: Luck
    ) -> dict[str, Any]:
        freeze = self._product.freeze
        step = 10.0**sensor.exp
        level = settle(levels, step)
        period_s = freeze.period_ms / 1000
        finest = 2 * step / (period_s * freeze.samples)  # less would be rounded away
        rise = settle(slopes, finest, margin=SLOPE_MARGIN) * period_s
        noise = self._noise.get(sensor.name, 0.0)
        middle = (freeze.samples - 1) / 2
        samples = []
        for place in range(freeze.samples):
            value = level + rise * (place - middle)
            if noise:
                value += noise * luck.normal("sample", sensor.name, place)
            samples.append(round(value / step))
        return {"channel": sensor.channel, "exp": sensor.exp, "samples": samples}


def age_wishes(fault: Fault, shown: Mapping[str, bool]) -> list[Wish]:
    """What evidence of the age asks of the appliance, in days."""
    return [_wish(e, shown) for e in fault.evidence if e.what == "age_days" and e.id in shown]


def _wish(evidence: Evidence, shown: Mapping[str, bool]) -> Wish:
    return Wish(_real(evidence.min), _real(evidence.max), shown[evidence.id])


def _real(limit: Decimal | None) -> float | None:
    return None if limit is None else float(limit)


def _numbers(told: Iterable[Evidence], shown: Mapping[str, bool], what: str) -> dict[str, int]:
    """Whole numbers from 0 up by the name of a metric or a usage."""
    wishes: defaultdict[str, list[Wish]] = defaultdict(list)
    for e in told:
        if e.what == what:
            name = e.metric if what == "metric" else e.usage
            wishes[name or ""].append(_wish(e, shown))
    return {name: int(settle(wished, 1.0, floor=0.0)) for name, wished in wishes.items()}


def _build(told: Iterable[Evidence], shown: Mapping[str, bool]) -> str:
    prefixes = {e.prefix: shown[e.id] for e in told if e.what == "build" and e.prefix}
    return next((prefix for prefix, holds in prefixes.items() if holds), USUAL_BUILD)


def _repairs(told: Iterable[Evidence], shown: Mapping[str, bool], now_at: int) -> Iterable[Repair]:
    for e in told:
        if e.what == "repairs" and shown[e.id] and e.cause:
            days = settle([_wish(e, shown)], 1.0, floor=0.0)
            yield Repair(e.cause, now_at - round(days * DAY_MS))
